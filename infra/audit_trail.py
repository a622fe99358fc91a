"""CloudTrail's record of the calls on one pipeline.

References
----------
.. [1] AWS CloudTrail user guide, "Logging data events": the types of resources, ``AWS::SageMaker::Endpoint`` for
       InvokeEndpointWithResponseStream alone.
.. [2] AWS CloudTrail user guide, "Amazon S3 bucket policy for CloudTrail", "Configure AWS KMS key policies for CloudTrail": a
       bucket key takes ``kms:Decrypt``, too.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from aws_cdk import Duration, Stack
from aws_cdk import aws_cloudtrail as cloudtrail
from aws_cdk import aws_iam as iam
from aws_cdk import aws_s3 as s3
from constructs import Construct

from infra.narrow_grants import acknowledge_wildcards
from infra.pipeline_logs import PipelineLogs

if TYPE_CHECKING:
    from infra.data_stack import DataStack

_SERVICE = "cloudtrail.amazonaws.com"
_Field = cloudtrail.CfnTrail.AdvancedFieldSelectorProperty
_Selector = cloudtrail.CfnTrail.AdvancedEventSelectorProperty


class CallTrail(Construct):
    """A trail of every call on the pipeline's data, and of every change of the account's resources in its region.

    Parameters
    ----------
    bucket : Bucket
        For its files.
    watched : sequence of IBucket
        Whose objects' calls are written down; not `bucket`, or each file would be a call that makes a file.

    Attributes
    ----------
    trail : CfnTrail
        With files that are validated by digests, and encrypted with the pipeline's key.
    """

    def __init__(
        self, scope: Construct, id: str, *, data: DataStack, bucket: s3.Bucket, watched: Sequence[s3.IBucket]
    ) -> None:
        super().__init__(scope, id)
        stack, pipeline = Stack.of(self), data.pipeline
        # Its ARN stands in the policies of bucket and key, on which the trail depends: it has to be known before the trail is.
        name = f"headrace-{pipeline.name}"
        arn = f"arn:{stack.partition}:cloudtrail:{stack.region}:{stack.account}:trail/{name}"
        bucket.add_lifecycle_rule(id="ForgetCalls", expiration=Duration.days(pipeline.audit.keep_days))
        _allow_delivery(bucket, arn, stack.account)
        _allow_encryption(data, arn)
        logs = PipelineLogs(self, "Log", key=data.key)
        self.trail = cloudtrail.CfnTrail(
            self,
            "Resource",
            trail_name=name,
            is_logging=True,
            s3_bucket_name=bucket.bucket_name,
            kms_key_id=data.key.key_arn,
            enable_log_file_validation=True,
            include_global_service_events=False,
            is_multi_region_trail=False,
            advanced_event_selectors=_selectors(data, watched),
            cloud_watch_logs_log_group_arn=logs.log_group_arn,
            cloud_watch_logs_role_arn=self._log_role(logs).role_arn,
        )
        assert bucket.policy is not None
        self.trail.node.add_dependency(bucket.policy)

    def _log_role(self, logs: PipelineLogs) -> iam.Role:
        """Return the role by which CloudTrail writes calls to the log, in which they can be looked for within minutes."""
        stack = Stack.of(self)
        # AWS documents no condition under which CloudTrail takes on this role, as it does for bucket and key.
        role = iam.Role(self, "LogRole", assumed_by=iam.ServicePrincipal(_SERVICE))
        stream = f"log-stream:{stack.account}_CloudTrail_{stack.region}*"
        group = f"arn:{stack.partition}:logs:{stack.region}:{stack.account}:log-group:{logs.log_group_name}"
        role.add_to_policy(
            iam.PolicyStatement(
                actions=["logs:CreateLogStream", "logs:PutLogEvents"], resources=[f"{group}:{stream}"]
            )
        )
        acknowledge_wildcards(role, "CloudTrail numbers its streams behind a name that is known.")
        return role


def _selectors(
    data: DataStack, watched: Sequence[s3.IBucket]
) -> list[cloudtrail.CfnTrail.AdvancedEventSelectorProperty]:
    """Return which calls are written down; of S3, DynamoDB and Lambda all, of other services what changes something."""
    stack, name = Stack.of(data), data.pipeline.name
    buckets = [bucket.arn_for_objects("") for bucket in watched]
    functions = f"arn:{stack.partition}:lambda:{stack.region}:{stack.account}:function:{name}-"
    endpoint = f"arn:{stack.partition}:sagemaker:{stack.region}:{stack.account}:endpoint/headrace-{name}"
    return [
        _Selector(
            name="Changes of resources",
            field_selectors=[
                _Field(field="eventCategory", equal_to=["Management"]),
                _Field(field="readOnly", equal_to=["false"]),
                # Each encrypted object is a call to KMS, and tells nothing that the object's own call does not.
                _Field(field="eventSource", not_equals=["kms.amazonaws.com"]),
            ],
        ),
        _data("Objects", "AWS::S3::Object", starts_with=buckets),
        _data("Items of the ledger", "AWS::DynamoDB::Table", equal_to=[data.ledger.table_arn]),
        _data("Calls of functions", "AWS::Lambda::Function", starts_with=[functions]),
        _data("Streams of answers", "AWS::SageMaker::Endpoint", equal_to=[endpoint]),
    ]


def _data(
    name: str, kind: str, *, starts_with: Sequence[str] | None = None, equal_to: Sequence[str] | None = None
) -> cloudtrail.CfnTrail.AdvancedEventSelectorProperty:
    return _Selector(
        name=name,
        field_selectors=[
            _Field(field="eventCategory", equal_to=["Data"]),
            _Field(field="resources.type", equal_to=[kind]),
            _Field(
                field="resources.ARN",
                starts_with=None if starts_with is None else list(starts_with),
                equal_to=None if equal_to is None else list(equal_to),
            ),
        ],
    )


def _allow_delivery(bucket: s3.Bucket, trail_arn: str, account: str) -> None:
    from_trail = {"aws:SourceArn": trail_arn}
    for sid, action, resource, conditions in (
        ("TrailLooks", "s3:GetBucketAcl", bucket.bucket_arn, from_trail),
        (
            "TrailWrites",
            "s3:PutObject",
            bucket.arn_for_objects(f"AWSLogs/{account}/*"),
            {**from_trail, "s3:x-amz-acl": "bucket-owner-full-control"},
        ),
    ):
        bucket.add_to_resource_policy(
            iam.PolicyStatement(
                sid=sid,
                principals=[iam.ServicePrincipal(_SERVICE)],
                actions=[action],
                resources=[resource],
                conditions={"StringEquals": conditions},
            )
        )


def _allow_encryption(data: DataStack, trail_arn: str) -> None:
    stack = Stack.of(data)
    context = f"arn:{stack.partition}:cloudtrail:*:{stack.account}:trail/*"
    for sid, actions, more in (
        (
            "TrailEncrypts",
            ["kms:GenerateDataKey*", "kms:Decrypt"],
            {"StringLike": {"kms:EncryptionContext:aws:cloudtrail:arn": context}},
        ),
        ("TrailLooks", ["kms:DescribeKey"], {}),
    ):
        data.key.add_to_resource_policy(
            iam.PolicyStatement(
                sid=sid,
                principals=[iam.ServicePrincipal(_SERVICE)],
                actions=actions,
                resources=["*"],  # in a key policy, "*" is the key itself
                conditions={"StringEquals": {"aws:SourceArn": trail_arn}, **more},
            )
        )
