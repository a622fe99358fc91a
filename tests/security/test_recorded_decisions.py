"""What the local cloud writes down of requests."""

import json
from types import SimpleNamespace

import pytest

from local_cloud.adapters import recorded_decisions
from local_cloud.settings import Settings


@pytest.fixture
def lines(tmp_path, monkeypatch):
    path = tmp_path / "calls.jsonl"
    monkeypatch.setattr(
        recorded_decisions,
        "_stacks",
        {
            "p-data": {
                "_resources": {
                    "Bucket": {"PhysicalResourceId": "b", "Attributes": {"Arn": "arn:aws:s3:::b"}},
                    "Network": {
                        "PhysicalResourceId": "vpc-1",
                        "Attributes": {"DefaultSecurityGroup": "sg-1"},
                    },
                }
            }
        },
    )
    monkeypatch.setattr(recorded_decisions, "_files", [recorded_decisions._File(path)])
    return lambda: [json.loads(line) for line in path.read_text().splitlines()] if path.exists() else []


def asked(principal):
    return SimpleNamespace(
        principal_arn=principal,
        action="s3:GetObject",
        resource_arn="arn:aws:s3:::b/1",
        service_context={"s3:prefix": None},
    )


def test_a_request_of_a_role_is_written_once_with_the_resources_it_may_name(lines):
    for _ in range(2):
        recorded_decisions.record(asked("arn:aws:sts::123456789012:assumed-role/reader/session"), "Allow")

    assert lines() == [
        {"stack": "p-data", "logical": "Bucket", "physical": "b"},
        {"stack": "p-data", "logical": "Network", "physical": "vpc-1"},
        {"stack": "p-data", "logical": "Network.DefaultSecurityGroup", "physical": "sg-1"},
        {
            "role": "reader",
            "action": "s3:GetObject",
            "resource": "arn:aws:s3:::b/1",
            "context": {},
            "decision": "Allow",
        },
    ]


def test_requests_of_users_are_not_written(lines):
    recorded_decisions.record(asked("arn:aws:iam::123456789012:user/ada"), "Allow")

    assert lines() == []


def test_nothing_is_replaced_where_nothing_is_to_be_recorded(tmp_path, monkeypatch):
    monkeypatch.setattr(recorded_decisions, "replace", lambda *_: pytest.fail("replaced"))

    recorded_decisions.install(Settings(4566, tmp_path))
