"""What a person asks of a release and tells it, with AWS's services as moto has them."""

import json
from datetime import UTC, datetime

import boto3
import botocore.client
import pytest

from headrace.aws.deployed_pipeline import DeployedPipeline, RunFailedError
from headrace.aws.deployed_release import DeployedRelease, NothingToDecideError
from headrace.aws.release_alarms import ReleaseAlarms
from headrace.aws.release_log import Decision, Entry, ReleaseLog, RunningRelease
from headrace.aws.training_log import Champion, TrainingLog
from headrace.config.release import ReleaseLimits
from tests.integration.ledger import create_ledger
from tests.unit.lambdas.releases import PLAN

NOW = datetime(2026, 1, 31, 12, tzinfo=UTC).isoformat()
BACK = Champion(2, "arn:2", "s3://b/2", "v2", NOW, NOW, "h", "headrace-bike-v2-00000000")
CHAMPION = Champion(
    3, "arn:3", "s3://b/3", "v3", NOW, NOW, "h", PLAN["previous_config"], "", BACK.as_previous()
)
OUTPUTS = {
    "LedgerTableName": "ledger",
    "EndpointName": "headrace-bike",
    "DeployStateMachineArn": "arn:aws:states:us-east-1:123456789012:stateMachine:deploy",
}
_CALL = botocore.client.BaseClient._make_api_call


@pytest.fixture
def table(account):
    return create_ledger()


@pytest.fixture
def release(table):
    return DeployedRelease(DeployedPipeline("bike", OUTPUTS, boto3.Session()))


def serve(*weights):
    """Have an endpoint with variants of these weights."""
    client = boto3.client("sagemaker")
    container = {"Image": "image:1", "ModelDataUrl": "s3://b/m.tar.gz"}
    role = "arn:aws:iam::123456789012:role/model"
    client.create_model(ModelName="m", ExecutionRoleArn=role, PrimaryContainer=container)
    size = {"ModelName": "m", "InstanceType": "ml.m5.large", "InitialInstanceCount": 1}
    variants = [
        {"VariantName": f"v{3 + place}", "InitialVariantWeight": weight, **size}
        for place, weight in enumerate(weights)
    ]
    client.create_endpoint_config(EndpointConfigName="c", ProductionVariants=variants)
    client.create_endpoint(EndpointName="headrace-bike", EndpointConfigName="c")


def test_status_before_anything_was_deployed(release):
    assert release.status(20) == {
        "in_service": None,
        "requests": {},
        "release": None,
        "waiting": None,
        "history": [],
    }


def test_status_has_all_that_is_known_of_a_release(release, table):
    serve(3, 1)
    TrainingLog(table).crown(CHAMPION)
    log = ReleaseLog(table)
    judged = {"why": "no alarm", "figures": {"challenger_rows": 812}, "page_key": "releases/v4/report.html"}
    decision = Decision("promote", "arn:ann", "good enough")
    log.begin(RunningRelease("e1", PLAN, 0, 0.25, NOW, "token", judged, decision))
    log.queue("arn:5", NOW)
    for place in (0, 1):
        log.add(Entry.of(PLAN, place, "began", 0.0, at=NOW, by="approval", why="", execution="e1"))
    ReleaseAlarms(boto3.client("cloudwatch"), "bike").make(
        "headrace-bike", "v3", "v4", ReleaseLimits(prediction_shift=None, latency_p99_factor=None)
    )

    found = release.status(1)

    assert found["in_service"] == {"version": 3, "since": NOW, "way_back": 2}
    assert found["requests"] == {"v3": 0.75, "v4": 0.25}
    assert found["release"]["figures"] == {"challenger_rows": 812}
    assert found["release"]["page"] == "releases/v4/report.html"
    assert (found["release"]["version"], found["release"]["shares"]) == (4, [0.1, 1.0])
    assert found["release"]["alarms"].keys() == {"headrace-bike-release-errors"}
    assert found["release"]["decision"]["by"] == "arn:ann"
    assert (found["waiting"], len(found["history"])) == ("arn:5", 1)
    assert found["history"][0] == {
        "at": NOW,
        "event": "began",
        "version": 4,
        "against": 3,
        "strategy": "canary",
        "share": 0.0,
        "by": "approval",
        "why": "",
        "execution": "e1",
    }


@pytest.fixture
def executions(monkeypatch):
    """Let executions end as a test says, by their ARN: the state machine itself is tested elsewhere."""
    ended = {}

    def call(client, operation, arguments):
        if operation == "StartExecution":
            ended["input"] = json.loads(arguments["input"])
            return {"executionArn": "decision"}
        if operation == "DescribeExecution":
            status, output = ended[arguments["executionArn"]]
            return {"status": status, "output": json.dumps(output), "cause": "it broke"}
        return _CALL(client, operation, arguments)

    monkeypatch.setattr(botocore.client.BaseClient, "_make_api_call", call)
    return ended


def test_a_decision_is_an_execution_that_says_by_whom(release, table, executions):
    TrainingLog(table).crown(CHAMPION)
    executions["decision"] = ("SUCCEEDED", {"version": 3})

    done = release.decide("rollback", "complaints")

    assert executions["input"]["decision"] == "rollback"
    assert executions["input"]["by"].startswith("arn:aws:")
    assert done["in_service"]["version"] == 3


def test_a_release_that_was_told_is_waited_for(release, table, executions):
    executions["decision"] = ("SUCCEEDED", {"action": "told", "execution": "e1", "why": ""})
    executions["e1"] = ("FAILED", {})

    with pytest.raises(RunFailedError, match="FAILED: it broke"):
        release.decide("promote", "")


def test_nothing_to_decide_is_told(release, executions):
    executions["decision"] = ("SUCCEEDED", {"action": "nothing", "why": "no release runs"})

    with pytest.raises(NothingToDecideError, match="no release runs"):
        release.decide("promote", "")
