"""A file too large for the function goes through Spark, and comes out as the function would have made it."""

import json

import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from headrace.aws.contract_store import ContractStore
from headrace.aws.curated import read_curated
from headrace.aws.large_snapshots import SnapshotFolder, SnapshotOrder
from headrace.config.pipeline import Pipeline
from headrace.ml.clean_file import clean_file
from headrace.ml.contract import Contract
from headrace.ml.files.options import ReadOptions
from headrace.ml.files.table_file import open_table
from headrace.ml.recency import RECENCY, Earlier, rule_identity
from headrace.ml.snapshot_rows import contract_kinds
from headrace.ml.text_table import united
from lambdas.snapshot_data.parts import deal, rule_of, window_of
from local_cloud.glue.spark import installed
from tests.e2e.cloud import eventually, running
from tests.e2e.deployment import deployed
from tests.unit.headrace.ml.hard_rows import hard_csv
from tests.unit.headrace.ml.split_reading import by_number

pytestmark = pytest.mark.skipif(not installed(), reason="Spark is not installed here: make spark")

PIPELINE = {
    "name": "big",
    "problem": "regression",
    "target": "cnt",
    "id": "id",
    "ingest": {"max_file_mb": 1},
    "large_data": {"workers": 2, "max_gb": 1},
    "retraining": {"data": {"use": "weighted", "half_life_rows": 20000}},
}


@pytest.fixture(scope="module")
def cloud(new_cloud):
    with running(new_cloud()) as cloud:
        yield cloud


@pytest.fixture(scope="module")
def outputs(cloud, tmp_path_factory):
    """Deploy the two stacks that a large file goes through, and return their outputs."""
    return deployed(cloud, tmp_path_factory.mktemp("app"), PIPELINE, "data", "large-data")


@pytest.fixture(scope="module")
def file(tmp_path_factory):
    path = tmp_path_factory.mktemp("files") / "rows.csv"
    path.write_text(hard_csv(rows=120_000))
    assert path.stat().st_size > 2 * 2**20  # three pieces
    return path


@pytest.fixture(scope="module")
def taken(cloud, outputs, file):
    """Drop the file, and return its entry in the ledger once it is there."""
    cloud.client("s3").upload_file(str(file), outputs["DataBucketName"], "incoming/rows.csv")
    return entry(cloud, outputs, "incoming/rows.csv")


def entry(cloud, outputs, key):
    def look():
        answer = cloud.client("dynamodb").query(
            TableName=outputs["LedgerTableName"],
            KeyConditionExpression="pk = :file",
            ExpressionAttributeValues={":file": {"S": "file"}},
        )
        return [item for item in answer["Items"] if item["key"]["S"] == key]

    [item] = eventually(look, within_s=180)
    return {name: next(iter(value.values())) for name, value in item.items()}


def test_the_rows_and_refusals_are_those_that_the_function_makes(cloud, outputs, file, taken, tmp_path):
    s3 = cloud.client("s3")
    document = s3.get_object(Bucket=outputs["ArtifactsBucketName"], Key="contract/contract.json")[
        "Body"
    ].read()
    contract = Contract.from_dict(json.loads(document))
    expected = clean_file(open_table(file, tmp_path, ReadOptions()), contract, tmp_path)

    paths = [place["S"] for place in taken["curated_paths"]]
    assert len(paths) >= 3
    good = pd.concat(
        [pq.read_table(fetched(cloud, uri, tmp_path)).to_pandas() for uri in paths], ignore_index=True
    )
    pd.testing.assert_frame_equal(good, pq.read_table(expected.good).to_pandas())
    assert (int(taken["rows"]), int(taken["quarantined"])) == (expected.rows, expected.summary.rows)
    prefix = f"s3://{outputs['DataBucketName']}/quarantine/rows.csv/{taken['version_id']}"
    refused = pd.read_csv(fetched(cloud, f"{prefix}/rejected.csv", tmp_path), dtype=str)
    pd.testing.assert_frame_equal(by_number(refused), by_number(pd.read_csv(expected.rejected, dtype=str)))
    reason = json.loads(fetched(cloud, f"{prefix}/reason.json", tmp_path).read_text())
    assert reason["counts"] == expected.summary.as_dict()["counts"]


def test_parquet_is_cut_by_row_groups_and_gives_what_the_function_makes(
    cloud, outputs, file, taken, tmp_path
):
    path = tmp_path / "groups.parquet"
    cells = united(open_table(file, tmp_path, ReadOptions()).blocks()).cells
    pq.write_table(cells, path, row_group_size=10_000, use_dictionary=False, compression="none")
    assert path.stat().st_size > 2 * 2**20  # three parts
    contract = ContractStore(cloud.client("s3"), outputs["ArtifactsBucketName"]).load()
    expected = clean_file(open_table(path, tmp_path, ReadOptions()), contract, tmp_path)

    cloud.client("s3").upload_file(str(path), outputs["DataBucketName"], "incoming/groups.parquet")
    item = entry(cloud, outputs, "incoming/groups.parquet")

    paths = [place["S"] for place in item["curated_paths"]]
    assert len(paths) >= 3
    good = [pq.read_table(fetched(cloud, uri, tmp_path)) for uri in paths]
    assert pa.concat_tables(good).to_pydict() == pq.read_table(expected.good).to_pydict()
    prefix = f"s3://{outputs['DataBucketName']}/quarantine/groups.parquet/{item['version_id']}"
    refused = pd.read_csv(fetched(cloud, f"{prefix}/rejected.csv", tmp_path), dtype=str)
    pd.testing.assert_frame_equal(by_number(refused), by_number(pd.read_csv(expected.rejected, dtype=str)))


def test_spark_makes_the_snapshot_that_the_function_makes(cloud, outputs, taken, tmp_path):
    s3, artifacts = cloud.client("s3"), outputs["ArtifactsBucketName"]
    # A small file, which the function takes, replaces some of the rows.
    newer = "id,text,temp,cnt\n" + "".join(f"{number},new,0.5,1\n" for number in range(0, 3000, 3))
    s3.put_object(Bucket=outputs["DataBucketName"], Key="incoming/newer.csv", Body=newer.encode())
    small = entry(cloud, outputs, "incoming/newer.csv")
    items = [
        {**item, "curated_paths": [place["S"] for place in item["curated_paths"]]} for item in (taken, small)
    ]
    contract = ContractStore(s3, artifacts).load()
    pipeline = pipeline_of_the_test()
    # The model in service was made from the large file; the small one has no id that was not in it.
    earlier = Earlier(frozenset({taken["sk"]}), rule_identity(rule_of(pipeline), contract_kinds(contract)))
    order = SnapshotOrder(
        tuple(items), contract, rule_of(pipeline), window=window_of(pipeline), earlier=earlier
    )
    folder = SnapshotFolder(s3, artifacts, "snapshots/orders/run-1/")
    folder.write_order(order)

    run = run_job(cloud, "SnapshotData", {"--folder": folder.uri})

    assert run["JobRunState"] == "SUCCEEDED", run
    tables = [read_curated(s3, uri).table for uri in order.curated]
    expected = deal(tables, pipeline, contract, earlier, order.had)
    outcome = folder.outcome()
    assert (outcome.content_hash, outcome.replaced) == (expected.content_hash, expected.replaced)
    assert expected.replaced > 800
    for part, rows in expected.parts.items():
        uris = [
            f"s3://{artifacts}/snapshots/{outcome.content_hash[:16]}/{part}/{file['name']}"
            for file in outcome.parts[part]["files"]
        ]
        found = pa.concat_tables([pq.read_table(fetched(cloud, uri, tmp_path)) for uri in uris])
        assert found.equals(rows.replace_schema_metadata(None)), part
    assert outcome.window == expected.window.as_dict()
    uris = [f"{folder.uri}{RECENCY}/{file['name']}" for file in outcome.parts["test"]["files"]]
    marks = pa.concat_tables([pq.read_table(fetched(cloud, uri, tmp_path)) for uri in uris])
    assert marks[RECENCY].to_pylist() == expected.marks.tolist()


def pipeline_of_the_test():
    return Pipeline.model_validate(PIPELINE)


def run_job(cloud, stem, arguments):
    """Run the job of this construct, and return the run when it has ended."""
    glue = cloud.client("glue")
    [name] = [job["Name"] for job in glue.get_jobs()["Jobs"] if stem in job["Name"]]
    identity = glue.start_job_run(JobName=name, Arguments=arguments)["JobRunId"]
    return eventually(
        lambda: glue.get_job_run(JobName=name, RunId=identity)["JobRun"],
        lambda run: run["JobRunState"] not in ("STARTING", "RUNNING"),
        within_s=120,
    )


def test_nothing_of_the_work_is_left(cloud, outputs, taken):
    bucket = outputs["DataBucketName"]

    eventually(lambda: cloud.client("s3").list_objects_v2(Bucket=bucket, Prefix="work/")["KeyCount"] == 0)


def fetched(cloud, uri, folder):
    bucket, _, key = uri.removeprefix("s3://").partition("/")
    path = folder / key.replace("/", "-")
    cloud.client("s3").download_file(bucket, key, str(path))
    return path
