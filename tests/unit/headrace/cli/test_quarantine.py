"""Commands about quarantine, with a quarantine that holds what it is told."""

import json
from types import SimpleNamespace

import pytest

from headrace.aws import quarantine as module
from headrace.aws.deployed_pipeline import DeployedPipeline, NotDeployedError
from headrace.aws.quarantine import Life, NothingToRetryError
from headrace.aws.refusal_ledger import BusyError, Refusal, Retry
from headrace.cli import main

PARTLY = Refusal(
    "incoming/2.csv", "v1", "2026-01-31T12:00:00Z", "o1", 3, 2, None, {"missing": 1, "not_a_number": 1}
)
WHOLE = Refusal("incoming/3.csv", "v2", "2026-02-01T12:00:00Z", "o2", refused="empty")
RETRIED = Refusal(
    "incoming/4.csv",
    "v3",
    "2026-02-02T12:00:00Z",
    "o3",
    5,
    1,
    None,
    {"missing": 1},
    Retry("2026-02-03T12:00:00+00:00", "incoming/retry/4.csv/v3.parquet", "v9", 1),
)
REASON = {
    "counts": [{"column": "temp", "reason": "not_a_number", "means": "is no finite number", "rows": 1}],
    "examples": [{"row": 7, "column": "temp", "reason": "not_a_number", "value_class": "text"}],
}


class InQuarantine:
    """What was refused."""

    def __init__(self):
        self.all = [PARTLY, WHOLE, RETRIED]
        self.retried, self.stands_in_the_way = [], {}

    def refusals(self, *, since="", reason=None):
        return [r for r in self.all if r.dropped_at >= since and (reason is None or reason in r.codes)]

    def of_file(self, name):
        return [refusal for refusal in self.all if refusal.key == f"incoming/{name}"]

    def reason(self, refusal):
        return REASON if refusal is PARTLY else {"why": "the file is empty"}

    def life(self, refusal):
        return Life(refusal.accepted, refusal.waiting_rows)

    def places(self, refusal):
        return ["s3://data/quarantine/2.csv/v1/rejected.csv"]

    def retry(self, refusal, now):
        if refusal.key in self.stands_in_the_way:
            raise self.stands_in_the_way[refusal.key]
        self.retried.append(refusal.key)
        return Retry(now.isoformat(), f"{refusal.key}-again", "v9", refusal.quarantined)


@pytest.fixture
def held(monkeypatch):
    held = InQuarantine()
    session = SimpleNamespace(
        client=lambda name: None, resource=lambda name: SimpleNamespace(Table=lambda name: None)
    )
    outputs = {"LedgerTableName": "ledger", "DataBucketName": "data"}
    monkeypatch.setattr(DeployedPipeline, "find", lambda name: DeployedPipeline(name, outputs, session))
    monkeypatch.setattr(module, "Quarantine", lambda client, bucket, ledger: held)
    return held


@pytest.fixture
def run(capsys):
    def run(*arguments):
        code = main(["quarantine", *arguments])
        printed = capsys.readouterr()
        return code, printed.out, printed.err

    return run


def test_the_list_says_which_files_how_much_of_them_and_why(run, held):
    code, out, _ = run("list", "bike")

    assert code == 0
    for words in ("2.csv", "2 of 5 rows", "missing 1", "3.csv", "whole file", "empty", "retried"):
        assert words in out


@pytest.mark.parametrize(
    ("options", "files"),
    [
        ([], ["incoming/2.csv", "incoming/3.csv", "incoming/4.csv"]),
        (["--reason", "missing"], ["incoming/2.csv", "incoming/4.csv"]),
        (["--since", "2026-02-01"], ["incoming/3.csv", "incoming/4.csv"]),
    ],
)
def test_the_list_is_json_for_scripts(run, held, options, files):
    assert [each["file"] for each in json.loads(run("list", "bike", "--json", *options)[1])["files"]] == files


def test_an_empty_quarantine_is_told(run, held):
    held.all = []

    assert run("list", "bike")[:2] == (0, "nothing was refused\n")


def test_a_day_that_is_none_is_told(run, held, capsys):
    with pytest.raises(SystemExit):
        run("list", "bike", "--since", "yesterday")

    assert "'yesterday' is no date such as 2026-01-31" in capsys.readouterr().err


def test_a_file_is_shown_with_reasons_examples_places_and_what_to_do(run, held):
    code, out, _ = run("show", "bike", "2.csv")

    assert code == 0
    text = " ".join(out.split())
    for words in (
        "is no finite number",
        "row 7, temp (text)",
        "s3://data/quarantine/2.csv/v1",
        "rejected.csv",
    ):
        assert words in text
    shown = json.loads(run("show", "bike", "2.csv", "--json")[1])
    assert shown["rows"] == {"accepted": 3, "in_quarantine": 2, "on_the_way": 0, "received": 5}
    assert shown["counts"] == REASON["counts"]


@pytest.mark.parametrize(
    ("name", "words"), [("5.csv", "5.csv"), ("2.csv --version v7", "version v7 of 2.csv")]
)
def test_a_file_of_which_nothing_was_refused_is_one_clear_error(run, held, name, words):
    code, _, err = run("show", "bike", *name.split())

    assert code == 2
    assert err == f"headrace: nothing was refused of {words}: headrace quarantine list names the files\n"


def test_a_pipeline_that_is_not_deployed_is_one_clear_error(run, monkeypatch):
    def find(name):
        raise NotDeployedError("there is no stack bik-data")

    monkeypatch.setattr(DeployedPipeline, "find", find)

    assert run("list", "bik") == (2, "", "headrace: there is no stack bik-data\n")


@pytest.mark.parametrize(
    ("choice", "keys"),
    [
        (["2.csv"], ["incoming/2.csv"]),
        (["3.csv", "2.csv"], ["incoming/3.csv", "incoming/2.csv"]),
        (["--all"], ["incoming/2.csv", "incoming/3.csv"]),
        (["--reason", "empty"], ["incoming/3.csv"]),
    ],
)
def test_what_is_chosen_is_retried_unless_it_was_before(run, held, choice, keys):
    code, out, _ = run("retry", "bike", *choice, "--yes", "--json")

    assert (code, held.retried) == (0, keys)
    assert [each["dropped"] for each in json.loads(out)["files"]] == [f"{key}-again" for key in keys]


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        ([], "say which"),
        (["4.csv", "--yes"], "4.csv was retried already"),
        (["--reason", "damaged", "--yes"], "nothing of that kind waits"),
        (["--all"], "this would take in 2 files again: say --yes"),
    ],
)
def test_what_cannot_be_done_is_said_before_anything_is_dropped(run, held, arguments, words):
    code, _, err = run("retry", "bike", *arguments)

    assert (code, held.retried) == (2, [])
    assert words in err


def test_what_stands_in_the_way_of_one_file_does_not_hold_up_the_others(run, held):
    held.stands_in_the_way = {"incoming/2.csv": BusyError("somebody else is at it")}

    code, out, _ = run("retry", "bike", "--all", "--yes")

    assert (code, held.retried) == (0, ["incoming/3.csv"])
    assert "somebody else is at it" in out


def test_a_retry_of_nothing_fails_the_command(run, held):
    held.stands_in_the_way = {"incoming/3.csv": NothingToRetryError("it is gone")}

    code, out, err = run("retry", "bike", "3.csv", "--yes")

    assert (code, held.retried) == (2, [])
    assert "it is gone" in out
    assert "nothing was retried" in err


@pytest.mark.parametrize(("answer", "done"), [("y", True), ("", False)])
def test_a_person_is_asked(run, held, monkeypatch, answer, done):
    monkeypatch.setattr("sys.stdin", SimpleNamespace(isatty=lambda: True))
    monkeypatch.setattr("builtins.input", lambda question: answer)

    run("retry", "bike", "--all")

    assert bool(held.retried) is done
