import pytest
from botocore.exceptions import ClientError

from lambdas.build_image.handler import BuildError, Wanted, build_image

WANTED = Wanted("project", "repository", "1.dkr.ecr.us-east-1.amazonaws.com/repository", "abc")
FAILED = {
    "id": "project:1",
    "buildStatus": "FAILED",
    "phases": [
        {"phaseType": "DOWNLOAD_SOURCE", "phaseStatus": "SUCCEEDED"},
        {"phaseType": "BUILD", "phaseStatus": "FAILED", "contexts": [{"message": "docker build: exit 1"}]},
    ],
    "logs": {"deepLink": "https://console/log"},
}


class Aws:
    """CodeBuild and ECR in memory: each look at the build shows the next of `builds`."""

    def __init__(self, *builds, exists=False):
        self.builds, self.exists, self.started = list(builds), exists, 0

    def start_build(self, *, projectName):  # noqa: N803 - AWS's name
        self.started += 1
        return {"build": {"id": "project:1"}}

    def batch_get_builds(self, *, ids):
        return {"builds": [self.builds.pop(0) if len(self.builds) > 1 else self.builds[0]]}

    def describe_images(self, *, repositoryName, imageIds):  # noqa: N803 - AWS's names
        if not self.exists:
            raise ClientError({"Error": {"Code": "ImageNotFoundException"}}, "DescribeImages")
        return {"imageDetails": [{"imageTags": ["abc"]}]}


def build(aws, remaining_ms=900_000):
    pauses = []
    return build_image(WANTED, aws, aws, lambda: remaining_ms, pauses.append), pauses


def test_the_image_is_waited_for():
    aws = Aws({"buildStatus": "IN_PROGRESS"}, {"buildStatus": "IN_PROGRESS"}, {"buildStatus": "SUCCEEDED"})

    image, pauses = build(aws)

    assert image == {"ImageUri": "1.dkr.ecr.us-east-1.amazonaws.com/repository:abc"}
    assert len(pauses) == 2


def test_an_image_that_is_there_is_not_built_again():
    aws = Aws(exists=True)

    assert build(aws)[0] == {"ImageUri": "1.dkr.ecr.us-east-1.amazonaws.com/repository:abc"}
    assert aws.started == 0


def test_a_failed_build_says_where_it_failed_what_it_said_and_where_the_log_is():
    with pytest.raises(BuildError, match=r"FAILED in BUILD: docker build: exit 1; log: https://console/log"):
        build(Aws(FAILED))


def test_a_build_that_outlasts_the_function_is_a_failure_with_its_id():
    with pytest.raises(BuildError, match="project:1 takes too long; it is in phase INSTALL"):
        build(Aws({"buildStatus": "IN_PROGRESS", "currentPhase": "INSTALL"}), remaining_ms=19_000)
