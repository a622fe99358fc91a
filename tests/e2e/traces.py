"""Looks for words in everything that a local cloud stores, and says where they are."""

import gzip
import io
import json

import pyarrow.parquet as pq


def places(cloud, *words):
    """Return where any of `words` is: in versions of objects, tables, logs, executions, queues, registries, files on disk.

    Packed files, archives and tables are looked at unpacked; what is packed once more within them is not.
    """
    wanted = [word.encode() for word in words]
    looks = (_objects, _items, _logs, _executions, _packages, _files)
    return sorted(
        {place for look in looks for place, body in look(cloud) if any(word in body for word in wanted)}
    )


def _objects(cloud):
    s3 = cloud.client("s3")
    for bucket in s3.list_buckets()["Buckets"]:
        listed = s3.get_paginator("list_object_versions").paginate(Bucket=bucket["Name"])
        for item in (item for page in listed for item in page.get("Versions", [])):
            named = {"Bucket": bucket["Name"], "Key": item["Key"]}
            version = {} if item["VersionId"] == "null" else {"VersionId": item["VersionId"]}
            body = s3.get_object(**named, **version)["Body"].read()
            yield f"object {item['Key']}", item["Key"].encode() + _unpacked(body)


def _unpacked(body):
    if body.startswith(b"\x1f\x8b"):
        return gzip.decompress(body)
    if body.startswith(b"PAR1"):
        return body + repr(pq.read_table(io.BytesIO(body)).to_pydict()).encode()
    return body


def _items(cloud):
    tables = cloud.client("dynamodb")
    for table in tables.list_tables()["TableNames"]:
        for page in tables.get_paginator("scan").paginate(TableName=table):
            yield from ((f"table {table}", repr(item).encode()) for item in page["Items"])


def _logs(cloud):
    logs = cloud.client("logs")
    for page in logs.get_paginator("describe_log_groups").paginate():
        for name in (group["logGroupName"] for group in page["logGroups"]):
            for events in logs.get_paginator("filter_log_events").paginate(logGroupName=name):
                yield from ((f"log {name}", event["message"].encode()) for event in events["events"])


def _executions(cloud):
    """Yield input, output, cause and every step of every execution."""
    states = cloud.client("stepfunctions")
    for machine in states.list_state_machines()["stateMachines"]:
        for run in states.list_executions(stateMachineArn=machine["stateMachineArn"])["executions"]:
            arn = {"executionArn": run["executionArn"]}
            told = [states.describe_execution(**arn)]
            told += states.get_paginator("get_execution_history").paginate(**arn)
            yield f"execution of {machine['name']}", repr(told).encode()


def _packages(cloud):
    sagemaker = cloud.client("sagemaker")
    for group in sagemaker.list_model_package_groups()["ModelPackageGroupSummaryList"]:
        name = group["ModelPackageGroupName"]
        for item in sagemaker.list_model_packages(ModelPackageGroupName=name)["ModelPackageSummaryList"]:
            arn = item["ModelPackageArn"]
            told = sagemaker.describe_model_package(ModelPackageName=arn)
            yield f"package {arn}", json.dumps(told, default=str).encode()


def _files(cloud):
    """Yield what the local cloud keeps on disk, but for code: whatever nobody thought of is there, queues among it."""
    state = cloud.settings.state_dir
    for path in state.rglob("*"):
        folder = path.relative_to(state).parts[0]
        if folder not in ("cache", "images") and path.is_file() and not path.is_symlink():
            yield f"file {path.relative_to(state)}", path.read_bytes()
