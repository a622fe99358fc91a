"""A file too large for the function goes through Spark, and comes out as the function would have made it."""

import json
import subprocess

import pandas as pd
import pyarrow.parquet as pq
import pytest

from headrace.ml.clean_file import clean_file
from headrace.ml.contract import Contract
from headrace.ml.files.options import ReadOptions
from headrace.ml.files.table_file import open_table
from local_cloud.glue.spark import installed
from tests.e2e.cloud import eventually, running
from tests.e2e.readme import REPO
from tests.unit.headrace.ml.hard_rows import hard_csv
from tests.unit.headrace.ml.split_reading import by_number

pytestmark = pytest.mark.skipif(not installed(), reason="Spark is not installed here: make spark")

PIPELINE = """
name: big
problem: regression
target: cnt
id: id
ingest:
  max_file_mb: 1
large_data:
  workers: 2
  max_gb: 1
"""


@pytest.fixture(scope="module")
def cloud(new_cloud):
    with running(new_cloud()) as cloud:
        yield cloud


@pytest.fixture(scope="module")
def outputs(cloud, tmp_path_factory):
    """Deploy the two stacks that a large file goes through, and return their outputs."""
    folder = tmp_path_factory.mktemp("deploy")
    (folder / "big.yaml").write_text(PIPELINE)
    cdk(cloud, "bootstrap", "aws://123456789012/us-east-1", "--app", "")
    arguments = ["-c", f"pipeline={folder / 'big.yaml'}", "--output", str(folder / "cdk.out")]
    cdk(cloud, "deploy", "big-large-data", *arguments, "--outputs-file", str(folder / "outputs.json"))
    written = json.loads((folder / "outputs.json").read_text())
    return written["big-data"] | written["big-large-data"]


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


def cdk(cloud, *arguments):
    done = subprocess.run(
        [str(REPO / ".venv/bin/cdk"), *arguments, "--require-approval", "never"][
            : None if "deploy" in arguments else -2
        ],
        cwd=REPO,
        env={
            "PATH": "/usr/local/bin:/usr/bin:/bin",
            "HOME": str(cloud.settings.state_dir),
            **cloud.environment(),
        },
        capture_output=True,
        text=True,
        timeout=300,
        check=False,
    )
    assert done.returncode == 0, done.stdout[-3000:] + done.stderr[-3000:]


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


def test_nothing_of_the_work_is_left(cloud, outputs, taken):
    left = cloud.client("s3").list_objects_v2(Bucket=outputs["DataBucketName"], Prefix="work/")

    assert left["KeyCount"] == 0


def fetched(cloud, uri, folder):
    bucket, _, key = uri.removeprefix("s3://").partition("/")
    path = folder / key.replace("/", "-")
    cloud.client("s3").download_file(bucket, key, str(path))
    return path
