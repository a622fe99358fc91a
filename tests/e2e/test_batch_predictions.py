"""Files through the deployed stacks of a pipeline without an endpoint: an approved model is tried by a transform job and
published, and a file is answered by it."""

import csv
import io
import json
import re
import tarfile

import pytest

from headrace.ml.rows import read_columns
from sagemaker_jobs.model_files import load_model
from tests.e2e.cloud import eventually
from tests.e2e.deployment import deployed
from tests.e2e.signed import sign
from tests.integration.sagemaker_jobs.opt_ml import SCHEMA, OptMl, rows

PIPELINE = {
    "name": "journeys",
    "problem": "regression",
    "target": "rides",
    "id": "ride_id",
    "endpoint": {"kind": "batch", "batch": {"columns": ["ride_id", "season"]}},
}
STACKS = ("data", "training", "serving", "batch")


@pytest.fixture(scope="module")
def outputs(cloud, tmp_path_factory):
    """The outputs of the stacks that a model and files need; monitoring is left out."""
    return deployed(cloud, tmp_path_factory.mktemp("app"), PIPELINE, *STACKS)


@pytest.fixture(scope="module")
def trained(tmp_path_factory):
    job = OptMl(tmp_path_factory.mktemp("model"), estimator="linear")
    assert job.train(rows(300), rows(100, 1)) == 0
    return job


@pytest.fixture(scope="module")
def model(cloud, outputs, trained):
    """The model in service: registered and approved by hand, deployed by the pipeline's own state machine."""
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w:gz") as tar:
        tar.add(trained.model, ".")
    bucket, key = outputs["ArtifactsBucketName"], "training/journeys-1/output/model.tar.gz"
    cloud.client("s3").put_object(Bucket=bucket, Key=key, Body=buffer.getvalue())
    training = cloud.client("stepfunctions").describe_state_machine(
        stateMachineArn=outputs["TrainStateMachineArn"]
    )["definition"]
    container = {
        "Image": re.search(r'"TrainingImage": ?"([^"]+)"', training)[1],
        "ModelDataUrl": f"s3://{bucket}/{key}",
    }
    sign(cloud, outputs, PIPELINE["name"], container["ModelDataUrl"], 1)
    formats = {"SupportedContentTypes": ["text/csv"], "SupportedResponseMIMETypes": ["text/csv"]}
    cloud.client("sagemaker").create_model_package(
        ModelPackageGroupName=outputs["ModelPackageGroupName"],
        InferenceSpecification={"Containers": [container], **formats},
        ModelApprovalStatus="Approved",
    )
    champion = {"pk": {"S": "champion"}, "sk": {"S": "current"}}
    ledger = {"TableName": outputs["LedgerTableName"], "Key": champion}
    found = eventually(lambda: cloud.client("dynamodb").get_item(**ledger).get("Item"), within_s=60)
    return found["name"]["S"]


@pytest.fixture
def drop(cloud, outputs):
    """Drop a file, and return what lies in its folder when it has been answered."""
    s3, bucket = cloud.client("s3"), outputs["DataBucketName"]

    def names(folder):
        found = s3.list_objects_v2(Bucket=bucket, Prefix=folder).get("Contents", [])
        return {item["Key"].removeprefix(folder): item["Key"] for item in found}

    def drop(name, body):
        s3.put_object(Bucket=bucket, Key=f"batch/{name}", Body=body)
        folder = f"predictions/{name}/"
        found = eventually(lambda: names(folder), lambda found: "summary.json" in found, within_s=60)
        return {
            name: s3.get_object(Bucket=bucket, Key=key)["Body"].read().decode() for name, key in found.items()
        }

    return drop


def expected(model, lines):
    cells = {column.name: [line[column.name] for line in lines] for column in SCHEMA}
    return model.predict(read_columns(cells, SCHEMA)).tolist()


def test_a_file_is_answered_by_an_approved_model_without_an_endpoint(cloud, outputs, trained, model, drop):
    frame = rows(500, 2)[["temp", "season", "holiday", "at"]]
    frame = frame.assign(ride_id=[f"ride-{number}" for number in range(len(frame))])
    body = frame.to_csv(index=False) + "warm,spring,False,2011-01-01,ride-warm\n"

    found = drop("2024/may & june.csv", body.encode())

    asked = list(csv.DictReader(io.StringIO(body)))[:-1]
    answered = list(csv.DictReader(io.StringIO(found["predictions.csv"])))
    assert [(row["ride_id"], row["season"]) for row in answered] == [
        (row["ride_id"], row["season"]) for row in asked
    ]
    assert [float(row["prediction"]) for row in answered] == pytest.approx(
        expected(load_model(trained.model), asked), abs=1e-6
    )
    assert [row["ride_id"] for row in csv.DictReader(io.StringIO(found["rejected.csv"]))] == ["ride-warm"]
    assert json.loads(found["summary.json"])["model_version"] == "v1"

    jobs = cloud.client("sagemaker").list_transform_jobs(NameContains="headrace-journeys")
    assert [job["TransformJobStatus"] for job in jobs["TransformJobSummaries"]] == ["Completed"] * 2
    described = cloud.client("sagemaker").describe_transform_job(
        TransformJobName=jobs["TransformJobSummaries"][0]["TransformJobName"]
    )
    assert described["ModelName"] == model
    captured = cloud.client("s3").list_objects_v2(
        Bucket=outputs["ArtifactsBucketName"], Prefix="capture/headrace-journeys/v1/"
    )
    assert captured["KeyCount"] > 0
