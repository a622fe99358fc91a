"""What the end of a training and its follow-up ask of SageMaker, Step Functions and CloudWatch."""

import json
from datetime import UTC, datetime, timedelta

import boto3
import pytest
from botocore.exceptions import ClientError
from botocore.stub import Stubber

from headrace.aws.executions import Executions
from headrace.aws.job_times import JobTimes
from headrace.aws.registry import Registry

NOW = datetime(2026, 1, 31, 12, 0, tzinfo=UTC)
ARN = "arn:aws:sagemaker:us-east-1:123456789012:model-package/headrace-bike/4"
MACHINE = "arn:aws:states:us-east-1:123456789012:stateMachine:train"


@pytest.fixture
def stubbed():
    """Return a client and the answers that it will give, which must all be asked for."""
    stubbers = []

    def stubbed(service):
        client = boto3.client(
            service, region_name="us-east-1", aws_access_key_id="test", aws_secret_access_key="test"
        )
        stubber = Stubber(client)
        stubber.activate()
        stubbers.append(stubber)
        return client, stubber

    yield stubbed
    for stubber in stubbers:
        stubber.assert_no_pending_responses()


def trained(**times):
    return {
        "TrainingJobName": "run-1",
        "TrainingJobArn": "arn:aws:sagemaker:us-east-1:123456789012:training-job/run-1",
        "ModelArtifacts": {"S3ModelArtifacts": "s3://b/m"},
        "TrainingJobStatus": "Completed",
        "SecondaryStatus": "Completed",
        "AlgorithmSpecification": {"TrainingInputMode": "File"},
        "ResourceConfig": {"InstanceType": "ml.m5.large", "InstanceCount": 1, "VolumeSizeInGB": 10},
        "StoppingCondition": {},
        "CreationTime": NOW,
        **times,
    }


def processed(**times):
    return {
        "ProcessingJobName": "run-0",
        "ProcessingResources": {
            "ClusterConfig": {"InstanceCount": 1, "InstanceType": "ml.m5.large", "VolumeSizeInGB": 10}
        },
        "AppSpecification": {"ImageUri": "i"},
        "ProcessingJobArn": "arn:aws:sagemaker:us-east-1:123456789012:processing-job/run-0",
        "ProcessingJobStatus": "Completed",
        "CreationTime": NOW,
        **times,
    }


def missing(stubber, call, times=1):
    for _ in range(times):
        stubber.add_client_error(call, "ValidationException", "Requested resource not found.")


def test_the_jobs_of_a_run_are_billed_together_whichever_attempt_they_were(stubbed):
    client, stubber = stubbed("sagemaker")
    missing(stubber, "describe_training_job")
    stubber.add_response(
        "describe_training_job", trained(BillableTimeInSeconds=61), {"TrainingJobName": "run-1"}
    )
    times = {"ProcessingStartTime": NOW, "ProcessingEndTime": NOW + timedelta(seconds=39)}
    stubber.add_response("describe_processing_job", processed(**times), {"ProcessingJobName": "run-0"})

    assert JobTimes(client).billable_seconds("run", NOW) == 100


def test_a_job_that_has_not_ended_is_billed_until_now_and_one_that_never_began_is_not(stubbed):
    client, stubber = stubbed("sagemaker")
    started = trained(TrainingStartTime=NOW - timedelta(seconds=30))
    stubber.add_response("describe_training_job", started, {"TrainingJobName": "run-0"})
    missing(stubber, "describe_processing_job", times=10)

    assert JobTimes(client).billable_seconds("run", NOW) == 30


def test_every_instance_of_a_training_is_billed_and_the_evaluation_has_one(stubbed):
    client, stubber = stubbed("sagemaker")
    spot = trained(BillableTimeInSeconds=30, TrainingTimeInSeconds=100)
    times = {"ProcessingStartTime": NOW, "ProcessingEndTime": NOW + timedelta(seconds=40)}
    stubber.add_response("describe_training_job", spot, {"TrainingJobName": "run-0"})
    stubber.add_response("describe_processing_job", processed(**times), {"ProcessingJobName": "run-0"})
    stubber.add_response("describe_training_job", spot, {"TrainingJobName": "run-0"})

    jobs = JobTimes(client, instances=3)

    assert jobs.billable_seconds("run", NOW) == 3 * 30 + 40
    assert jobs.saved_seconds("run") == 3 * 70


def test_what_sagemaker_refuses_is_told(stubbed):
    client, stubber = stubbed("sagemaker")
    stubber.add_client_error("describe_training_job", "AccessDeniedException", "not authorized")

    with pytest.raises(ClientError, match="not authorized"):
        JobTimes(client).billable_seconds("run", NOW)


@pytest.mark.parametrize(("status", "rejected"), [("Approved", False), ("Rejected", True)])
def test_a_package_is_rejected_if_somebody_has_rejected_it(stubbed, status, rejected):
    client, stubber = stubbed("sagemaker")
    package = {
        "ModelPackageName": "headrace-bike",
        "ModelPackageArn": ARN,
        "ModelPackageVersion": 4,
        "CreationTime": NOW,
        "ModelApprovalStatus": status,
        "ModelPackageStatus": "Completed",
        "ModelPackageStatusDetails": {"ValidationStatuses": []},
        "InferenceSpecification": {"Containers": [{"Image": "i", "ModelDataUrl": "s3://b/m"}]},
    }
    stubber.add_response("describe_model_package", package, {"ModelPackageName": ARN})

    assert Registry(client).is_rejected(ARN) is rejected


def test_a_package_that_is_gone_counts_as_rejected(stubbed):
    client, stubber = stubbed("sagemaker")
    stubber.add_client_error(
        "describe_model_package", "ValidationException", f"ModelPackage {ARN} does not exist."
    )

    assert Registry(client).is_rejected(ARN)


def test_a_training_is_started_with_its_reason(stubbed):
    client, stubber = stubbed("stepfunctions")
    start = {"reason": "drift", "detail": {"again": True}}
    stubber.add_response(
        "start_execution",
        {"executionArn": "arn:aws:states:us-east-1:123456789012:execution:train:1", "startDate": NOW},
        {"stateMachineArn": MACHINE, "input": json.dumps(start)},
    )

    assert Executions(client, MACHINE).start(start).endswith("train:1")


@pytest.mark.parametrize(
    ("status", "runs"),
    [
        ("RUNNING", True),
        ("PENDING_REDRIVE", True),
        ("ABORTED", False),
        ("TIMED_OUT", False),
        ("SUCCEEDED", False),
    ],
)
def test_a_training_that_was_aborted_runs_no_more(stubbed, status, runs):
    client, stubber = stubbed("stepfunctions")
    execution = f"{MACHINE.replace('stateMachine', 'execution')}:1"
    answer = {"executionArn": execution, "stateMachineArn": MACHINE, "status": status, "startDate": NOW}
    stubber.add_response("describe_execution", answer, {"executionArn": execution})

    assert Executions(client, MACHINE).is_running(execution) is runs


def test_a_training_that_step_functions_has_forgotten_runs_no_more(stubbed):
    client, stubber = stubbed("stepfunctions")
    stubber.add_client_error("describe_execution", "ExecutionDoesNotExist", "Execution Does Not Exist")

    assert not Executions(client, MACHINE).is_running(f"{MACHINE}:1")
