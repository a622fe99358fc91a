"""InvokeEndpointAsync with everything real: SigV4 and IAM, S3 on both sides, a topic, and a queue that hears it."""

import json

import pytest
from botocore.exceptions import ClientError

from tests.e2e.cloud import ACCOUNT, REGION, eventually, new_name
from tests.e2e.local_cloud.sagemaker.conftest import TOY_IMAGE, ended


@pytest.fixture
def topic(client):
    """A topic and what it has told so far."""
    name = new_name("answers")
    allowed = {"Principal": {"Service": "sns.amazonaws.com"}, "Action": "sqs:SendMessage", "Resource": "*"}
    policy = json.dumps({"Version": "2012-10-17", "Statement": [{"Effect": "Allow", **allowed}]})
    queue = client("sqs").create_queue(QueueName=name, Attributes={"Policy": policy})["QueueUrl"]
    topic = client("sns").create_topic(Name=name)["TopicArn"]
    client("sns").subscribe(
        TopicArn=topic,
        Protocol="sqs",
        Endpoint=f"arn:aws:sqs:{REGION}:{ACCOUNT}:{name}",
        Attributes={"RawMessageDelivery": "true"},
    )
    told = []

    def tell():
        for message in client("sqs").receive_message(QueueUrl=queue, WaitTimeSeconds=1).get("Messages", []):
            told.append(json.loads(message["Body"]))
        return told

    return topic, tell


@pytest.fixture
def endpoint(cloud, sagemaker, bucket, model_data, topic):
    """An endpoint whose role may do what the work takes, and nothing else."""
    role = cloud.role(
        {"Action": "s3:GetObject", "Resource": f"arn:aws:s3:::{bucket}/*"},
        {"Action": "s3:PutObject", "Resource": [f"arn:aws:s3:::{bucket}/{p}/*" for p in ("done", "failed")]},
        {"Action": "sns:Publish", "Resource": topic[0]},
        principal="sagemaker",
    )
    name = new_name("asynchronous")
    container = {"Image": TOY_IMAGE, "ModelDataUrl": model_data("hello")}
    sagemaker.create_model(ModelName=name, ExecutionRoleArn=role, PrimaryContainer=container)
    size = {"InstanceType": "ml.m5.large", "InitialInstanceCount": 1}
    output = {
        "S3OutputPath": f"s3://{bucket}/done",
        "S3FailurePath": f"s3://{bucket}/failed",
        "NotificationConfig": {"SuccessTopic": topic[0], "ErrorTopic": topic[0]},
    }
    sagemaker.create_endpoint_config(
        EndpointConfigName=name,
        ProductionVariants=[{"VariantName": "main", "ModelName": name, **size}],
        AsyncInferenceConfig={"OutputConfig": output},
    )
    sagemaker.create_endpoint(EndpointName=name, EndpointConfigName=name)
    ended(lambda: sagemaker.describe_endpoint(EndpointName=name), "EndpointStatus")
    yield name
    sagemaker.delete_endpoint(EndpointName=name)


def test_a_request_goes_from_s3_through_the_queue_to_s3_and_the_topic_is_told(
    cloud, client, endpoint, bucket, topic
):
    arn = f"arn:aws:sagemaker:{REGION}:{ACCOUNT}:endpoint/{endpoint}"
    caller = cloud.as_role({"Action": "sagemaker:InvokeEndpointAsync", "Resource": arn})("sagemaker-runtime")
    stranger = cloud.as_role({"Action": "sagemaker:InvokeEndpoint", "Resource": arn})("sagemaker-runtime")
    asked = {"EndpointName": endpoint, "ContentType": "text/csv", "InferenceId": "mine"}

    answer = caller.invoke_endpoint_async(InputLocation=f"s3://{bucket}/in/rows.csv", **asked)
    lost = caller.invoke_endpoint_async(InputLocation=f"s3://{bucket}/in/gone.csv", **asked)

    assert answer["ResponseMetadata"]["HTTPStatusCode"] == 202
    assert answer["InferenceId"] == "mine"
    told = eventually(topic[1], lambda told: len(told) == 2)
    assert {message["invocationStatus"] for message in told} == {"Completed", "Failed"}
    assert body_of(client, answer["OutputLocation"]) == b"hello:1,2\n"
    assert b"ClientError" in body_of(client, lost["FailureLocation"])
    with pytest.raises(ClientError, match="AccessDenied"):
        stranger.invoke_endpoint_async(InputLocation=f"s3://{bucket}/in/rows.csv", **asked)
    with pytest.raises(ClientError, match="can only receive asynchronous invocations"):
        stranger.invoke_endpoint(EndpointName=endpoint, Body=b"1")


def body_of(client, uri):
    bucket, _, key = uri.removeprefix("s3://").partition("/")
    return client("s3").get_object(Bucket=bucket, Key=key)["Body"].read()
