"""CodeBuild that builds images without Docker: it reads the Dockerfile of the source.

It serves projects that build images of one Dockerfile: the commands ``docker build --tag "…"`` of their build specification name
them. Their other commands are not followed.
"""

from __future__ import annotations

import io
import json
import logging
import re
import shutil
import tempfile
import zipfile
from pathlib import Path
from string import Template
from typing import Any

from botocore.exceptions import ClientError
from ministack.services import codebuild, ecr
from ministack.services.cloudformation import provisioners

from local_cloud.adapters.patching import replace
from local_cloud.adapters.role_sessions import RoleError, role_session
from local_cloud.adapters.sagemaker_engine import sagemaker_engine
from local_cloud.sagemaker.dockerfile import build_image
from local_cloud.sagemaker.errors import JobError
from local_cloud.sagemaker.images import ImageStore, split_image_uri
from local_cloud.sagemaker.surroundings import RoleSession
from local_cloud.sagemaker.transfer import split_uri
from local_cloud.settings import Settings

logger = logging.getLogger(__name__)

_TAG = re.compile(r"docker build [^\n]*?--tag [\"'\\]*([^\"'\\\s]+)")


def install(settings: Settings) -> None:
    """Take the place of the build container."""
    images = sagemaker_engine(settings).images
    replace(codebuild, "_execute_build", "build_id project", lambda _: _builder(images, settings))
    project = provisioners._RESOURCE_HANDLERS["AWS::CodeBuild::Project"]
    project["create"] = _keeps_logs_config(project["create"])


def _keeps_logs_config(create: Any) -> Any:
    """Keep a project's LogsConfig, which the emulator drops."""

    def created(logical_id: str, properties: dict[str, Any], stack: str) -> Any:
        name, attributes = create(logical_id, properties, stack)
        config = provisioners._codebuild_cfn_to_api(properties.get("LogsConfig", {}))
        codebuild._projects[name]["logsConfig"] = config
        return name, attributes

    return created


def _builder(images: ImageStore, settings: Settings) -> Any:
    def execute(build_id: str, project: dict[str, Any]) -> None:
        build = codebuild._builds[build_id]
        build["logs"].update(_log_stream(project, build["logs"]))
        emit = codebuild._log_sink(build) or logger.info
        build["buildStatus"] = "IN_PROGRESS"
        codebuild._record_phase(build, "QUEUED", "SUCCEEDED")
        context = Path(tempfile.mkdtemp(prefix="headrace-build-"))
        try:
            _fetch(project, context, role_session(settings, project["serviceRole"], "codebuild"))
            codebuild._record_phase(build, "DOWNLOAD_SOURCE", "SUCCEEDED")
            for uri in _tags(project, _variables(project, build)):
                _build(uri, context, images, emit)
            status = "SUCCEEDED"
        except (JobError, RoleError) as error:
            emit(f"[Container] build failed: {error}")
            status = "FAILED"
        except Exception:
            logger.exception("build %s", build_id)
            status = "FAULT"
        finally:
            shutil.rmtree(context, ignore_errors=True)
        codebuild._record_phase(build, "BUILD", status)
        codebuild._finish_build(build, status)

    return execute


def _log_stream(project: dict[str, Any], default: dict[str, Any]) -> dict[str, str]:
    """Return the group and the stream that the project's LogsConfig asks for, or CodeBuild's own."""
    asked = (project.get("logsConfig") or {}).get("cloudWatchLogs") or {}
    prefix = f"{asked['streamName']}/" if asked.get("streamName") else ""
    return {
        "groupName": asked.get("groupName") or default["groupName"],
        "streamName": prefix + default["streamName"],
    }


def _fetch(project: dict[str, Any], context: Path, session: RoleSession) -> None:
    source = project["source"]
    bucket, key = split_uri(f"s3://{source['location'].removeprefix('arn:aws:s3:::')}")
    try:
        body = session.client("s3").get_object(Bucket=bucket, Key=key)["Body"].read()
    except ClientError as error:
        raise JobError(f"the source cannot be read: {error}") from None
    with zipfile.ZipFile(io.BytesIO(body)) as archive:
        archive.extractall(context)


def _variables(project: dict[str, Any], build: dict[str, Any]) -> dict[str, str]:
    environments = [project.get("environment") or {}, build.get("environment") or {}]
    return {v["name"]: v["value"] for env in environments for v in env.get("environmentVariables") or []}


def _tags(project: dict[str, Any], variables: dict[str, str]) -> list[str]:
    """Return the images that the build's commands make with ``docker build --tag``.

    Raises
    ------
    JobError
        If there is none, or a variable of its name is missing.
    """
    found = _TAG.findall(str(project["source"].get("buildspec") or ""))
    try:
        tags = [Template(tag).substitute(variables) for tag in found]
    except KeyError as error:
        raise JobError(f"the environment variable {error.args[0]} names the image, and is missing") from None
    if not tags:
        raise JobError("no command of the build is `docker build` with a --tag")
    return tags


def _build(uri: str, context: Path, images: ImageStore, emit: Any) -> None:
    repository, tag = split_image_uri(uri)
    image = build_image(context, images.folder_of(repository, tag), emit)
    images.save(repository, tag, image)
    manifest = {"schemaVersion": 2, "layers": [{"digest": images.digest(repository, tag)}]}
    status, _, body = ecr._put_image(
        {"repositoryName": repository, "imageTag": tag, "imageManifest": json.dumps(manifest)}
    )
    if status >= 300 and b"ImageTagAlreadyExists" not in body:  # noqa: PLR2004 - HTTP's successes end at 299
        raise JobError(f"the image cannot be pushed: {body.decode()}")
