"""InvokeEndpoint: what goes in, what comes out, what is refused, measured and captured."""

import base64
import json
import time
from collections import Counter
from concurrent.futures import ThreadPoolExecutor

import pytest
from botocore.exceptions import ClientError

from tests.e2e.cloud import ACCOUNT, REGION, eventually, new_name
from tests.e2e.local_cloud.sagemaker.conftest import ended

MB = 2**20
SIZE = {"InstanceType": "ml.m5.large", "InitialInstanceCount": 1}


@pytest.fixture(scope="module")
def runtime(client):
    return client("sagemaker-runtime")


@pytest.fixture(scope="module")
def endpoint(serve):
    """An endpoint that all tests share which do not count its calls."""
    return serve(new_name("endpoint"))["EndpointName"]


@pytest.fixture(scope="module")
def serverless(serve):
    configuration = {"MemorySizeInMB": 1024, "MaxConcurrency": 1}
    return serve(new_name("serverless"), serverless=configuration)["EndpointName"]


@pytest.fixture(scope="module")
def two_variants(serve, host, sagemaker):
    """An endpoint of two models: ``a`` gets three of four requests."""
    name = new_name("variants")
    for text in ("a", "b"):
        host(f"{name}-{text}", text=text)
    variants = [
        {"VariantName": text, "ModelName": f"{name}-{text}", "InitialVariantWeight": weight, **SIZE}
        for text, weight in (("a", 3), ("b", 1))
    ]
    sagemaker.create_endpoint_config(EndpointConfigName=name, ProductionVariants=variants)
    sagemaker.create_endpoint(EndpointName=name, EndpointConfigName=name)
    ended(lambda: sagemaker.describe_endpoint(EndpointName=name), "EndpointStatus")
    yield name
    sagemaker.delete_endpoint(EndpointName=name)


# --- requests and answers


def test_the_answer_is_the_containers(runtime, endpoint):
    answer = runtime.invoke_endpoint(EndpointName=endpoint, Body=b"x", Accept="text/csv")

    assert answer["Body"].read() == b"hello:x"
    assert answer["ContentType"] == "text/csv"
    assert answer["InvokedProductionVariant"] == "main"


def test_bytes_pass_unchanged(invoke, endpoint):
    body = bytes(range(256))

    assert invoke(endpoint, body) == b"hello:" + body


def test_the_container_sees_the_headers_of_the_request(runtime, endpoint):
    answer = runtime.invoke_endpoint(
        EndpointName=endpoint,
        Body=b"headers",
        ContentType="application/json",
        Accept="text/csv",
        CustomAttributes="a=1",
        InferenceId="id-1",
    )

    headers = json.loads(answer["Body"].read())
    assert headers["content-type"] == "application/json"
    assert headers["accept"] == "text/csv"
    assert headers["x-amzn-sagemaker-custom-attributes"] == "a=1"
    assert headers["x-amzn-sagemaker-inference-id"] == "id-1"
    assert "authorization" not in headers
    assert answer["CustomAttributes"] == "seen"


def test_an_unknown_endpoint_is_refused(runtime):
    with pytest.raises(ClientError, match=f"Endpoint none of account {ACCOUNT} not found") as refusal:
        runtime.invoke_endpoint(EndpointName="none", Body=b"x")

    assert refusal.value.response["Error"]["Code"] == "ValidationError"


@pytest.mark.parametrize(("status", "kind"), [(400, "client"), (422, "client"), (500, "server")])
def test_a_refusal_of_the_container_is_a_model_error(runtime, endpoint, status, kind):
    with pytest.raises(runtime.exceptions.ModelError) as error:
        runtime.invoke_endpoint(EndpointName=endpoint, Body=f"status {status}".encode())

    answer = error.value.response
    assert answer["ResponseMetadata"]["HTTPStatusCode"] == 424
    assert answer["OriginalStatusCode"] == status
    assert answer["OriginalMessage"] == "you asked for it"
    group = f"/aws/sagemaker/Endpoints/{endpoint}"
    assert answer["LogStreamArn"] == f"arn:aws:logs:{REGION}:{ACCOUNT}:log-group:{group}"
    assert answer["Error"]["Message"] == (
        f'Received {kind} error ({status}) from primary with message "you asked for it". See '
        f"https://{REGION}.console.aws.amazon.com/cloudwatch/home?region={REGION}#logEventViewer:group={group} "
        f"in account {ACCOUNT} for more information."
    )


def test_a_container_that_dies_is_replaced(serve, invoke, runtime, name):
    serve(name)
    with pytest.raises(runtime.exceptions.ModelError):
        runtime.invoke_endpoint(EndpointName=name, Body=b"die")

    def answer():
        try:
            return invoke(name, b"x")
        except runtime.exceptions.ModelError as error:
            return str(error)

    eventually(answer, lambda found: found == b"hello:x")


def test_a_caller_needs_permission(cloud, endpoint):
    arn = f"arn:aws:sagemaker:{REGION}:{ACCOUNT}:endpoint/{endpoint}"
    allowed = cloud.as_role({"Action": "sagemaker:InvokeEndpoint", "Resource": arn})("sagemaker-runtime")
    stranger = cloud.as_role({"Action": "sagemaker:InvokeEndpoint", "Resource": arn + "-2"})(
        "sagemaker-runtime"
    )

    assert allowed.invoke_endpoint(EndpointName=endpoint, Body=b"x")["Body"].read() == b"hello:x"
    with pytest.raises(ClientError, match="not authorized to perform: sagemaker:InvokeEndpoint"):
        stranger.invoke_endpoint(EndpointName=endpoint, Body=b"x")


# --- limits


def test_six_megabytes_pass(invoke, endpoint):
    assert len(invoke(endpoint, b"x" * (6 * MB))) == 6 * MB + len("hello:")


def test_more_than_six_megabytes_are_refused(runtime, endpoint):
    with pytest.raises(ClientError, match="HTTP content length exceeded") as refusal:
        runtime.invoke_endpoint(EndpointName=endpoint, Body=b"x" * (6 * MB + 1))

    assert refusal.value.response["ResponseMetadata"]["HTTPStatusCode"] == 413


def test_a_serverless_endpoint_takes_four_megabytes(runtime, serverless, invoke):
    assert len(invoke(serverless, b"x" * (4 * MB))) == 4 * MB + len("hello:")
    with pytest.raises(ClientError, match="has oversize body") as refusal:
        runtime.invoke_endpoint(EndpointName=serverless, Body=b"x" * (4 * MB + 1))

    assert refusal.value.response["Error"]["Code"] == "ValidationError"


def test_a_serverless_endpoint_throttles_beyond_its_concurrency(runtime, serverless, invoke):
    with ThreadPoolExecutor() as pool:
        first = pool.submit(invoke, serverless, b"sleep 1")
        time.sleep(0.4)
        with pytest.raises(ClientError) as refusal:
            runtime.invoke_endpoint(EndpointName=serverless, Body=b"x")

    assert refusal.value.response["Error"]["Code"] == "ThrottlingException"
    assert first.result() == b"slept"


# --- variants


def test_traffic_is_shared_by_weight(runtime, two_variants):
    answers = [runtime.invoke_endpoint(EndpointName=two_variants, Body=b"x") for _ in range(80)]

    counted = Counter(answer["InvokedProductionVariant"] for answer in answers)
    assert 40 < counted["a"] < 75  # 60 expected; out of this range less than once in 100,000 runs
    assert counted["a"] + counted["b"] == 80


def test_a_variant_can_be_named(runtime, two_variants):
    answer = runtime.invoke_endpoint(EndpointName=two_variants, TargetVariant="b", Body=b"x")

    assert answer["Body"].read() == b"b:x"
    assert answer["InvokedProductionVariant"] == "b"


def test_an_unknown_variant_is_refused(runtime, two_variants):
    with pytest.raises(ClientError) as refusal:
        runtime.invoke_endpoint(EndpointName=two_variants, TargetVariant="c", Body=b"x")

    assert refusal.value.response["Error"]["Code"] == "ValidationError"


def test_new_weights_count_at_once(sagemaker, runtime, two_variants):
    weights = [{"VariantName": "a", "DesiredWeight": 0}, {"VariantName": "b", "DesiredWeight": 1}]
    sagemaker.update_endpoint_weights_and_capacities(
        EndpointName=two_variants, DesiredWeightsAndCapacities=weights
    )
    ended(lambda: sagemaker.describe_endpoint(EndpointName=two_variants), "EndpointStatus")

    answers = {
        runtime.invoke_endpoint(EndpointName=two_variants, Body=b"x")["Body"].read() for _ in range(10)
    }
    assert answers == {b"b:x"}


# --- shadows


def test_a_shadow_answers_nobody_and_is_captured_under_its_name(
    sagemaker, host, invoke, client, bucket, name
):
    shadow = {"VariantName": "shadow", "ModelName": host(f"{name}-b", text="b"), **SIZE}
    sagemaker.create_endpoint_config(
        EndpointConfigName=name,
        ProductionVariants=[{"VariantName": "main", "ModelName": host(f"{name}-a", text="a"), **SIZE}],
        ShadowProductionVariants=[shadow],
        DataCaptureConfig={
            "EnableCapture": True,
            "InitialSamplingPercentage": 100,
            "DestinationS3Uri": f"s3://{bucket}/shadows",
            "CaptureOptions": [{"CaptureMode": "Output"}],
        },
    )
    sagemaker.create_endpoint(EndpointName=name, EndpointConfigName=name)
    ended(lambda: sagemaker.describe_endpoint(EndpointName=name), "EndpointStatus")

    assert [invoke(name, body) for body in (b"1", b"2")] == [b"a:1", b"a:2"]

    def captured():
        s3, prefix = client("s3"), f"shadows/{name}/shadow/"
        found = s3.list_objects_v2(Bucket=bucket, Prefix=prefix).get("Contents", [])
        bodies = [s3.get_object(Bucket=bucket, Key=item["Key"])["Body"].read() for item in found]
        return [json.loads(line)["captureData"] for body in bodies for line in body.splitlines()]

    answers = eventually(captured, lambda found: len(found) == 2)
    assert {base64.b64decode(data["endpointOutput"]["data"]) for data in answers} == {b"b:1", b"b:2"}
    sagemaker.delete_endpoint(EndpointName=name)


# --- metrics


def test_calls_are_measured_per_variant(serve, invoke, runtime, client, name):
    serve(name)
    invoke(name, b"sleep 0.2")
    for status in (400, 500):
        with pytest.raises(runtime.exceptions.ModelError):
            runtime.invoke_endpoint(EndpointName=name, Body=f"status {status}".encode())

    def measured(metric, statistic):
        points = client("cloudwatch").get_metric_statistics(
            Namespace="AWS/SageMaker",
            MetricName=metric,
            Dimensions=[{"Name": "EndpointName", "Value": name}, {"Name": "VariantName", "Value": "main"}],
            StartTime=time.time() - 3600,
            EndTime=time.time() + 3600,
            Period=7200,
            Statistics=[statistic],
        )["Datapoints"]
        return max((point[statistic] for point in points), default=0)

    eventually(lambda: measured("Invocations", "Sum"), lambda count: count == 3)
    assert measured("Invocation4XXErrors", "Sum") == 1
    assert measured("Invocation5XXErrors", "Sum") == 1
    assert 200_000 < measured("ModelLatency", "Maximum") < 2_000_000  # microseconds


# --- capture


@pytest.fixture(scope="module")
def captured(serve, invoke, client, bucket):
    """Return the key and the record of each captured request of an endpoint."""
    name = new_name("captured")
    serve(
        name,
        capture={
            "EnableCapture": True,
            "InitialSamplingPercentage": 100,
            "DestinationS3Uri": f"s3://{bucket}/capture",
            "CaptureOptions": [{"CaptureMode": "Input"}, {"CaptureMode": "Output"}],
            "CaptureContentTypeHeader": {
                "CsvContentTypes": ["text/csv"],
                "JsonContentTypes": ["application/json"],
            },
        },
    )
    invoke(
        name, b"1,2", ContentType="text/csv", Accept="text/csv", InferenceId="id-1", CustomAttributes="a=1"
    )
    invoke(name, b'{"a": 1}', ContentType="application/json", Accept="application/json")
    invoke(name, b"\x00\xff", ContentType="application/octet-stream", Accept="application/octet-stream")

    def records():
        found = client("s3").list_objects_v2(Bucket=bucket, Prefix=f"capture/{name}/").get("Contents", [])
        return [
            (item["Key"].removeprefix("capture/"), json.loads(line))
            for item in found
            for line in client("s3").get_object(Bucket=bucket, Key=item["Key"])["Body"].read().splitlines()
        ]

    return name, eventually(records, lambda found: len(found) == 3)


def test_requests_are_captured_as_json_lines_by_the_hour(captured):
    name, records = captured

    key, _ = records[0]
    endpoint, variant, *hour, file = key.split("/")
    assert (endpoint, variant) == (name, "main")
    assert abs(time.mktime(time.strptime("/".join(hour), "%Y/%m/%d/%H")) - time.time() - time.timezone) < 7200
    assert file.endswith(".jsonl")


def test_a_record_has_the_layout_of_sagemaker(captured):
    _, records = captured

    record = records[0][1]
    assert set(record) == {"captureData", "eventMetadata", "eventVersion"}
    assert record["captureData"]["endpointInput"] == {
        "observedContentType": "text/csv",
        "mode": "INPUT",
        "data": "1,2",
        "encoding": "CSV",
    }
    assert record["captureData"]["endpointOutput"] == {
        "observedContentType": "text/csv",
        "mode": "OUTPUT",
        "data": "hello:1,2",
        "encoding": "CSV",
    }
    metadata = record["eventMetadata"]
    assert metadata["inferenceId"] == "id-1"
    assert metadata["customAttributes"] == ["a=1"]
    assert time.strptime(metadata["inferenceTime"], "%Y-%m-%dT%H:%M:%SZ")
    assert metadata["eventId"]
    assert record["eventVersion"] == "0"


def test_a_record_encodes_what_it_captures(captured):
    _, records = captured

    inputs = [record["captureData"]["endpointInput"] for _, record in records]
    assert [found["encoding"] for found in inputs] == ["CSV", "JSON", "BASE64"]
    assert inputs[1]["data"] == '{"a": 1}'
    assert base64.b64decode(inputs[2]["data"]) == b"\x00\xff"


def test_nothing_is_captured_of_a_refused_request(captured, runtime, client, bucket):
    name, records = captured
    with pytest.raises(runtime.exceptions.ModelError):
        runtime.invoke_endpoint(EndpointName=name, Body=b"status 400")
    time.sleep(1.5)

    found = client("s3").list_objects_v2(Bucket=bucket, Prefix=f"capture/{name}/")["Contents"]
    assert len(found) == len({key for key, _ in records})


def test_the_endpoint_says_that_it_captures(captured, sagemaker, bucket):
    name, _ = captured

    assert sagemaker.describe_endpoint(EndpointName=name)["DataCaptureConfig"] == {
        "EnableCapture": True,
        "CaptureStatus": "Started",
        "CurrentSamplingPercentage": 100,
        "DestinationS3Uri": f"s3://{bucket}/capture",
        "KmsKeyId": "",
    }


def test_a_serverless_endpoint_cannot_capture(host, name):
    capture = {
        "EnableCapture": True,
        "InitialSamplingPercentage": 100,
        "DestinationS3Uri": "s3://b/c",
        "CaptureOptions": [{"CaptureMode": "Input"}],
    }
    with pytest.raises(ClientError, match="DataCaptureConfig is not supported"):
        host(name, serverless={"MemorySizeInMB": 1024, "MaxConcurrency": 1}, capture=capture)
