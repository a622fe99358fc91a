"""CodeBuild builds an image from a Dockerfile, without Docker; SageMaker runs it."""

import io
import zipfile

import pytest

from tests.e2e.cloud import eventually, new_name

DOCKERFILE = """
FROM python:3.12-slim
# what the image installs is here already
RUN pip install --no-cache-dir scikit-learn
ENV GREETING="good day" \\
    PLACE=here
WORKDIR /program
COPY program.py ./
COPY data/ data/
ENTRYPOINT ["python", "program.py"]
"""
PROGRAM = """
import os
from pathlib import Path

text = f"{os.environ['GREETING']} {os.environ['PLACE']}: {Path('data/rows.csv').read_text()}"
(Path(os.environ["SM_MODEL_DIR"]) / "model.txt").write_text(text)
print(text)
"""
SOURCE = {"Dockerfile": DOCKERFILE, "program.py": PROGRAM, "data/rows.csv": "1,2"}

BUILD_SPEC = """
version: 0.2
phases:
  build:
    commands:
      - docker build --tag "$REPOSITORY_URI:$IMAGE_TAG" .
      - docker build --build-arg MORE=1 --tag "$REPOSITORY_URI:${IMAGE_TAG}-more" .
"""


@pytest.fixture(scope="module")
def bucket(client):
    name = new_name("sources")
    client("s3").create_bucket(Bucket=name)
    return name


@pytest.fixture(scope="module")
def build(cloud, bucket):
    """Build an image from files; return the repository's URI and the build when it has ended."""

    def build(files, *allowed, tag="1"):
        name = new_name("image")
        archive = io.BytesIO()
        with zipfile.ZipFile(archive, "w") as source:
            for path, text in files.items():
                source.writestr(path, text)
        cloud.client("s3").put_object(Bucket=bucket, Key=f"{name}.zip", Body=archive.getvalue())
        repository = cloud.client("ecr").create_repository(repositoryName=name)["repository"]["repositoryUri"]
        actions = list(allowed) or ["s3:GetObject", "ecr:*", "logs:*"]
        project = cloud.client("codebuild")
        project.create_project(
            name=name,
            source={"type": "S3", "location": f"{bucket}/{name}.zip", "buildspec": BUILD_SPEC},
            artifacts={"type": "NO_ARTIFACTS"},
            environment={
                "type": "LINUX_CONTAINER",
                "image": "aws/codebuild/standard:7.0",
                "computeType": "BUILD_GENERAL1_SMALL",
                "environmentVariables": [
                    {"name": "REPOSITORY_URI", "value": repository},
                    {"name": "IMAGE_TAG", "value": tag},
                ],
            },
            serviceRole=cloud.role({"Action": actions, "Resource": "*"}, principal="codebuild"),
        )
        identity = project.start_build(projectName=name)["build"]["id"]

        def describe():
            return project.batch_get_builds(ids=[identity])["builds"][0]

        return repository, eventually(describe, lambda found: found["buildStatus"] != "IN_PROGRESS")

    return build


def test_an_image_is_built_pushed_and_run(cloud, build, bucket, name):
    repository, built = build(SOURCE)

    assert built["buildStatus"] == "SUCCEEDED", built
    images = cloud.client("ecr").describe_images(repositoryName=repository.rpartition("/")[2])["imageDetails"]
    assert sorted(tag for image in images for tag in image["imageTags"]) == ["1", "1-more"]
    assert "good day here: 1,2" in _trained(cloud, f"{repository}:1-more", bucket, name)


def test_a_dockerfile_that_cannot_be_followed_fails_the_build(build):
    _, built = build({"Dockerfile": 'FROM scratch\nCOPY nothing.py ./\nENTRYPOINT ["nothing.py"]\n'})

    assert built["buildStatus"] == "FAILED"


def test_a_source_that_the_role_may_not_read_fails_the_build(build):
    _, built = build(SOURCE, "logs:*")

    assert built["buildStatus"] == "FAILED"


def test_the_phases_of_a_build_are_told(build):
    _, built = build(SOURCE)

    phases = {phase["phaseType"]: phase.get("phaseStatus") for phase in built["phases"]}
    assert phases["DOWNLOAD_SOURCE"] == phases["BUILD"] == "SUCCEEDED"
    assert built["startTime"] <= built["endTime"]


def _trained(cloud, image, bucket, name):
    """Run a training job of the image and return the lines of its log."""
    sagemaker = cloud.client("sagemaker")
    sagemaker.create_training_job(
        TrainingJobName=name,
        AlgorithmSpecification={"TrainingImage": image, "TrainingInputMode": "File"},
        RoleArn=cloud.role({"Action": "s3:*", "Resource": "*"}, principal="sagemaker"),
        OutputDataConfig={"S3OutputPath": f"s3://{bucket}/out"},
        ResourceConfig={"InstanceType": "ml.m5.large", "InstanceCount": 1, "VolumeSizeInGB": 1},
        StoppingCondition={"MaxRuntimeInSeconds": 60},
    )

    def describe():
        return sagemaker.describe_training_job(TrainingJobName=name)

    job = eventually(describe, lambda job: job["TrainingJobStatus"] != "InProgress")
    assert job["TrainingJobStatus"] == "Completed", job.get("FailureReason")
    logs = cloud.client("logs")
    group = "/aws/sagemaker/TrainingJobs"
    events = logs.filter_log_events(logGroupName=group, logStreamNamePrefix=name)["events"]
    return [event["message"] for event in events]
