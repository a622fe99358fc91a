"""Our own code in AWS's scikit-learn image: trained, evaluated and served as `image: managed` has it done."""

import json
import uuid

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from headrace.config.pipeline import Pipeline
from headrace.ml.contract import ColumnSchema
from infra.code_bundle import source_archive
from infra.managed_image import ManagedImage, image_uri
from tests.e2e.local_cloud.sagemaker.conftest import ended

IMAGE = image_uri("us-east-1")
ROWS = {"train": 300, "validation": 60, "test": 60}
CLUSTER = {"InstanceType": "ml.m5.large", "InstanceCount": 1, "VolumeSizeInGB": 1}


@pytest.fixture(scope="module")
def snapshot(client, bucket):
    """Where rows lie whose target is three times the temperature, and the hour; and the code that learns them."""
    s3, prefix = client("s3"), f"snapshot-{uuid.uuid4().hex[:8]}"
    chance = np.random.default_rng(7)
    for part, rows in ROWS.items():
        temp, hour = chance.uniform(0, 10, rows), chance.integers(0, 24, rows).astype(float)
        sink = pa.BufferOutputStream()
        pq.write_table(pa.table({"temp": temp, "hr": hour, "cnt": 3 * temp + hour}), sink)
        body = sink.getvalue().to_pybytes()
        s3.put_object(Bucket=bucket, Key=f"{prefix}/{part}/part-0.parquet", Body=body)
    pipeline = Pipeline(name="bike", problem="regression", target="cnt")
    spec = {
        "pipeline": pipeline.model_dump(mode="json"),
        "schema": [ColumnSchema(name, "number").as_dict() for name in ("temp", "hr")],
    }
    s3.put_object(Bucket=bucket, Key=f"{prefix}/spec/spec.json", Body=json.dumps(spec))
    s3.put_object(Bucket=bucket, Key=f"{prefix}/code/code.gz", Body=source_archive().read_bytes())
    return f"s3://{bucket}/{prefix}"


@pytest.fixture(scope="module")
def trained(sagemaker, training_request, snapshot):
    name = f"managed-{uuid.uuid4().hex[:8]}"
    own = {"sagemaker_program": '"script.py"', "sagemaker_submit_directory": f'"{snapshot}/code/code.gz"'}
    request = training_request(name, max_iter=100, **own)
    request["AlgorithmSpecification"]["TrainingImage"] = IMAGE
    request["InputDataConfig"] = [
        {
            "ChannelName": channel,
            "DataSource": {"S3DataSource": {"S3DataType": "S3Prefix", "S3Uri": f"{snapshot}/{channel}/"}},
        }
        for channel in ("train", "validation", "spec")
    ]
    sagemaker.create_training_job(**request)
    return ended(lambda: sagemaker.describe_training_job(TrainingJobName=name), "TrainingJobStatus")


@pytest.fixture(scope="module")
def model_url(trained):
    return trained["ModelArtifacts"]["S3ModelArtifacts"]


def test_it_trains_and_its_metric_is_read_from_the_log(trained):
    assert trained["TrainingJobStatus"] == "Completed", trained.get("FailureReason")
    (metric,) = trained["FinalMetricDataList"]
    assert metric["MetricName"] == "validation:rmse"
    assert 0 < metric["Value"] < 2


def test_it_evaluates_on_rows_it_has_not_seen(sagemaker, client, role, bucket, snapshot, model_url, name):
    uris = {
        "challenger": model_url,
        **{part: f"{snapshot}/{part}/" for part in ("test", "spec")},
        "code": f"{snapshot}/code/code.gz",
    }
    inputs = [
        {
            "InputName": part,
            "S3Input": {
                "S3Uri": uri,
                "LocalPath": f"/opt/ml/processing/input/{part}",
                "S3DataType": "S3Prefix",
                "S3InputMode": "File",
            },
        }
        for part, uri in uris.items()
    ]
    output = {
        "S3Uri": f"s3://{bucket}/{name}",
        "LocalPath": "/opt/ml/processing/output",
        "S3UploadMode": "EndOfJob",
    }

    sagemaker.create_processing_job(
        ProcessingJobName=name,
        RoleArn=role,
        AppSpecification={"ImageUri": IMAGE, **ManagedImage.evaluation},
        ProcessingInputs=inputs,
        ProcessingOutputConfig={"Outputs": [{"OutputName": "evaluation", "S3Output": output}]},
        ProcessingResources={"ClusterConfig": CLUSTER},
    )
    job = ended(lambda: sagemaker.describe_processing_job(ProcessingJobName=name), "ProcessingJobStatus")

    assert job["ProcessingJobStatus"] == "Completed", job.get("ExitMessage")
    found = client("s3").get_object(Bucket=bucket, Key=f"{name}/evaluation.json")["Body"].read()
    assert json.loads(found)["rows"] == ROWS["test"]


@pytest.fixture(scope="module")
def endpoint(sagemaker, role, model_url):
    name = f"managed-{uuid.uuid4().hex[:8]}"
    environment = {**ManagedImage.environment, "HEADRACE_MODEL_VERSION": "v1", "HEADRACE_CAPTURE": "log"}
    container = {"Image": IMAGE, "ModelDataUrl": model_url, "Environment": environment}
    sagemaker.create_model(ModelName=name, ExecutionRoleArn=role, PrimaryContainer=container)
    serverless = {"MemorySizeInMB": 2048, "MaxConcurrency": 5}
    sagemaker.create_endpoint_config(
        EndpointConfigName=name,
        ProductionVariants=[{"VariantName": "v1", "ModelName": name, "ServerlessConfig": serverless}],
    )
    sagemaker.create_endpoint(EndpointName=name, EndpointConfigName=name)
    found = ended(lambda: sagemaker.describe_endpoint(EndpointName=name), "EndpointStatus")
    assert found["EndpointStatus"] == "InService", found
    yield name
    sagemaker.delete_endpoint(EndpointName=name)


def test_it_serves_with_the_code_that_lies_in_the_model(client, endpoint):
    answer = client("sagemaker-runtime").invoke_endpoint(
        EndpointName=endpoint, Body=b"temp,hr\n5,3\n", ContentType="text/csv"
    )

    assert float(answer["Body"].read()) == pytest.approx(18, abs=2)
    assert answer["CustomAttributes"] == "model_version=v1"


def test_json_is_answered_as_our_own_image_does(client, endpoint):
    body = json.dumps({"instances": [{"temp": 5, "hr": 3}, {"temp": None, "hr": 3}]})

    answer = client("sagemaker-runtime").invoke_endpoint(
        EndpointName=endpoint, Body=body, ContentType="application/json"
    )

    predictions = json.loads(answer["Body"].read())["predictions"]
    assert [set(prediction) for prediction in predictions] == [{"score"}, {"score"}]


def test_a_request_that_cannot_be_read_is_refused_with_the_reason(client, endpoint):
    runtime = client("sagemaker-runtime")

    with pytest.raises(runtime.exceptions.ModelError) as refused:
        runtime.invoke_endpoint(EndpointName=endpoint, Body=b"temp\n5\n", ContentType="text/csv")

    assert refused.value.response["OriginalStatusCode"] == 400
    assert "no column 'hr'" in refused.value.response["OriginalMessage"]


def test_requests_are_captured_from_the_log(client, endpoint):
    runtime = client("sagemaker-runtime")
    runtime.invoke_endpoint(
        EndpointName=endpoint, Body=b"temp,hr\n7,3\n", ContentType="text/csv", InferenceId="ride-7"
    )

    logs, group = client("logs"), f"/aws/sagemaker/Endpoints/{endpoint}"
    found = ended(lambda: {"state": _logged(logs, group, "ride-7")}, "state", among=("",))
    record = json.loads(found["state"])
    assert record["captureData"]["endpointInput"]["data"] == "temp,hr\n7,3\n"
    assert record["eventMetadata"]["inferenceId"] == "ride-7"


def _logged(logs, group, text):
    events = logs.filter_log_events(logGroupName=group)["events"]
    return next((event["message"] for event in events if text in event["message"]), "")
