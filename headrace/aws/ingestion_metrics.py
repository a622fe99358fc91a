"""What came in and what was refused, as metrics: every row and every file is counted once, when it first arrives."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Protocol

from headrace.aws.dropped_files import RETRIES
from headrace.aws.file_ledger import FileRecord
from headrace.ml.files.refusal import FileReason


class Metrics(Protocol):
    """What is needed of CloudWatch."""

    def put(self, metrics: Mapping[str, float], *, dimensions: Mapping[str, str] | None = None) -> None:
        """Write counts, with further dimensions than the pipeline."""
        ...


def report(taken: FileRecord, metrics: Metrics) -> None:
    """Count the rows and the file, and what was refused by its reason; of a retry only what it has recovered.

    There are as many metrics by reason as there are reasons that occur: a few of some forty.
    """
    if taken.key.startswith(RETRIES):
        metrics.put({"RowsRecovered": taken.rows})
        return
    refused = taken.refused is not None
    metrics.put(
        {
            "FilesAccepted": float(not refused),
            "FilesQuarantined": float(refused),
            "ContractBreaches": float(taken.refused is not None and FileReason(taken.refused).is_breach),
            "RowsAccepted": taken.rows,
            "RowsQuarantined": taken.quarantined,
            "CellsFlagged": taken.flagged,
            **({"PersonalColumns": len(taken.personal_data)} if taken.personal_data else {}),
        }
    )
    for reason, rows in taken.reasons.items():
        metrics.put({"RowsRefused": rows}, dimensions={"Reason": reason})
    if taken.refused is not None:
        metrics.put({"FilesRefused": 1}, dimensions={"Reason": taken.refused})
