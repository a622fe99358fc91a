"""Write the row of the training that a new model is tried with, where a transform job reads it."""

from __future__ import annotations

import json
import os
from collections.abc import Mapping
from functools import cache
from typing import Any, Protocol

import boto3

from headrace.aws.model_archive import ModelSamples
from headrace.aws.transform_folder import TransformFolder
from headrace.ml.batch.members import FEATURES, ROW
from headrace.ml.privacy.redaction import redact_errors


class Samples(Protocol):
    """What this function needs from storage."""

    def sample(self, model_data_url: str) -> dict[str, Any]:
        """Return ``sample.json`` of a model archive: a real row, and its prediction."""
        ...


class Folder(Protocol):
    """What this function needs of the folder of the transform job."""

    def put_records(self, part: int, lines: bytes) -> None:
        """Write a part of the records."""
        ...


@cache
def _deps() -> tuple[Any, ModelSamples, str]:
    client = boto3.client("s3")
    return client, ModelSamples(client), os.environ["ARTIFACTS_BUCKET"]


def write_sample(plan: Mapping[str, Any], samples: Samples, folder: Folder) -> dict[str, Any]:
    """Write the one record; the smoke test compares its answer with the noted one."""
    # As JSON, in which numbers are numbers: cleaning steps would read text as people write it.
    record = {ROW: 1, FEATURES: samples.sample(plan["model_data_url"])["row"]}
    folder.put_records(0, json.dumps(record).encode() + b"\n")
    return {}


@redact_errors
def handler(event: dict[str, Any], context: object) -> dict[str, Any]:
    """Lambda entry point: wire the real dependencies, then delegate."""
    client, samples, bucket = _deps()
    plan = event["plan"]
    return write_sample(plan, samples, TransformFolder(client, bucket, f"transform/{plan['name']}/"))
