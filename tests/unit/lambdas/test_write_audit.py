"""What becomes an entry of the audit ledger: lines of the table, changes of lines, settings of deployments."""

from datetime import UTC, datetime

import pytest
from boto3.dynamodb.types import TypeSerializer

from headrace.aws.registry import Package
from headrace.ml.audit.chain import chained, origin
from lambdas.write_audit.handler import write_audit, write_package, write_settings
from lambdas.write_audit.lines import record_of

NOW = datetime(2026, 11, 30, 12, tzinfo=UTC)
ANN = "arn:aws:iam::123456789012:user/ann"
STACK = "arn:aws:cloudformation:us-east-1:123456789012:stack/bike-data/1"


class Ledger(list):
    def append(self, record):
        if record.id in {each.id for each in self}:
            return None
        super().append(record)
        return chained(record, origin("bike"))


def change(pk, sk, item=None, *, name="INSERT", id="e1"):
    write = TypeSerializer().serialize
    keys = {"pk": write(pk), "sk": write(sk)}
    image = {"NewImage": keys | {key: write(value) for key, value in item.items()}} if item else {}
    return {
        "eventID": id,
        "eventName": name,
        "dynamodb": {"ApproximateCreationDateTime": NOW.timestamp(), "Keys": keys, **image},
    }


def release(**changes):
    line = {
        "event": "approved",
        "by": ANN,
        "version": 4,
        "against": 3,
        "strategy": "",
        "share": 0,
        "why": "ok",
    }
    return change(
        "release", "entry#t#0000", {**line, "execution": "", "at": "t", "planned_at": "t", **changes}
    )


def test_a_line_about_a_release_says_what_by_whom_to_which_model_and_why():
    record = record_of(release())

    assert (record.id, record.at, record.event, record.by) == (
        "e1",
        "2026-11-30T12:00:00+00:00",
        "approved",
        ANN,
    )
    assert record.about == {
        "version": 4,
        "against": 3,
        "strategy": "",
        "share": 0,
        "why": "ok",
        "execution": "",
    }


@pytest.mark.parametrize(
    ("outcome", "event"),
    [
        ("registered", "registered"),
        ("kept_champion", "trained"),
        ("failed", "training_failed"),
        ("new", "new"),
    ],
)
def test_a_training_is_told_by_its_outcome(outcome, event):
    item = {
        "outcome": outcome,
        "execution": "e7",
        "run": "r",
        "reason": "drift",
        "version": None,
        "cost_usd": None,
    }

    record = record_of(change("training", "run#t#1", item))

    assert (record.event, record.by) == (event, "execution e7")
    assert (record.about["run"], record.about["reason"], record.about["version"]) == ("r", "drift", None)
    assert "cost_usd" not in record.about


def test_a_line_of_a_command_says_what_the_command_said():
    item = {"event": "exported", "by": ANN, "about": '{"person": "hmac-1", "records": 2}'}

    record = record_of(change("audit", "line#t#1", item))

    assert (record.event, record.by, record.about) == ("exported", ANN, {"person": "hmac-1", "records": 2})


@pytest.mark.parametrize(("name", "event"), [("MODIFY", "line_changed"), ("REMOVE", "line_removed")])
def test_a_line_that_somebody_changes_or_removes_is_told_and_what_it_says_now_is_not_believed(name, event):
    told = change("release", "entry#t#0000", {"event": "approved", "by": "nobody"}, name=name)

    record = record_of(told)

    assert (record.event, record.by, record.about) == (event, "unknown", {"line": "release/entry#t#0000"})


def test_reasons_with_personal_data_are_left_out_and_who_did_it_is_not():
    record = record_of(release(why="complaint of bob@example.org", by=f"{ANN}@example.org"))

    assert record.about["why"] == "left out: it holds personal data (email)"
    assert record.by == f"{ANN}@example.org"


def test_a_batch_that_comes_again_after_an_error_is_written_once():
    ledger, batch = (
        Ledger(),
        {"Records": [release(), change("audit", "line#1", None, name="REMOVE", id="e2")]},
    )

    assert [write_audit(batch, ledger), write_audit(batch, ledger)] == [2, 2]
    assert [record.event for record in ledger] == ["approved", "line_removed"]


def settings(kind="Create", hold="", old=None, id="r1"):
    return {
        "RequestType": kind,
        "RequestId": id,
        "StackId": STACK,
        "ResourceProperties": {"PipelineSha256": "f" * 64, "LegalHold": hold},
        **({} if old is None else {"OldResourceProperties": {"PipelineSha256": "e" * 64, "LegalHold": old}}),
    }


@pytest.mark.parametrize(
    ("event", "told"),
    [
        (settings(), "configured"),
        (settings(hold="lawsuit"), "legal_hold_set"),
        (settings("Update", hold="lawsuit", old=""), "legal_hold_set"),
        (settings("Update", hold="", old="lawsuit"), "legal_hold_lifted"),
        (settings("Update", hold="appeal", old="lawsuit"), "legal_hold_changed"),
        (settings("Update", hold="lawsuit", old="lawsuit"), "configured"),
    ],
)
def test_a_deployment_is_an_entry_that_says_whether_anything_may_be_erased(event, told):
    ledger = Ledger()

    write_settings(event, ledger, NOW)

    (record,) = ledger
    assert (record.event, record.by) == (told, STACK)
    assert record.about["legal_hold"] == event["ResourceProperties"]["LegalHold"]


def test_the_end_of_a_pipeline_writes_nothing_into_a_bucket_that_is_being_emptied():
    ledger = Ledger()

    assert write_settings(settings("Delete"), ledger, NOW) == {}
    assert ledger == []


PACKAGE = "arn:aws:sagemaker:us-east-1:123456789012:model-package/headrace-bike/4"


class Packages:
    """A registry with one package, or none."""

    def __init__(self, status="", why="", changed_by=ANN):
        self.package = status and Package(PACKAGE, 4, status, "t", "i", "u", {}, {}, why, changed_by)

    def find(self, arn):
        assert arn == PACKAGE
        return self.package or None


def package_event(status="Approved"):
    detail = {"ModelPackageArn": PACKAGE, "ModelPackageVersion": 4, "ModelApprovalStatus": status}
    return {"id": "p1", "source": "aws.sagemaker", "time": "2026-11-30T12:00:00Z", "detail": detail}


def told_of(event, packages):
    ledger = Ledger()
    write_package(event, ledger, packages)
    write_package(event, ledger, packages)
    (record,) = ledger
    return record


def test_an_approval_by_whatever_tool_is_an_entry_with_whoever_changed_the_package_and_why():
    record = told_of(package_event(), Packages("Approved", "looks good"))

    assert (record.event, record.by, record.at) == ("package_changed", ANN, "2026-11-30T12:00:00+00:00")
    assert record.about == {"version": 4, "status": "Approved", "why": "looks good"}


@pytest.mark.parametrize(
    "packages", [Packages(), Packages("Rejected", "withdrawn"), Packages("Approved", "", "")]
)
def test_who_changed_a_package_is_unknown_if_it_is_gone_or_changed_again_or_the_registry_does_not_say(
    packages,
):
    record = told_of(package_event(), packages)

    assert (record.by, record.about) == ("unknown", {"version": 4, "status": "Approved"})


def test_why_a_package_was_approved_is_left_out_if_it_holds_personal_data():
    record = told_of(package_event(), Packages("Approved", "bob@example.org said so"))

    assert record.about["why"] == "left out: it holds personal data (email)"
