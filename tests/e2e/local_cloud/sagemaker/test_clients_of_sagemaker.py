"""Programs that know AWS only: led here by AWS_ENDPOINT_URL, they work unchanged."""

import json
import sys
from pathlib import Path

import pytest

from tests.e2e.cloud import new_name
from tests.e2e.local_cloud.sagemaker.conftest import TOY_IMAGE

HERE = Path(__file__).parent
AWS = Path(sys.executable).parent / "aws"


@pytest.fixture(scope="module")
def aws(cloud):
    """Run AWS's command line and return what it prints."""

    def aws(*arguments):
        done = cloud.run(AWS, *arguments)
        assert done.returncode == 0, done.stderr
        return done.stdout

    return aws


def test_the_sdk_of_sagemaker_trains_hosts_and_invokes(cloud, role, bucket, name, tmp_path):
    report = tmp_path / "report.json"
    done = cloud.run(
        sys.executable,
        HERE / "sdk_program.py",
        name,
        TOY_IMAGE,
        role,
        bucket,
        REPORT=str(report),
        HOME=str(tmp_path),
    )

    assert done.returncode == 0, done.stderr[-2000:]
    assert json.loads(report.read_text()) == {
        "status": "Completed",
        "answer": "from the SDK:x",
        "jobs": [name],
    }


def test_the_command_line_copies_to_and_from_s3(aws, bucket, name, tmp_path):
    (tmp_path / "rows.csv").write_text("1,2\n")

    aws("s3", "cp", tmp_path / "rows.csv", f"s3://{bucket}/{name}/rows.csv")
    aws("s3", "cp", "--recursive", f"s3://{bucket}/{name}/", tmp_path / "back")

    assert (tmp_path / "back" / "rows.csv").read_text() == "1,2\n"
    assert "rows.csv" in aws("s3", "ls", f"s3://{bucket}/{name}/")


def test_the_command_line_lists_jobs(aws, train, name):
    train(name)

    listed = json.loads(aws("sagemaker", "list-training-jobs", "--name-contains", name))
    assert [job["TrainingJobName"] for job in listed["TrainingJobSummaries"]] == [name]
    assert listed["TrainingJobSummaries"][0]["TrainingJobStatus"] == "Completed"


def test_the_command_line_invokes_an_endpoint(aws, serve, tmp_path):
    endpoint = serve(new_name("endpoint"))["EndpointName"]
    (tmp_path / "body").write_text("x")

    command = ["sagemaker-runtime", "invoke-endpoint", "--endpoint-name", endpoint]
    aws(*command, "--content-type", "text/csv", "--body", f"fileb://{tmp_path}/body", tmp_path / "answer")

    assert (tmp_path / "answer").read_text() == "hello:x"


def test_the_command_line_reports_a_refusal(cloud):
    done = cloud.run(AWS, "sagemaker", "describe-training-job", "--training-job-name", "none")

    assert done.returncode != 0
    assert "(ValidationException)" in done.stderr
    assert "Requested resource not found." in done.stderr
