"""What is asked of SageMaker about searches for hyperparameters, and what is left of them for people."""

import json
from datetime import timedelta

import boto3
import pytest
from botocore.exceptions import ClientError
from botocore.stub import ANY, Stubber

from headrace.aws.artifacts import Artifacts
from headrace.aws.deployed_pipeline import DeployedPipeline
from headrace.aws.job_times import JobTimes
from headrace.aws.training_history import TrainingHistory
from headrace.aws.trial_records import trial_records
from headrace.aws.tuning_jobs import TuningJobs
from headrace.config.pipeline import Pipeline
from lambdas.record_trials.handler import Ports, record_trials
from tests.integration.ledger import create_ledger
from tests.unit.lambdas.training_ledger import past
from tests.unit.lambdas.tunings import NOW, trial, tuning

LIST = "list_training_jobs_for_hyper_parameter_tuning_job"
DESCRIBE = "describe_hyper_parameter_tuning_job"
TRIALS = [trial(1, 50.0), trial(2, 42.0, seconds=30)]
RUN = "headrace-bike-1"


@pytest.fixture
def sagemaker():
    """Return a client and the answers that it will give, which must all be asked for."""
    client = boto3.client(
        "sagemaker", region_name="us-east-1", aws_access_key_id="test", aws_secret_access_key="test"
    )
    with Stubber(client) as stubber:
        yield client, stubber
        stubber.assert_no_pending_responses()


def lists(stubber, *pages):
    """Answer with the trials, page by page."""
    for number, page in enumerate(pages):
        more = {"NextToken": f"t{number}"} if number < len(pages) - 1 else {}
        asked = {
            "HyperParameterTuningJobName": "bike-t9p1c00",
            "SortBy": "CreationTime",
            "SortOrder": "Ascending",
            **({"NextToken": f"t{number - 1}"} if number else {}),
        }
        stubber.add_response(LIST, {"TrainingJobSummaries": page, **more}, asked)


def described_training(name):
    """Return the description of a training job that has ended."""
    return {
        "TrainingJobName": name,
        "TrainingJobArn": "arn:aws:sagemaker:us-east-1:123456789012:training-job/t",
        "ModelArtifacts": {"S3ModelArtifacts": "s3://artifacts/best.tar.gz"},
        "TrainingJobStatus": "Completed",
        "SecondaryStatus": "Completed",
        "AlgorithmSpecification": {"TrainingInputMode": "File"},
        "StoppingCondition": {},
        "CreationTime": NOW,
    }


def test_all_trials_are_listed_page_by_page(sagemaker):
    client, stubber = sagemaker
    lists(stubber, TRIALS[:1], TRIALS[1:])

    assert TuningJobs(client).trials("bike-t9p1c00") == TRIALS


def test_the_attempt_that_was_made_is_found(sagemaker):
    client, stubber = sagemaker
    stubber.add_client_error(DESCRIBE, "ResourceNotFound", "Unable to find it.")
    stubber.add_response(DESCRIBE, tuning(*TRIALS), {"HyperParameterTuningJobName": "bike-t9p1c01"})

    assert TuningJobs(client).attempt("bike-t9p1c0")["HyperParameterTuningJobStatus"] == "Completed"


def test_what_sagemaker_refuses_is_told(sagemaker):
    client, stubber = sagemaker
    stubber.add_client_error(DESCRIBE, "AccessDeniedException", "not authorized")

    with pytest.raises(ClientError, match="not authorized"):
        TuningJobs(client).find("bike-t9p1c00")


def test_the_trials_of_a_run_are_billed_with_the_training_after_them_and_its_evaluation(sagemaker):
    client, stubber = sagemaker
    trained = {**described_training(f"{RUN}-0"), "BillableTimeInSeconds": 40}
    stubber.add_response("describe_training_job", trained, {"TrainingJobName": f"{RUN}-0"})
    lists(stubber, TRIALS)
    evaluated = {
        "ProcessingJobName": f"{RUN}-0",
        "ProcessingResources": {
            "ClusterConfig": {"InstanceCount": 1, "InstanceType": "ml.m5.large", "VolumeSizeInGB": 10}
        },
        "AppSpecification": {"ImageUri": "i"},
        "ProcessingJobArn": "arn:aws:sagemaker:us-east-1:123456789012:processing-job/run-0",
        "ProcessingJobStatus": "Completed",
        "CreationTime": NOW,
        "ProcessingStartTime": NOW,
        "ProcessingEndTime": NOW + timedelta(seconds=10),
    }
    stubber.add_response("describe_processing_job", evaluated, {"ProcessingJobName": f"{RUN}-0"})

    assert JobTimes(client).billable_seconds(RUN, NOW, tuning="bike-t9p1c0") == 140


def test_what_was_recorded_is_what_people_are_shown(account, sagemaker):
    client, stubber = sagemaker
    stubber.add_response(DESCRIBE, tuning(*TRIALS), {"HyperParameterTuningJobName": "bike-t9p1c00"})
    lists(stubber, TRIALS)
    described = described_training(TRIALS[1]["TrainingJobName"])
    stubber.add_response("describe_training_job", described, {"TrainingJobName": ANY})
    boto3.client("s3").create_bucket(Bucket="artifacts")
    pipeline = Pipeline(name="bike", problem="regression", target="cnt", training={"tuning": {}})
    event = {"run": RUN, "tuning_job": "bike-t9p1c0", "parent": "", "validation_rows": 900, "error": {}}
    store = Artifacts(boto3.client("s3"), "artifacts")

    answer = record_trials(event, pipeline, Ports(TuningJobs(client), store), NOW)

    table = create_ledger()
    TrainingHistory(table).add(past(run=RUN, tuning=answer["tuning"]))
    outputs = {"LedgerTableName": table.name, "ArtifactsBucketName": "artifacts"}
    deployed = DeployedPipeline("bike", outputs, boto3.Session())
    shown = trial_records(deployed)
    assert answer["trial"] == "s3://artifacts/best.tar.gz"
    assert (shown["run"], shown["version"], shown["best"]) == (RUN, 3, TRIALS[1]["TrainingJobName"])
    assert [one["objective"] for one in shown["trials"]] == [50.0, 42.0]
    assert trial_records(deployed, 3) == shown
    assert trial_records(deployed, 2) is None
    assert json.dumps(shown)


def test_a_training_of_an_earlier_release_has_searched_nothing(account):
    table = create_ledger()
    history = TrainingHistory(table)
    history.add(past())
    (item,) = table.scan()["Items"]
    table.put_item(Item={name: value for name, value in item.items() if name != "tuning"})

    assert [training.tuning for training in history.newest_first()] == [None]
