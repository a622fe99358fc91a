import json

import pytest

from tests.e2e.cloud import eventually
from tests.e2e.local_cloud.sagemaker.conftest import TOY_IMAGE, ended


@pytest.fixture(scope="module")
def processing_request(bucket, role):
    """Return what CreateProcessingJob takes; what follows the name are the container's arguments."""

    def request(name, *arguments, limit_s=60):
        files = {
            "S3DataType": "S3Prefix",
            "S3InputMode": "File",
            "LocalPath": "/opt/ml/processing/input/rows",
        }
        result = {"LocalPath": "/opt/ml/processing/output", "S3UploadMode": "EndOfJob"}
        return {
            "ProcessingJobName": name,
            "RoleArn": role,
            "AppSpecification": {
                "ImageUri": TOY_IMAGE,
                "ContainerEntrypoint": ["python", "toy.py", "process"],
                "ContainerArguments": list(arguments),
            },
            "ProcessingResources": {
                "ClusterConfig": {"InstanceCount": 1, "InstanceType": "ml.t3.medium", "VolumeSizeInGB": 1}
            },
            "ProcessingInputs": [{"InputName": "rows", "S3Input": {**files, "S3Uri": f"s3://{bucket}/in/"}}],
            "ProcessingOutputConfig": {
                "Outputs": [
                    {"OutputName": "report", "S3Output": {**result, "S3Uri": f"s3://{bucket}/{name}"}}
                ]
            },
            "Environment": {"COLOUR": "green"},
            "StoppingCondition": {"MaxRuntimeInSeconds": limit_s},
        }

    return request


@pytest.fixture(scope="module")
def describe(sagemaker):
    return lambda name: sagemaker.describe_processing_job(ProcessingJobName=name)


@pytest.fixture(scope="module")
def process(sagemaker, processing_request, describe):
    """Run a processing job to its end and return its description."""

    def process(name, *arguments, **settings):
        sagemaker.create_processing_job(**processing_request(name, *arguments, **settings))
        return ended(lambda: describe(name), "ProcessingJobStatus")

    return process


def test_a_job_reads_its_input_and_stores_its_output(process, client, bucket, name):
    job = process(name, "--depth", "3")

    report = json.loads(client("s3").get_object(Bucket=bucket, Key=f"{name}/report.json")["Body"].read())
    assert job["ProcessingJobStatus"] == "Completed"
    assert job["ProcessingStartTime"] <= job["ProcessingEndTime"]
    assert report["arguments"] == ["--depth", "3"]
    assert report["files"] == {"rows/rows.csv": "1,2\n", "rows/more/rows.csv": "3,4\n"}
    assert report["environment"]["COLOUR"] == "green"
    assert report["environment"]["AWS_ACCESS_KEY_ID"].startswith("ASIA")
    assert report["config"]["ProcessingJobName"] == name


def test_a_job_that_fails_says_why(process, name):
    job = process(name, "fail")

    assert job["ProcessingJobStatus"] == "Failed"
    assert job["FailureReason"] == "AlgorithmError: See job logs for more information, exit code: 4"
    assert job["ExitMessage"] == "the rows do not fit"


def test_a_job_can_be_stopped(sagemaker, processing_request, describe, name):
    sagemaker.create_processing_job(**processing_request(name, "sleep"))
    eventually(lambda: "ProcessingStartTime" in describe(name))

    sagemaker.stop_processing_job(ProcessingJobName=name)

    assert ended(lambda: describe(name), "ProcessingJobStatus")["ProcessingJobStatus"] == "Stopped"


def test_a_job_that_takes_too_long_is_stopped(process, name):
    job = process(name, "sleep", limit_s=1)

    assert job["ProcessingJobStatus"] == "Stopped"


def test_an_unknown_job_is_not_found(describe):
    with pytest.raises(Exception, match="Could not find requested job with name: none"):
        describe("none")


def test_its_output_is_in_the_log_group_of_processing_jobs(process, client, name):
    process(name, "--depth", "3")

    streams = client("logs").describe_log_streams(
        logGroupName="/aws/sagemaker/ProcessingJobs", logStreamNamePrefix=f"{name}/algo-1-"
    )["logStreams"]
    assert len(streams) == 1
