"""How long it takes to trace one prediction among a million: `make bench-trace`; ends in one line of JSON.

A million predictions of thirty days lie in the local cloud's S3, a file for each hour, each with twelve features and ids that are drawn at
random, and the index that the recorder writes. `headrace trace` is run as people run it, in a process of its own: for the newest id, for one of the
oldest hour, for one that nobody knows, with and without its day, and forward from a file.
"""

from __future__ import annotations

import io
import json
import resource
import sys
import tempfile
import time
import uuid
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import boto3
import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from headrace.aws.file_ledger import FileLedger, FileRecord
from headrace.aws.prediction_index import PredictionIndex
from headrace.aws.training_history import PastTraining, TrainingHistory
from headrace.ml.reproduction.digest import json_sha256
from lambdas.record_predictions.recording import indexed_file
from tests.e2e.cloud import ACCOUNT, REGION, Cloud, running

_NAME, _HOURS, _FEATURES, _ROWS = "big", 24 * 30, 12, 1_000_000
_BEGIN = datetime(2026, 11, 1)  # as predictions are stored: UTC, without a zone
_KEY, _RUN = "incoming/all.csv", "headrace-big-1"
_HEADRACE = Path(sys.executable).parent / "headrace"


def main() -> None:
    """Measure, and print."""
    with tempfile.TemporaryDirectory() as folder, running(Cloud(Path(folder))) as cloud:  # type: ignore[no-untyped-call]
        names = _deploy(cloud)
        session = boto3.Session(ACCOUNT, "local", region_name=REGION)
        table = session.resource("dynamodb", endpoint_url=cloud.endpoint).Table(names["LedgerTableName"])
        first, last = _write_predictions(cloud, names["ArtifactsBucketName"], PredictionIndex(table))
        _write_model(cloud, names, table)
        found = {
            "newest": _seconds(cloud, last),
            "oldest": _seconds(cloud, first),
            "oldest_with_its_day": _seconds(cloud, first, "--at", f"{_BEGIN:%Y-%m-%d}"),
            "unknown": _seconds(cloud, "nobody", code=2),
            "file": _seconds(cloud, "--file", _KEY),
        }
    for name, (seconds, of_processor) in found.items():
        print(f"{name}: {seconds} s, {of_processor} s of the processor")
    shown = {f"trace_{name}_seconds": seconds for name, (seconds, _) in found.items()}
    worst = {
        "trace_seconds_1m": max(seconds for seconds, _ in found.values()),
        "trace_processor_seconds_1m": max(of_processor for _, of_processor in found.values()),
    }
    print(json.dumps({"predictions": _ROWS, "files": _HOURS, **shown, **worst}))


def _seconds(cloud: Any, *asked: str, code: int = 0) -> tuple[float, float]:
    """Return the seconds of the clock, and of the processor, of one command: its process, its imports and all."""
    started, used = time.monotonic(), _processor()
    done = cloud.run(_HEADRACE, "trace", _NAME, *asked)
    taken = time.monotonic() - started
    assert done.returncode == code, done.stderr
    return round(taken, 2), round(_processor() - used, 2)


def _processor() -> float:
    """Return the seconds that processes have used which have ended; other programs on the machine do not count."""
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime


def _deploy(cloud: Any) -> dict[str, str]:
    """Make as much of a pipeline as a trace looks at, and return the outputs of its stacks."""
    resources = {
        "Data": {"Type": "AWS::S3::Bucket"},
        "Artifacts": {"Type": "AWS::S3::Bucket"},
        "Ledger": {"Type": "AWS::DynamoDB::Table", "Properties": _keys()},
    }
    outputs = {"DataBucketName": "Data", "ArtifactsBucketName": "Artifacts", "LedgerTableName": "Ledger"}
    template = {
        "Resources": resources,
        "Outputs": {name: {"Value": {"Ref": resource}} for name, resource in outputs.items()}
        | {"EndpointName": {"Value": "headrace-big"}, "ModelPackageGroupName": {"Value": "headrace-big"}},
    }
    nothing = {"Resources": {"Nothing": {"Type": "AWS::CloudFormation::WaitConditionHandle"}}}
    client = cloud.client("cloudformation")
    for kind in ("data", "training", "serving", "monitoring"):
        body = json.dumps(template if kind == "data" else nothing)
        client.create_stack(StackName=f"{_NAME}-{kind}", TemplateBody=body)
        client.get_waiter("stack_create_complete").wait(StackName=f"{_NAME}-{kind}")
    cloud.client("sagemaker").create_model_package_group(ModelPackageGroupName="headrace-big")
    told = client.describe_stacks(StackName=f"{_NAME}-data")["Stacks"][0]["Outputs"]
    return {item["OutputKey"]: item["OutputValue"] for item in told}


def _keys() -> Mapping[str, Any]:
    keys = {"pk": "HASH", "sk": "RANGE"}
    return {
        "KeySchema": [{"AttributeName": name, "KeyType": kind} for name, kind in keys.items()],
        "AttributeDefinitions": [{"AttributeName": name, "AttributeType": "S"} for name in keys],
        "BillingMode": "PAY_PER_REQUEST",
    }


def _write_predictions(cloud: Any, bucket: str, index: PredictionIndex) -> tuple[str, str]:
    """Write a million predictions; return an id of the first hour, and one of the last."""
    client, rng = cloud.client("s3"), np.random.default_rng(7)
    each, ends = -(-_ROWS // _HOURS), []
    with ThreadPoolExecutor(8) as writers:
        left = _ROWS
        for hour in range(_HOURS):
            rows = min(each, left)
            left -= rows
            table = _predictions(rng, _BEGIN + timedelta(hours=hour), rows)
            ends.append(table["_inference_id"][0].as_py())
            body = io.BytesIO()
            pq.write_table(table, body, compression="snappy", row_group_size=2**17)
            day = f"{_BEGIN + timedelta(hours=hour):%Y-%m-%d}"
            key = f"predictions/variant=v1/date={day}/{hour:032x}.parquet"
            writers.submit(client.put_object, Bucket=bucket, Key=key, Body=body.getvalue())
            index.add(indexed_file(key, body.tell(), table))
    return ends[0], ends[-1]


def _predictions(rng: np.random.Generator, hour: datetime, rows: int) -> pa.Table:
    ids = [str(uuid.UUID(bytes=rng.bytes(16), version=4)) for _ in range(2 * rows)]
    times = np.datetime64(hour, "us") + np.sort(rng.integers(0, 3600 * 10**6, rows))
    return pa.table(
        {
            "_event_id": ids[:rows],
            "_inference_id": ids[rows:],
            "_row": np.zeros(rows, np.int32),
            "_time": times,
            "_entity": pa.nulls(rows, pa.string()),
            "_prediction": [f"{value:.3f}" for value in rng.normal(size=rows)],
            "_score": rng.normal(size=rows),
            **{f"f{number}": rng.normal(size=rows) for number in range(_FEATURES)},
        }
    )


def _write_model(cloud: Any, names: Mapping[str, str], table: Any) -> None:
    """Register a model that has learnt from one file, with a provenance as trainings write it."""
    bucket, s3 = names["ArtifactsBucketName"], cloud.client("s3")
    file = {"key": _KEY, "version_id": "1", "sha256": "", "rows": 5000, "accepted": ""}
    manifest, where = f"s3://{bucket}/snapshots/0/manifest.json", f"evaluations/{_RUN}/provenance.json"
    provenance = {
        "run": _RUN,
        "training_job": f"{_RUN}-0",
        "data": {
            "content_hash": "0" * 64,
            "learned_from": "all",
            "manifest": {"uri": manifest, "version_id": None, "size": 0, "sha256": None},
            "objects": [],
        },
        "code": {"code_version": "tag"},
        "image": {"uri": "image", "digest": None, "says": "none"},
        "environment": {},
        "training": {"estimator": "linear", "seed": 7, "hyperparameters": {}},
        "metric": "rmse",
        "metrics": {"rmse": 1.0},
        "gate": {"promote": True, "why": "better"},
        "parent": None,
        "reason": {"reason": "new_data"},
        "approval": {"mode": "automatic", "by": "gate", "why": "better"},
    }
    for key, document in (
        ("snapshots/0/manifest.json", {"parts": {"train": {"rows": 5000}}, "files": [file]}),
        (where, provenance),
    ):
        s3.put_object(Bucket=bucket, Key=key, Body=json.dumps(document).encode())
    cloud.client("sagemaker").create_model_package(
        ModelPackageGroupName="headrace-big",
        ModelApprovalStatus="Approved",
        InferenceSpecification={
            "Containers": [
                {"Image": "1.dkr.ecr.us-east-1.amazonaws.com/a:1", "ModelDataUrl": f"s3://{bucket}/m"}
            ],
            "SupportedContentTypes": ["text/csv"],
            "SupportedResponseMIMETypes": ["text/csv"],
        },
        CustomerMetadataProperties={
            "provenance": f"s3://{bucket}/{where}",
            "objects_sha256": json_sha256([]),
            "run": _RUN,
        },
    )
    now = datetime.now(UTC).isoformat()
    FileLedger(table).record(FileRecord(_KEY, "1", now, rows=5000))
    TrainingHistory(table).add(
        PastTraining("e", _RUN, now, now, "new_data", "", "registered", "", False, None, 1, None, None)
    )


if __name__ == "__main__":
    main()
