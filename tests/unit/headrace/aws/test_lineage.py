"""Who approved a model: by a command, at the gate, or with AWS's own tools."""

import pytest

from headrace.aws.lineage import approval_of
from headrace.aws.registry import Package

ANN, BOB = "arn:aws:iam::123456789012:user/ann", "arn:aws:sts::123456789012:assumed-role/console/bob"
AT = "2026-01-31T12:00:00+00:00"


def package(status="Approved", changed_by=BOB, **metadata):
    return Package("arn:4", 4, status, AT, "image", "s3://m", {}, metadata, "looks good", changed_by)


def test_whoever_gave_the_command_is_who_approved():
    assert approval_of(package(approved_by=ANN, approved_at="t"), {"approval": {"by": "gate"}})["by"] == ANN


def test_the_gate_approves_without_a_person():
    assert approval_of(package(), {"approval": {"by": "gate"}})["by"] == "gate"


@pytest.mark.parametrize("status", ["Approved", "Rejected"])
def test_whoever_decided_with_awss_own_tools_is_who_the_registry_says_has_changed_the_package(status):
    found = approval_of(package(status), {"approval": {"mode": "manual"}})

    assert found == {"status": status, "by": BOB, "at": AT, "why": "looks good"}


def test_a_decision_that_somebody_has_reversed_is_not_the_one_who_made_it_first():
    noted = {"by": ANN, "decision": "approved", "why": "fine"}

    assert approval_of(package("Rejected", approved_by="gate"), {"approval": {"by": "gate"}})["by"] == BOB
    assert approval_of(package("Rejected", approved_by=ANN), {"approval": noted})["by"] == BOB


def test_whoever_has_marked_a_package_since_or_only_made_it_has_not_decided():
    assert approval_of(package(erasure="somebody was erased"), {})["by"] is None
    assert approval_of(package("PendingManualApproval"), {})["by"] is None
