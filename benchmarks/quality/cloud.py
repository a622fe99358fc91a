"""Brings a data set through a pipeline on the local cloud: a file is dropped, a registered model comes out."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from benchmarks.quality.data_sets import DataSet
from demo.__main__ import cdk
from demo.cloud import Cloud, DemoError, wait_for

_ACCOUNT = "aws://123456789012/us-east-1"
_TRAINING_S = 1800
# Nothing is served here, so two stacks of the pipeline are enough. What is deployed is deployed without a change set.
_STACKS = ("data", "training")
_HOW = ("--exclusively", "--require-approval", "never", "--method", "direct", "--concurrency", "2")


def bootstrap(environment: Mapping[str, str]) -> None:
    """Prepare the account for CDK."""
    cdk(["bootstrap", _ACCOUNT, "--app", ""], dict(environment))


def deploy(data_set: DataSet, environment: Mapping[str, str], folder: Path) -> Cloud:
    """Deploy what takes the data set in and trains on it."""
    name = data_set.pipeline
    stacks = [f"{name}-{kind}" for kind in _STACKS]
    where = ("-c", f"pipeline={data_set.path}", "--output", str(folder / name))
    cdk(["deploy", *stacks, *_HOW, *where], dict(environment))
    return Cloud(name, environment)


def train(data_set: DataSet, cloud: Cloud) -> dict[str, Any]:
    """Drop the file, wait for what it starts, and return the evaluation of the model that was registered.

    Raises
    ------
    DemoError
        If the training failed, or no model was registered.
    """
    cloud.drop(data_set.file, data_set.read())

    def ended() -> dict[str, Any] | None:
        runs = cloud.trainings()
        return runs[0] if runs and runs[0]["status"] != "RUNNING" else None

    run = wait_for(f"the training of {data_set.pipeline}", ended, timeout_s=_TRAINING_S)
    if run["status"] != "SUCCEEDED":
        raise DemoError(f"the training of {data_set.pipeline} failed: {run['cause']}")
    return _evaluation(cloud)


def _evaluation(cloud: Cloud) -> dict[str, Any]:
    """Return the evaluation that the registered model leads to."""
    sagemaker, s3 = cloud.client("sagemaker"), cloud.client("s3")
    group = cloud.outputs["ModelPackageGroupName"]
    found = sagemaker.list_model_packages(ModelPackageGroupName=group)["ModelPackageSummaryList"]
    if not found:
        raise DemoError(f"no model was registered in {group}: see `headrace trainings {cloud.pipeline}`")
    package = sagemaker.describe_model_package(ModelPackageName=found[0]["ModelPackageArn"])
    uri = package["ModelMetrics"]["ModelQuality"]["Statistics"]["S3Uri"]
    bucket, key = uri.removeprefix("s3://").split("/", 1)
    evaluation: dict[str, Any] = json.loads(s3.get_object(Bucket=bucket, Key=key)["Body"].read())
    return evaluation
