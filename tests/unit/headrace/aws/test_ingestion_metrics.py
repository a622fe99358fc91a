from headrace.aws.file_ledger import FileRecord
from headrace.aws.ingestion_metrics import report

TAKEN = FileRecord("incoming/a.csv", "v1", "2026-01-31T12:00:00Z")


class Metrics:
    """What was put."""

    def __init__(self):
        self.counts, self.by_reason = {}, {}

    def put(self, metrics, *, dimensions=None):
        for name, value in metrics.items():
            if dimensions:
                self.by_reason[name, dimensions["Reason"]] = value
            else:
                self.counts[name] = value


def reported(**known):
    metrics = Metrics()
    report(TAKEN.with_(**known), metrics)
    return metrics


def test_rows_are_counted_and_those_that_were_refused_by_reason():
    metrics = reported(rows=7, quarantined=3, flagged=2, reasons={"missing": 2, "too_long": 1})

    assert metrics.counts == {
        "FilesAccepted": 1,
        "FilesQuarantined": 0,
        "ContractBreaches": 0,
        "RowsAccepted": 7,
        "RowsQuarantined": 3,
        "CellsFlagged": 2,
    }
    assert metrics.by_reason == {("RowsRefused", "missing"): 2, ("RowsRefused", "too_long"): 1}


def test_a_file_that_was_refused_whole_is_counted_by_its_reason():
    metrics = reported(refused="empty")

    assert (metrics.counts["FilesQuarantined"], metrics.counts["ContractBreaches"]) == (1, 0)
    assert metrics.by_reason == {("FilesRefused", "empty"): 1}


def test_a_file_that_breaks_the_contract_is_counted_as_a_breach():
    assert reported(refused="contract_missing_column").counts["ContractBreaches"] == 1


def test_rows_that_are_retried_are_not_counted_a_second_time():
    metrics = reported(key="incoming/retry/a.csv/v1.parquet", rows=2, quarantined=1, reasons={"missing": 1})

    assert (metrics.counts, metrics.by_reason) == ({"RowsRecovered": 2}, {})
