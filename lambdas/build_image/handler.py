"""Have CodeBuild build the container image, and tell CloudFormation once it is in its repository."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass
from functools import cache
from typing import Any, Protocol

import boto3
from botocore.exceptions import ClientError

from headrace.aws.custom_resource import Context, answer
from headrace.aws.logs import function_logger
from headrace.ml.privacy.redaction import redact_errors

logger = function_logger()

_POLL_S = 5.0
_FIRST_POLL_S = 0.5
_RESERVE_MS = 20_000


class BuildError(Exception):
    """The image could not be built; the text names the phase, what it said, and the log."""


@dataclass(frozen=True)
class Wanted:
    """The image that the template asks for."""

    project: str
    repository: str
    uri: str
    tag: str


class CodeBuild(Protocol):
    """What this function needs from CodeBuild's client."""

    def start_build(self, *, projectName: str) -> dict[str, Any]:  # noqa: N803 - AWS's name
        """Start a build of a project."""
        ...

    def batch_get_builds(self, *, ids: list[str]) -> dict[str, Any]:
        """Describe builds."""
        ...


class Repositories(Protocol):
    """What this function needs from ECR's client."""

    def describe_images(
        self,
        *,
        repositoryName: str,  # noqa: N803 - AWS's name
        imageIds: list[dict[str, str]],  # noqa: N803 - AWS's name
    ) -> dict[str, Any]:
        """Describe images; ``ImageNotFoundException`` if there is none."""
        ...


@cache
def _clients() -> tuple[CodeBuild, Repositories]:
    return boto3.client("codebuild"), boto3.client("ecr")


def build_image(
    wanted: Wanted,
    codebuild: CodeBuild,
    ecr: Repositories,
    remaining_ms: Callable[[], int],
    sleep: Callable[[float], None],
) -> dict[str, str]:
    """Return the URI of the image; build it first unless its tag, the hash of its content, is there already.

    Raises
    ------
    BuildError
        If the build failed, or has not ended when the function's time is up.
    """
    image = {"ImageUri": f"{wanted.uri}:{wanted.tag}"}
    if _exists(wanted, ecr):
        return image
    build_id = codebuild.start_build(projectName=wanted.project)["build"]["id"]
    pause_s = _FIRST_POLL_S
    while True:
        build = codebuild.batch_get_builds(ids=[build_id])["builds"][0]
        if build["buildStatus"] == "SUCCEEDED":
            return image
        if build["buildStatus"] != "IN_PROGRESS":
            raise BuildError(_failure(build))
        if remaining_ms() < _RESERVE_MS:
            raise BuildError(f"build {build_id} takes too long; it is in phase {build.get('currentPhase')}")
        sleep(pause_s)
        pause_s = min(2 * pause_s, _POLL_S)


def _exists(wanted: Wanted, ecr: Repositories) -> bool:
    try:
        found = ecr.describe_images(repositoryName=wanted.repository, imageIds=[{"imageTag": wanted.tag}])
    except ClientError as error:
        if error.response["Error"]["Code"] == "ImageNotFoundException":
            return False
        raise
    return bool(found["imageDetails"])


def _failure(build: dict[str, Any]) -> str:
    """Say which phase failed, with what it said and where its log is."""
    failed = [
        phase for phase in build.get("phases", []) if phase.get("phaseStatus") not in ("SUCCEEDED", None)
    ]
    said = [context.get("message", "") for phase in failed[:1] for context in phase.get("contexts", [])]
    phase = failed[0].get("phaseType") if failed else build.get("currentPhase")
    log = build.get("logs", {}).get("deepLink") or build.get("logs", {}).get("groupName") or "no log"
    return (
        f"build {build['id']} {build['buildStatus']} in {phase}: {' '.join(said) or 'no message'}; log: {log}"
    )


@redact_errors
def handler(event: dict[str, Any], context: Context) -> None:
    """Answer CloudFormation; nothing is deleted here, for the repository empties itself."""

    def work() -> dict[str, str]:
        if event["RequestType"] == "Delete":
            return {}
        properties = event["ResourceProperties"]
        wanted = Wanted(
            properties["ProjectName"],
            properties["RepositoryName"],
            properties["RepositoryUri"],
            properties["ImageTag"],
        )
        codebuild, ecr = _clients()
        return build_image(wanted, codebuild, ecr, context.get_remaining_time_in_millis, time.sleep)

    answer(event, context, work)
