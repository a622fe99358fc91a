"""Commands about a deployed pipeline, with AWS's services as moto has them."""

import json
from datetime import datetime
from types import SimpleNamespace

import boto3
import botocore.client
import pytest
from botocore.stub import Stubber

from headrace.aws.deployed_pipeline import DeployedPipeline, NotDeployedError
from headrace.cli import main
from tests.integration.ledger import create_ledger

REGION = "us-east-1"
ROLE = "arn:aws:iam::123456789012:role/r"
GROUP = "headrace-bike"
OUTPUTS = {
    "LedgerTableName": "ledger",
    "ModelPackageGroupName": GROUP,
    "EndpointName": "headrace-bike",
    "MonitorStateMachineArn": f"arn:aws:states:{REGION}:123456789012:stateMachine:monitor",
}


@pytest.fixture
def ledger(account):
    return create_ledger()


@pytest.fixture
def deployed(ledger, monkeypatch):
    """The pipeline `bike`, as far as the commands look at it; moto's CloudFormation is not installed here."""
    machine = boto3.client("stepfunctions").create_state_machine(
        name="train", roleArn=ROLE, definition='{"StartAt": "A", "States": {"A": {"Type": "Succeed"}}}'
    )["stateMachineArn"]
    boto3.client("sagemaker").create_model_package_group(
        ModelPackageGroupName=GROUP, ModelPackageGroupDescription="bikes"
    )
    outputs = {**OUTPUTS, "TrainStateMachineArn": machine}
    monkeypatch.setattr(
        DeployedPipeline, "find", lambda name: DeployedPipeline(name, outputs, boto3.Session())
    )
    return machine


@pytest.fixture
def run(capsys):
    def run(*arguments):
        code = main([*arguments])
        printed = capsys.readouterr()
        return code, printed.out, printed.err

    return run


def register(status="PendingManualApproval", **properties):
    return boto3.client("sagemaker").create_model_package(
        ModelPackageGroupName=GROUP, ModelApprovalStatus=status, CustomerMetadataProperties=properties
    )["ModelPackageArn"]


def approval_of(arn):
    return boto3.client("sagemaker").describe_model_package(ModelPackageName=arn)["ModelApprovalStatus"]


def cloudformation(answers):
    """Return a session whose CloudFormation gives these answers, one by one."""
    session = boto3.Session()
    client = session.client("cloudformation")
    stubber = Stubber(client)
    for stack, outputs in answers.items():
        if outputs is None:
            stubber.add_client_error("describe_stacks", "ValidationError", f"Stack {stack} does not exist")
            continue
        found = {
            "StackName": stack,
            "CreationTime": datetime(2026, 1, 31),
            "StackStatus": "CREATE_COMPLETE",
            "Outputs": [{"OutputKey": name, "OutputValue": value} for name, value in outputs.items()],
        }
        stubber.add_response("describe_stacks", {"Stacks": [found]}, {"StackName": stack})
    stubber.activate()
    return SimpleNamespace(client=lambda name: client, region_name=REGION)


def test_a_pipeline_is_found_by_the_outputs_of_its_stacks(account):
    outputs = {
        "bike-data": {"A": "1"},
        "bike-training": {"B": "2"},
        "bike-serving": {},
        "bike-monitoring": {"C": "3"},
    }
    optional = {f"bike-{name}": None for name in ("stream", "feedback", "batch", "front")}
    without, with_streams = {**outputs, **optional}, {**outputs, **optional, "bike-stream": {"D": "4"}}

    assert DeployedPipeline.find("bike", cloudformation(without)).outputs == {"A": "1", "B": "2", "C": "3"}
    assert DeployedPipeline.find("bike", cloudformation(with_streams)).outputs["D"] == "4"


def test_a_pipeline_that_is_deployed_in_part_is_told_with_the_way_to_deploy_it(account):
    with pytest.raises(NotDeployedError) as refused:
        DeployedPipeline.find("bike", cloudformation({"bike-data": {}, "bike-training": None}))

    assert str(refused.value) == (
        "there is no stack bike-training in us-east-1: deploy it with cdk deploy --all -c pipeline=bike"
    )


def test_a_fresh_pipeline_has_neither_endpoint_nor_model(run, deployed):
    code, out, _ = run("status", "bike", "--json")

    assert code == 0
    assert json.loads(out) == {
        "endpoint": None,
        "model": None,
        "running_training": None,
        "last_training": None,
        "awaiting_approval": [],
        "quarantine": {"files": 0, "rows": 0},
        "alarms": {},
    }
    assert "none" in run("status", "bike")[1]


def test_a_running_pipeline_shows_its_endpoint_model_training_and_alarms(run, deployed, ledger):
    why = "the step _tfidf_ reads text_ for which there is no operator"
    arn = register(**{"engine": "skops", "engine:why": why})
    champion = {"version": 2, "deployed_at": "2026-01-31", "model_package_arn": arn}
    ledger.put_item(Item={"pk": "champion", "sk": "current", **champion})
    lock = {"execution": "abc", "acquired_at": "2026-02-01T08:30:00+00:00", "reason": "drift"}
    ledger.put_item(Item={"pk": "training", "sk": "lock", **lock})
    ledger.put_item(Item={"pk": "training", "sk": "last", "outcome": "kept", "why": "no better", "rows": 5})
    sagemaker = boto3.client("sagemaker")
    sagemaker.create_model(ModelName="m", ExecutionRoleArn=ROLE, PrimaryContainer={"Image": "i"})
    variant = {
        "VariantName": "v2",
        "ModelName": "m",
        "InstanceType": "ml.m5.large",
        "InitialInstanceCount": 1,
    }
    sagemaker.create_endpoint_config(EndpointConfigName="c", ProductionVariants=[variant])
    sagemaker.create_endpoint(EndpointName="headrace-bike", EndpointConfigName="c")
    for name in ("bike-monitoring-DriftAlarm", "bike-2-monitoring-DriftAlarm"):
        boto3.client("cloudwatch").put_metric_alarm(
            AlarmName=name,
            Namespace="Headrace",
            MetricName="DriftedFeatures",
            EvaluationPeriods=1,
            Period=60,
            Threshold=1,
            Statistic="Maximum",
            ComparisonOperator="GreaterThanOrEqualToThreshold",
        )

    found = json.loads(run("status", "bike", "--json")[1])

    assert found["endpoint"]["serves"] == "v2"
    assert found["model"] == {
        "version": 2,
        "deployed_at": "2026-01-31",
        "engine": "skops",
        "engine_why": why,
    }
    assert found["running_training"] == {
        "reason": "drift",
        "since": lock["acquired_at"],
        "execution": "abc",
    }
    assert found["last_training"] == {"outcome": "kept", "why": "no better"}
    assert list(found["alarms"]) == ["bike-monitoring-DriftAlarm"]


@pytest.fixture
def ends(monkeypatch):
    """Let runs end as the test says; those of moto last until they are stopped."""
    started, ending = [], {"status": "SUCCEEDED", "output": '{"outcome": "registered"}'}

    def describe(self, operation, arguments):
        answer = original(self, operation, arguments)
        if operation == "DescribeExecution":
            started.append(json.loads(answer["input"]))
            answer |= ending
        return answer

    original = botocore.client.BaseClient._make_api_call
    monkeypatch.setattr(botocore.client.BaseClient, "_make_api_call", describe)
    return SimpleNamespace(started=started, ending=ending)


def test_a_check_shows_what_the_run_of_the_monitoring_found(run, monitored, ends):
    verdicts = {"drift": {"drifted": True, "summary": ["temp"]}, "quality": {"dropped": False}}
    ends.ending |= {"output": json.dumps(verdicts)}

    assert json.loads(run("check", "bike", "--json")[1]) == verdicts["drift"] | {
        "quality": {"dropped": False}
    }
    assert ends.started == [{}]


@pytest.mark.parametrize(
    ("cause", "told"),
    [
        ('{"errorMessage": "\'x\'", "errorType": "KeyError"}', "KeyError: 'x'"),
        ("the task took too long", "the task took too long"),
        (None, "its execution in Step Functions says why"),
    ],
)
def test_a_check_that_fails_fails_the_command(run, monitored, ends, cause, told):
    ends.ending |= {"status": "FAILED", "cause": cause, "output": None}

    assert run("check", "bike") == (2, "", f"headrace: the check has failed: {told}\n")


@pytest.fixture
def monitored(deployed):
    boto3.client("stepfunctions").create_state_machine(
        name="monitor", roleArn=ROLE, definition='{"StartAt": "A", "States": {"A": {"Type": "Succeed"}}}'
    )


def test_a_training_is_started_by_hand_and_waited_for(run, deployed, ends):
    code, out, _ = run("train", "bike", "--json")

    assert (code, json.loads(out)) == (0, {"status": "SUCCEEDED", "cause": None, "outcome": "registered"})
    assert ends.started == [{"reason": "manual", "detail": {}}]


def test_a_training_that_fails_is_shown_and_fails_the_command(run, deployed, ends):
    ends.ending |= {"status": "FAILED", "cause": "no rows", "output": '{"Error": "E", "Cause": "no rows"}'}

    code, out, err = run("train", "bike", "--json")

    assert (code, json.loads(out)) == (2, {"status": "FAILED", "cause": "no rows"})
    assert err == "headrace: the training has ended as FAILED: no rows\n"


@pytest.mark.parametrize(("command", "decision"), [("approve", "Approved"), ("reject", "Rejected")])
def test_a_decision_reaches_the_registry(run, deployed, command, decision):
    first, second = register(), register()

    assert run(command, "bike", "1")[0] == 0

    assert (approval_of(first), approval_of(second)) == (decision, "PendingManualApproval")


def test_the_newest_that_waits_is_approved_without_naming_it(run, deployed):
    register("Approved")
    first, second = register(), register()
    register("Rejected")

    code, out, _ = run("approve", "bike", "--json")

    assert (code, json.loads(out)["model_package"]) == (0, second)
    assert (approval_of(first), approval_of(second)) == ("PendingManualApproval", "Approved")


@pytest.mark.parametrize("arguments", [("approve", "bike"), ("approve", "bike", "7"), ("check", "bike")])
def test_what_cannot_be_done_is_one_line(run, deployed, arguments):
    code, out, err = run(*arguments)

    assert (code, out) == (2, "")
    assert err.startswith("headrace: ")
    assert len(err.splitlines()) == 1
