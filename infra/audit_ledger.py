"""What appends to the audit ledger, and what keeps everybody else from doing so."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from aws_cdk import CustomResource, Duration
from aws_cdk import aws_events as events
from aws_cdk import aws_events_targets as targets
from aws_cdk import aws_iam as iam
from aws_cdk import aws_lambda as lambda_
from aws_cdk import aws_lambda_destinations as destinations
from aws_cdk import aws_lambda_event_sources as sources
from aws_cdk import aws_s3 as s3
from constructs import Construct

from headrace.config.pipeline import Pipeline
from infra.dead_letters import DeadLetterQueue
from infra.narrow_grants import acknowledge_wildcards, grant_data_keys, grant_items, grant_objects
from infra.pipeline_function import PipelineFunction
from infra.sagemaker_task import allow, sagemaker_arn

if TYPE_CHECKING:
    from infra.data_stack import DataStack

_ENTRIES = "ledger/*"
_LINES = (("release", "entry#"), ("training", "run#"), ("audit", "line#"))
"""Partitions and beginnings of sort keys of the lines that the ledger takes over."""

_READING = ("DescribeStream", "GetRecords", "GetShardIterator")


class LedgerWriter(Construct):
    """The function ``write_audit``: appends each line of the pipeline's own table, as DynamoDB's stream tells it.

    The line and what is told of it are one write, so nothing is lost between them: what cannot be appended for a day ends in
    `dead_letters`. What is done to model packages with AWS's own tools is in no line: EventBridge tells it.

    Attributes
    ----------
    function : PipelineFunction
        The only role that may put an entry, and that only where there is none.
    dead_letters : PipelineQueue
        Batches of lines, and events, that could not be written.
    """

    def __init__(self, scope: Construct, id: str, *, data: DataStack, bucket: s3.Bucket) -> None:
        super().__init__(scope, id)
        self.dead_letters = DeadLetterQueue(self, "DeadLetters", key=data.key)
        self.function = PipelineFunction(
            self,
            "WriteAudit",
            name="write_audit",
            pipeline=data.pipeline,
            key=data.key,
            environment={"AUDIT_BUCKET": bucket.bucket_name, "LEDGER_TABLE": data.ledger.table_name},
        )
        for action in ("s3:GetObject", "s3:PutObject"):
            grant_objects(self.function, bucket, action, [_ENTRIES])
        for action in ("dynamodb:GetItem", "dynamodb:PutItem"):
            grant_items(self.function, data.ledger, action, ["audit"])
        grant_data_keys(self.function, data.key)
        self._read_lines(data)
        self._read_packages(f"headrace-{data.pipeline.name}")
        acknowledge_wildcards(
            self.function.role,
            "ListStreams has no resources, and Lambda asks for it; model packages are versions of one group.",
        )
        self._tell_settings(data.pipeline)

    def _read_lines(self, data: DataStack) -> None:
        """Let Lambda read the table's stream in the function's name; the CDK's own event source would let it describe the key, too."""
        stream = data.ledger.table_stream_arn
        assert stream is not None
        allow(self.role, [f"dynamodb:{verb}" for verb in _READING], [stream])
        allow(self.role, ["dynamodb:ListStreams"], ["*"])
        self.function.add_event_source_mapping(
            "Lines",
            event_source_arn=stream,
            starting_position=lambda_.StartingPosition.TRIM_HORIZON,
            batch_size=100,
            filters=[_lines(*each) for each in _LINES],
            on_failure=sources.SqsDlq(self.dead_letters),
        )

    def _read_packages(self, group: str) -> None:
        """Let the registry's own word be an entry whenever a package of `group` changes, whatever tool has changed it."""
        rule = events.Rule(
            self,
            "OnPackageChange",
            description=f"Headrace {group}: what becomes of a model package is an entry of the audit ledger",
            event_pattern=events.EventPattern(
                source=["aws.sagemaker"],
                detail_type=["SageMaker Model Package State Change"],
                detail={"ModelPackageGroupName": [group]},
            ),
        )
        rule.add_target(
            targets.LambdaFunction(
                self.function,
                retry_attempts=8,
                max_event_age=Duration.hours(6),
                dead_letter_queue=self.dead_letters,
            )
        )
        self.function.configure_async_invoke(
            retry_attempts=2,
            max_event_age=Duration.hours(6),
            on_failure=destinations.SqsDestination(self.dead_letters),
        )
        packages = sagemaker_arn(self, "model-package", f"{group}/*")
        allow(self.function.role, ["sagemaker:DescribeModelPackage"], [packages])

    def _tell_settings(self, pipeline: Pipeline) -> None:
        """Let each deployment be an entry that changes the pipeline file: it says whether anything may be erased."""
        hold = pipeline.privacy.legal_hold if pipeline.privacy else None
        written = hashlib.sha256(pipeline.model_dump_json().encode()).hexdigest()
        self.settings = CustomResource(
            self,
            "Settings",
            resource_type="Custom::AuditedSettings",
            service_token=self.function.function_arn,
            properties={"PipelineSha256": written, "LegalHold": hold or ""},
        )
        # Without its permissions the function could not write the first entry.
        self.settings.node.add_dependency(self.role)

    @property
    def role(self) -> iam.IRole:
        """Who appends."""
        assert self.function.role is not None
        return self.function.role

    @property
    def writing(self) -> tuple[Construct, ...]:
        """What writes, without its role, of which the bucket's policy speaks."""
        return self.function, self.settings


def allow_appending_alone(
    bucket: s3.Bucket, writer: iam.IRole, *, emptied_by: Sequence[iam.IRole] = ()
) -> None:
    """Deny everybody to write over an entry, to delete one, and to append one but for `writer`.

    Parameters
    ----------
    bucket : Bucket
        Of the ledger.
    writer : IRole
        Appends.
    emptied_by : sequence of IRole
        Whoever empties the bucket when the pipeline is destroyed; nobody if its data is kept.
    """
    objects = bucket.arn_for_objects(_ENTRIES)
    _deny(bucket, "OneWriterAlone", ["s3:PutObject"], objects, _all_but([writer]))
    # An object is put only where there is none: a put without this header would write over one.
    _deny(bucket, "NeverWriteOver", ["s3:PutObject"], objects, {"Null": {"s3:if-none-match": "true"}})
    deleting = ["s3:DeleteObject", "s3:DeleteObjectVersion"]
    _deny(bucket, "NeverDelete", deleting, objects, _all_but(emptied_by))


def _deny(
    bucket: s3.Bucket, sid: str, actions: Sequence[str], objects: str, conditions: dict[str, Any] | None
) -> None:
    bucket.add_to_resource_policy(
        iam.PolicyStatement(
            sid=sid,
            effect=iam.Effect.DENY,
            principals=[iam.AnyPrincipal()],
            actions=list(actions),
            resources=[objects],
            conditions=conditions,
        )
    )


def _all_but(roles: Sequence[iam.IRole]) -> dict[str, Any] | None:
    return {"ArnNotEquals": {"aws:PrincipalArn": [role.role_arn for role in roles]}} if roles else None


def _lines(partition: str, begins: str) -> Any:
    keys = {
        "pk": {"S": lambda_.FilterRule.is_equal(partition)},
        "sk": {"S": lambda_.FilterRule.begins_with(begins)},
    }
    return lambda_.FilterCriteria.filter({"dynamodb": {"Keys": keys}})
