"""What becomes of a thousand files that are dropped at once, on a local cloud of its own."""

from __future__ import annotations

import io
import json
import os
import platform
import socket
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq

from demo.__main__ import cdk
from demo.cloud import Cloud
from local_cloud.launcher import LocalCloud
from local_cloud.settings import ACCOUNT, REGION, Settings

FILES, ROWS = 1000, 20
_REPEATED = 100
"""Events that are delivered a second time, as EventBridge and SQS may."""
_BAD = (b"", b"<html>Sign in</html>", b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR", b"id,x,y\n", b"a,b\n1,2\n")
_BAD_EVERY = 10
_PIPELINE = "name: many\nproblem: regression\ntarget: y\nid: id\n"
_PATIENCE_S = 900


def measure(files: int = FILES) -> dict[str, Any]:
    """Drop `files` small files at once, wait until none is open, and count what became of them.

    Returns
    -------
    dict
        ``files_dropped``; ``files_accounted``: those of which the ledger says what became of them, and what it says is
        there; ``files_twice``: files with two entries, and rows that are there twice; ``rows_lost``; ``seconds`` from
        the first file to the last entry.
    """
    with tempfile.TemporaryDirectory(prefix="headrace-bench-") as folder, _deployed(Path(folder)) as cloud:
        started = time.monotonic()
        names = _drop(cloud, files)
        dropped_s = time.monotonic() - started
        _repeat_events(cloud, names[:_REPEATED])
        _wait(cloud, files)
        seconds = time.monotonic() - started
        return {**_count(cloud, files), "drop_s": round(dropped_s, 1), "seconds": round(seconds, 1)}


@contextmanager
def _deployed(folder: Path) -> Iterator[Cloud]:
    """Deploy the data stack of a small pipeline to a new local cloud, with IAM enforced."""
    pipeline = folder / "many.yaml"
    pipeline.write_text(_PIPELINE)
    local = LocalCloud(Settings(_free_port(), folder / "state"))
    try:
        local.start()
        environment = {
            **os.environ,
            **local.environment(),
            "JSII_SILENCE_WARNING_UNTESTED_NODE_VERSION": "1",
        }
        cdk(["bootstrap", f"aws://{ACCOUNT}/{REGION}", "--app", ""], environment)
        assembly = ["--output", str(folder / "cdk.out")]
        cdk(["deploy", "many-data", "-c", f"pipeline={pipeline}", *assembly], environment)
        yield Cloud("many", environment)
    finally:
        local.stop()


def _drop(cloud: Cloud, files: int) -> list[str]:
    cloud.outputs  # noqa: B018 - looked up once, before the threads start
    names = [f"many/{number:05}.csv" for number in range(files)]
    with ThreadPoolExecutor(16) as pool:
        list(pool.map(lambda number: cloud.drop(names[number], _body(number)), range(files)))
    return names


def _body(number: int) -> bytes:
    if _is_bad(number):
        return _BAD[number // _BAD_EVERY % len(_BAD)]
    rows = (f"{number * ROWS + row},{row}.5,{row + number % 7}" for row in range(ROWS))
    return "\n".join(["id,x,y", *rows, ""]).encode()


def _is_bad(number: int) -> bool:
    """Tell whether a file is one that is refused; the first is good, because it makes the contract."""
    return number % _BAD_EVERY == _BAD_EVERY - 1


def _repeat_events(cloud: Cloud, names: list[str]) -> None:
    bucket, queue = cloud.outputs["DataBucketName"], _queue(cloud)
    pages = (
        cloud.client("s3").get_paginator("list_object_versions").paginate(Bucket=bucket, Prefix="incoming/")
    )
    wanted = {f"incoming/{name}" for name in names}
    for version in (version for page in pages for version in page["Versions"] if version["Key"] in wanted):
        item = {"key": version["Key"], "version-id": version["VersionId"], "size": version["Size"]}
        detail = {"bucket": {"name": bucket}, "object": item}
        event = {"time": f"{version['LastModified']:%Y-%m-%dT%H:%M:%SZ}", "detail": detail}
        cloud.client("sqs").send_message(QueueUrl=queue, MessageBody=json.dumps(event))


def _queue(cloud: Cloud) -> str:
    mappings = cloud.client("lambda").list_event_source_mappings()["EventSourceMappings"]
    name = mappings[0]["EventSourceArn"].rpartition(":")[2]
    return str(cloud.client("sqs").get_queue_url(QueueName=name)["QueueUrl"])


def _wait(cloud: Cloud, files: int) -> None:
    """Wait until every file has an entry and no message is left."""
    queue, sqs = _queue(cloud), cloud.client("sqs")
    states = ["ApproximateNumberOfMessages", "ApproximateNumberOfMessagesNotVisible"]
    deadline = time.monotonic() + _PATIENCE_S
    while time.monotonic() < deadline:
        left = sqs.get_queue_attributes(QueueUrl=queue, AttributeNames=states)["Attributes"]
        if not any(int(count) for count in left.values()) and len(_entries(cloud)) >= files:
            return
        time.sleep(1)


def _entries(cloud: Cloud) -> list[dict[str, Any]]:
    pages = (
        cloud.client("dynamodb")
        .get_paginator("query")
        .paginate(
            TableName=cloud.outputs["LedgerTableName"],
            KeyConditionExpression="pk = :file",
            ExpressionAttributeValues={":file": {"S": "file"}},
        )
    )
    return [item for page in pages for item in page["Items"]]


def _count(cloud: Cloud, files: int) -> dict[str, Any]:
    s3, bucket = cloud.client("s3"), cloud.outputs["DataBucketName"]
    keys = {
        item["Key"]
        for prefix in ("curated/", "quarantine/")
        for page in s3.get_paginator("list_objects_v2").paginate(Bucket=bucket, Prefix=prefix)
        for item in page.get("Contents", [])
    }
    entries = _entries(cloud)
    curated = [key for key in keys if key.startswith("curated/")]
    ids: Counter[str] = Counter()
    for key in curated:
        body = s3.get_object(Bucket=bucket, Key=key)["Body"].read()
        ids.update(pq.read_table(io.BytesIO(body), columns=["id"], partitioning=None)["id"].to_pylist())
    names = Counter(entry["key"]["S"] for entry in entries)
    good = files - sum(map(_is_bad, range(files)))
    return {
        "files_dropped": files,
        "files_accounted": len({entry["key"]["S"] for entry in entries if _holds(entry, keys, bucket)}),
        "files_quarantined": sum("S" in entry["refused"] for entry in entries),
        "files_twice": sum(count - 1 for count in names.values()) + max(0, len(curated) - good),
        "rows_twice": sum(count - 1 for count in ids.values()),
        "rows_lost": good * ROWS - len(ids),
    }


def _holds(entry: dict[str, Any], keys: set[str], bucket: str) -> bool:
    """Tell whether what the ledger says of a file is there: its rows, or the reason why it was refused."""
    if "S" in entry["refused"]:
        name, version = entry["key"]["S"].removeprefix("incoming/"), entry["version_id"]["S"]
        return f"quarantine/{name}/{version}/reason.json" in keys
    paths = [path["S"].removeprefix(f"s3://{bucket}/") for path in entry["curated_paths"]["L"]]
    return bool(paths) and all(path in keys for path in paths)


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def main() -> int:
    """Measure, and print the figures as JSON."""
    figures = measure(int(os.environ.get("HEADRACE_BENCH_FILES", FILES)))
    machine = {"cpus": os.cpu_count(), "python": platform.python_version()}
    print(json.dumps({**figures, **machine}))
    return 0 if figures["files_accounted"] == figures["files_dropped"] else 1


if __name__ == "__main__":
    sys.exit(main())
