"""AWS's managed scikit-learn image: fetches a script from S3, trains with it, and serves with its functions."""

import io
import json
import tarfile
from pathlib import Path

import pytest

from tests.e2e.local_cloud.sagemaker.conftest import ended

IMAGE = "683313688378.dkr.ecr.us-east-1.amazonaws.com/sagemaker-scikit-learn:1.9-0-cpu-py3"
SCRIPT = Path(__file__).parent / "toy_script.py"


def archive(**files):
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w:gz") as tar:
        for name, text in files.items():
            member = tarfile.TarInfo(f"{name}.py")
            member.size = len(text.encode())
            tar.addfile(member, io.BytesIO(text.encode()))
    return buffer.getvalue()


@pytest.fixture(scope="module")
def code(client, bucket):
    """Where the script and what it imports lie, packed."""
    body = archive(toy_script=SCRIPT.read_text(), greeting="GREETING = 'hello'\n")
    client("s3").put_object(Bucket=bucket, Key="code/sourcedir.tar.gz", Body=body)
    return f"s3://{bucket}/code/sourcedir.tar.gz"


@pytest.fixture(scope="module")
def run_script(sagemaker, training_request, code):
    """Train with the script; keywords are hyperparameters."""

    def run_script(name, role=None, **hyperparameters):
        own = {"sagemaker_program": '"toy_script.py"', "sagemaker_submit_directory": f'"{code}"'}
        request = training_request(name, **own, **hyperparameters)
        request["AlgorithmSpecification"]["TrainingImage"] = IMAGE
        request["RoleArn"] = role or request["RoleArn"]
        sagemaker.create_training_job(**request)
        return ended(lambda: sagemaker.describe_training_job(TrainingJobName=name), "TrainingJobStatus")

    return run_script


@pytest.fixture(scope="module")
def report(run_script, client, bucket):
    """What the script has seen while it trained."""
    run_script("script-report", max_iter=50, c=0.5, loss="poisson")
    key = "out/script-report/output/model.tar.gz"
    packed = client("s3").get_object(Bucket=bucket, Key=key)["Body"].read()
    with tarfile.open(fileobj=io.BytesIO(packed)) as tar:
        return json.loads(tar.extractfile("model.json").read())


def test_hyperparameters_are_the_arguments_of_the_script_without_the_containers_own(report):
    assert report["arguments"] == ["-c", "0.5", "--loss", "poisson", "--max_iter", "50"]


def test_the_script_runs_among_the_files_it_was_packed_with(report):
    assert {"toy_script.py", "greeting.py"} <= set(report["files"])
    assert report["greeting"] == "hello"


def test_the_script_is_told_what_the_toolkit_tells_it(report):
    environment = report["environment"]

    assert json.loads(environment["SM_HPS"]) == {"max_iter": 50, "c": 0.5, "loss": "poisson"}
    assert (environment["SM_HP_MAX_ITER"], environment["SM_HP_LOSS"]) == ("50", "poisson")
    assert json.loads(environment["SM_CHANNELS"]) == ["train"]
    assert environment["SM_CHANNEL_TRAIN"].endswith("/input/data/train")
    assert environment["SM_USER_ENTRY_POINT"] == "toy_script.py"


def test_a_script_that_fails_fails_the_job_with_the_containers_words(run_script, name):
    job = run_script(name, fail=1)

    assert job["TrainingJobStatus"] == "Failed"
    assert job["FailureReason"].startswith("AlgorithmError: ExecuteUserScriptError:\nExitCode 1\nCommand ")


def test_the_code_is_fetched_with_the_jobs_role(run_script, cloud, bucket, name):
    statements = [
        {"Action": "s3:ListBucket", "Resource": "*"},
        {"Action": "s3:GetObject", "Resource": f"arn:aws:s3:::{bucket}/in/*"},
    ]

    job = run_script(name, role=cloud.role(*statements, principal="sagemaker"))

    assert job["TrainingJobStatus"] == "Failed"
    assert "sourcedir.tar.gz cannot be fetched" in job["FailureReason"]


def test_the_functions_of_the_script_answer(serve_script, invoke):
    asked = json.loads(invoke(serve_script, b"1,2", ContentType="text/csv", Accept="application/json"))

    assert asked == {"asked": "1,2", "content_type": "text/csv", "arguments": ["--max_iter", "50"]}


def test_a_body_that_is_no_text_is_handed_over_as_it_is(serve_script, invoke):
    asked = json.loads(invoke(serve_script, b"\x00\x01", ContentType="application/x-other"))

    assert asked["asked"] == [0, 1]


@pytest.fixture(scope="module")
def serve_script(sagemaker, run_script, code, role):
    """Return the name of an endpoint that serves the script."""
    name = "script-endpoint"
    url = run_script(name, max_iter=50)["ModelArtifacts"]["S3ModelArtifacts"]
    environment = {"SAGEMAKER_PROGRAM": "toy_script.py", "SAGEMAKER_SUBMIT_DIRECTORY": code}
    container = {"Image": IMAGE, "ModelDataUrl": url, "Environment": environment}
    sagemaker.create_model(ModelName=name, ExecutionRoleArn=role, PrimaryContainer=container)
    variant = {"VariantName": "main", "ModelName": name, "InstanceType": "ml.m5.large"}
    sagemaker.create_endpoint_config(
        EndpointConfigName=name, ProductionVariants=[{**variant, "InitialInstanceCount": 1}]
    )
    sagemaker.create_endpoint(EndpointName=name, EndpointConfigName=name)
    found = ended(lambda: sagemaker.describe_endpoint(EndpointName=name), "EndpointStatus")
    assert found["EndpointStatus"] == "InService", found
    yield name
    sagemaker.delete_endpoint(EndpointName=name)
