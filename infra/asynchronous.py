"""What an asynchronous endpoint has beside its instances: places in the bucket, and topics that tell of answers."""

from __future__ import annotations

from typing import Any

from aws_cdk import CfnOutput
from aws_cdk import aws_iam as iam
from aws_cdk import aws_kms as kms
from aws_cdk import aws_s3 as s3
from aws_cdk import aws_sns as sns
from constructs import Construct

from headrace.config.endpoint import Endpoint
from headrace.config.pipeline import Pipeline
from infra.narrow_grants import grant_data_keys, grant_list, grant_objects
from infra.pipeline_function import PipelineFunction
from infra.sagemaker_task import allow

EVERYTHING = "async/"
INPUT, OUTPUT, FAILURES = f"{EVERYTHING}input/", f"{EVERYTHING}output/", f"{EVERYTHING}failures/"


class AsyncTopics(Construct):
    """One topic for answers and one for failures: who waits for either subscribes to it.

    Attributes
    ----------
    success, error : Topic
        SageMaker publishes where an answer lies, or why there is none; never the answer itself.
    """

    def __init__(self, scope: Construct, id: str, *, pipeline_name: str, key: kms.IKey) -> None:
        super().__init__(scope, id)
        self.success, self.error = (
            sns.Topic(
                self,
                name,
                display_name=f"Headrace {pipeline_name}: {text}",
                master_key=key,
                enforce_ssl=True,
            )
            for name, text in (("Success", "answers"), ("Error", "failures"))
        )
        CfnOutput(scope, "AsyncSuccessTopicArn", value=self.success.topic_arn)
        CfnOutput(scope, "AsyncErrorTopicArn", value=self.error.topic_arn)

    def grant_publish(self, role: iam.IRole) -> None:
        """Allow the role under which SageMaker answers to tell of it."""
        allow(role, ["sns:Publish"], [self.success.topic_arn, self.error.topic_arn])


def async_topics(scope: Construct, pipeline: Pipeline, key: kms.IKey, role: iam.IRole) -> AsyncTopics | None:
    """Make the topics, if the pipeline file asks for them, and let `role` publish to them."""
    endpoint = pipeline.endpoint
    if endpoint.kind != "asynchronous" or not endpoint.asynchronous.notify:
        return None
    topics = AsyncTopics(scope, "AsyncTopics", pipeline_name=pipeline.name, key=key)
    topics.grant_publish(role)
    return topics


def grant_asking(function: PipelineFunction, bucket: s3.IBucket, key: kms.IKey, *, endpoint: str) -> None:
    """Allow `function` to ask the endpoint of this ARN, and to read what it answers."""
    allow(function.role, ["sagemaker:InvokeEndpointAsync"], [endpoint])
    grant_objects(function, bucket, "s3:PutObject", [f"{INPUT}*"])
    grant_objects(function, bucket, "s3:GetObject", [f"{OUTPUT}*", f"{FAILURES}*"])
    for prefix in (OUTPUT, FAILURES):
        grant_list(function, bucket, prefix)
    grant_data_keys(function, key)


def how_to_ask(endpoint: str, bucket: str) -> str:
    """Return the commands that send ``rows.csv`` to the endpoint of this name."""
    place = f"s3://{bucket}/{INPUT}rows.csv"
    return (
        f"aws s3 cp rows.csv {place} && aws sagemaker-runtime invoke-endpoint-async "
        f"--endpoint-name {endpoint} --content-type text/csv --input-location {place}"
    )


def async_inference(
    endpoint: Endpoint, bucket: str, key_arn: str, topics: AsyncTopics | None
) -> dict[str, Any]:
    """Return ``AsyncInferenceConfig`` of an endpoint configuration.

    Parameters
    ----------
    bucket : str
        Name of the bucket where answers and failures go.
    key_arn : str
        Encrypts them.
    topics : AsyncTopics or None
        Who is told; None means nobody.
    """
    told = (
        {"SuccessTopic": topics.success.topic_arn, "ErrorTopic": topics.error.topic_arn} if topics else None
    )
    return {
        "ClientConfig": {"MaxConcurrentInvocationsPerInstance": endpoint.asynchronous.concurrent_requests},
        "OutputConfig": {
            "S3OutputPath": f"s3://{bucket}/{OUTPUT}",
            "S3FailurePath": f"s3://{bucket}/{FAILURES}",
            "KmsKeyId": key_arn,
            **({"NotificationConfig": told} if told else {}),
        },
    }
