"""Checkers run, what they find must have a reason, and the list of what has none may only shrink."""

import pytest

from security.checks import report as reports
from security.checks.checkers import CHECKERS, Checked, silent
from security.checks.deployments import HARDENED, deployments
from security.checks.findings import Acknowledgement, Finding
from security.checks.guard import with_imports
from security.checks.pages import out_of_date, write_pages
from security.checks.report import Report
from security.checks.stricter.answer import Verdict
from security.templates import Templates

BUCKET = "<pipeline>-data/Bucket/Resource"
QUEUE = "<pipeline>-data/Queue/Resource"
BARE = Finding("HIPAA.Security", "HIPAA.Security-S3BucketReplicationEnabled", BUCKET)
DEAD_END = Finding("Serverless", "Serverless-SQSRedrivePolicy", QUEUE)
IN_NO_VPC = Finding("HIPAA.Security", "HIPAA.Security-LambdaInsideVPC", "<pipeline>-data/Ingest/Resource")
REASON = Acknowledgement("<pipeline>-data/Bucket", "S3BucketReplicationEnabled", "It leaves the Region.")


@pytest.fixture
def listed(tmp_path, monkeypatch):
    """An empty list of what is open."""
    monkeypatch.setattr(reports, "OPEN", tmp_path / "findings.txt")
    monkeypatch.setattr(reports, "out_of_date", lambda _: ())
    monkeypatch.setattr(reports, "write_pages", lambda _: None)
    reports.OPEN.write_text("")
    return reports.OPEN


def report(hardened=(), default=(), acknowledged=(), not_heard=(), answered=()):
    checked = {
        HARDENED: Checked(tuple(hardened), tuple(acknowledged), answered=tuple(answered)),
        "bike.yaml": Checked(tuple(default), tuple(acknowledged), answered=tuple(answered)),
    }
    return Report(checked, list(not_heard))


def test_every_checker_finds_something_in_the_stack_that_is_bad_on_purpose(capfd):
    assert len(CHECKERS) > 8
    assert silent() == []
    assert capfd.readouterr() == ("", "")


def test_a_checker_that_does_not_run_is_told(monkeypatch):
    monkeypatch.setattr("security.checks.guard.findings", lambda _: iter(()))
    monkeypatch.setattr("security.checks.checkers._PARTS", ())

    assert silent() == list(CHECKERS)
    assert "did not run" in next(report(not_heard=["Control Tower"]).complaints())


def test_what_is_found_without_a_reason_fails(listed):
    found = report(hardened=[BARE])

    assert found.figures()["unacknowledged"] == 1
    assert list(found.complaints()) == [f"found: S3BucketReplicationEnabled | {BUCKET}: "]


def test_what_has_a_reason_is_counted_and_does_not_fail(listed):
    found = report(hardened=[BARE], acknowledged=[REASON])

    assert found.figures()["unacknowledged"] == 0
    assert found.figures()["acknowledged"] == 1
    assert list(found.complaints()) == []


def test_a_rule_of_two_packs_counts_once_for_a_resource(listed):
    twice = [IN_NO_VPC, Finding("PCI.DSS.321", "PCI.DSS.321-LambdaInsideVPC", IN_NO_VPC.resource)]

    assert report(hardened=twice).figures()["unacknowledged"] == 1


def test_rules_that_ask_the_same_count_once_for_a_resource(listed):
    twice = [
        DEAD_END,
        Finding("Control Tower", "CT.SQS.PR.1", QUEUE),
        Finding("AwsSolutions", "AwsSolutions-SQS3", QUEUE),
    ]

    assert list(report(hardened=twice).complaints()) == [f"found: AwsSolutions-SQS3 | {QUEUE}: "]


def test_what_a_stricter_rule_answers_is_counted_apart(listed):
    found = report(answered=[Verdict(DEAD_END, "Headrace-DeadLettersAreKeptAndWatched")])

    assert (found.figures()["stricter_rules"], found.figures()["acknowledged"]) == (1, 0)
    assert list(found.complaints()) == []


def test_what_a_stricter_rule_refuses_cannot_be_acknowledged(listed):
    never_mind = Acknowledgement("<pipeline>-data/Queue", "Serverless-SQSRedrivePolicy", "Never mind.")

    assert report(hardened=[DEAD_END], acknowledged=[never_mind]).figures()["unacknowledged"] == 1


def test_what_other_deployments_acknowledge_is_counted_apart(listed):
    found = report(default=[BARE], acknowledged=[REASON])

    assert (found.figures()["acknowledged"], found.figures()["acknowledged_elsewhere"]) == (0, 1)
    assert (
        report(hardened=[BARE], default=[BARE], acknowledged=[REASON]).figures()["acknowledged_elsewhere"]
        == 0
    )


def test_what_a_switch_answers_may_be_found_in_defaults_but_not_where_the_switch_is_on(listed):
    assert report(default=[IN_NO_VPC]).figures()["answered_by_switches"] == 1
    assert list(report(default=[IN_NO_VPC]).complaints()) == []
    assert len(list(report(hardened=[IN_NO_VPC]).complaints())) == 1


def test_a_switch_answers_before_a_reason_does(listed):
    untold = Finding("Control Tower", "CT.S3.PR.4", BUCKET)
    reason = Acknowledgement(BUCKET, "CT.S3.PR.4", "Nobody asks.")

    figures = report(default=[untold], acknowledged=[reason]).figures()
    assert (figures["answered_by_switches"], figures["acknowledged_elsewhere"]) == (1, 0)
    assert report(hardened=[untold], acknowledged=[reason]).figures()["acknowledged"] == 1


def test_the_list_of_what_is_open_may_only_shrink(listed):
    report(hardened=[BARE]).accept()

    assert list(report(hardened=[BARE]).complaints()) == []
    assert list(report().complaints()) == [
        f"listed in findings.txt for nothing: S3BucketReplicationEnabled | {BUCKET}"
    ]


def test_every_option_of_a_pipeline_is_checked_in_some_deployment():
    fields = set().union(*(fields.keys() for fields in deployments().values()))

    assert {
        "stream",
        "database",
        "large_data",
        "feedback",
        "tracking",
        "privacy",
        "image",
        "release",
    } <= fields
    assert {"realtime", "asynchronous", "batch", "serverless"} <= {
        fields.get("endpoint", {}).get("kind", "serverless") for fields in deployments().values()
    }


def test_guard_is_told_what_references_to_other_stacks_will_be():
    templates = Templates(
        {
            "p-data": {
                "Resources": {"Key": {"Type": "AWS::KMS::Key", "Properties": {}}},
                "Outputs": {"Out": {"Value": {"Fn::GetAtt": ["Key", "Arn"]}, "Export": {"Name": "key"}}},
            },
        }
    )

    assert with_imports(
        templates, "p-data", {"KmsKeyId": {"Fn::ImportValue": "key"}, "Own": {"Ref": "X"}}
    ) == {
        "KmsKeyId": "arn:aws:kms:us-east-1:123456789012:key/p-data.Key",
        "Own": {"Ref": "X"},
    }


def test_nothing_is_acknowledged_for_a_whole_stack(listed):
    everything = Acknowledgement("<pipeline>-data", "Serverless-SQSRedrivePolicy", "Never mind.")

    assert list(report(acknowledged=[everything]).complaints()) == [
        "acknowledged for a whole stack: Serverless-SQSRedrivePolicy at <pipeline>-data"
    ]


def test_an_acknowledgement_of_what_is_not_found_any_more_fails(listed):
    assert list(report(acknowledged=[REASON]).complaints()) == [
        "acknowledged for nothing: S3BucketReplicationEnabled at <pipeline>-data/Bucket"
    ]
    assert list(report(default=[BARE], acknowledged=[REASON]).complaints()) == []


def test_a_control_holds_as_long_as_its_rules_find_nothing_and_run():
    open_model = Finding("Headrace", "Headrace-JobsAreIsolated", "<pipeline>-serving/Deployment/Resource")
    reason = Acknowledgement(open_model.resource, open_model.rule, "Acknowledged, and open still.")

    assert report().figures()["sagemaker_controls"] == 14
    assert not report(hardened=[open_model], acknowledged=[reason]).controls["SageMaker.5"]
    assert not report(not_heard=["Headrace-JobsAreIsolated"]).controls["SageMaker.5"]
    assert report(hardened=[open_model]).controls["SageMaker.4"]


def test_pages_say_what_is_so_or_are_out_of_date(tmp_path):
    write_pages(report(hardened=[BARE], acknowledged=[REASON]), tmp_path)

    assert (
        f"| `S3BucketReplicationEnabled` | `{BUCKET}` | {REASON.reason} |"
        in (tmp_path / "security-acknowledgements.md").read_text()
    )
    assert list(out_of_date(report(hardened=[BARE], acknowledged=[REASON]), tmp_path)) == []
    assert list(out_of_date(report(), tmp_path)) == ["security-acknowledgements.md"]
