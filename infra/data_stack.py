"""Where a pipeline's data lives, and how it comes in."""

from __future__ import annotations

import json
from collections.abc import Iterable
from dataclasses import replace

from aws_cdk import CfnOutput, Duration
from aws_cdk import aws_dynamodb as dynamodb
from aws_cdk import aws_glue as glue
from aws_cdk import aws_iam as iam
from aws_cdk import aws_sns as sns
from aws_cdk import aws_sns_subscriptions as subscriptions
from constructs import Construct

from headrace.config.pipeline import Pipeline
from headrace.config.privacy import Privacy
from infra.alarm_topic import AlarmTopic
from infra.asynchronous import EVERYTHING
from infra.audit import Audit
from infra.checkpoints import forgotten_checkpoints
from infra.data_buckets import AccessLogs, DataBucket
from infra.data_keys import DataKey
from infra.empty_on_delete import EmptyOnDelete
from infra.hardening import Hardening
from infra.ingestion import Ingestion
from infra.large_files import SNAPSHOT_ORDERS, WORK
from infra.pipeline_stack import PipelineStack
from infra.placement import Placement
from infra.predictions_table import PREDICTIONS
from infra.privacy_key import PrivacyKeys
from infra.private_network import PrivateNetwork
from infra.projected_table import ProjectedTable
from infra.quarantine_table import QuarantineTable
from infra.table_backups import TableBackups
from infra.transform_call import WORK as TRANSFORM_WORK

_WORK_DAYS = Duration.days(7)
_RECORDED = "recorded/"  # which requests were recorded: nothing comes a second time after days


class DataStack(PipelineStack):
    """Key, buckets, tables, catalogue, alarm topic and ingestion of one pipeline.

    Attributes
    ----------
    key : kms.Key
        Encrypts everything of the pipeline.
    data_bucket, artifacts_bucket : s3.Bucket
        Files that come in and what is made of them; snapshots, models, evaluations, captured predictions, reports.
    ledger, idempotency : dynamodb.Table
        What happened; which files were taken already.
    glue_database_name, glue_table_name : str
        The curated data in the catalogue.
    privacy_keys : PrivacyKeys
        Of what stands for personal data, if the pipeline has any.
    audit : Audit
        Who did what, where the pipeline file asks for it.
    topic : AlarmTopic
        Where alarms go.
    dead_letters : sqs.Queue
        Events of files that could not be taken.
    ingest : PipelineFunction
        Takes the files.
    """

    def __init__(self, scope: Construct, id: str, *, pipeline: Pipeline) -> None:
        super().__init__(scope, id, pipeline=pipeline, description="data")
        policy = self.removal_policy
        self.key = DataKey(
            self,
            "Key",
            removal_policy=policy,
            budgets=pipeline.alarms.monthly_usd is not None,
            # SNS hands on what it could not deliver, where somebody is told by it.
            sns=self.strict and (pipeline.notify is not None or pipeline.alarms.chat is not None),
        )
        self._harden()
        access_logs = AccessLogs(self, "AccessLogs", removal_policy=policy, announce=self.strict)
        self.data_bucket = DataBucket(
            self,
            "Data",
            key=self.key,
            access_logs=access_logs,
            removal_policy=policy,
            announce=True,
            lockable=pipeline.retention.object_lock_days is not None,
            hold=_held(pipeline),
            forget={
                **_of_people(pipeline, ("quarantine/", "refusals/"), pipeline.quarantine.keep_days),
                **({WORK: _WORK_DAYS} if pipeline.large_data else {}),
                **_raw(pipeline),
            },
        )
        self.artifacts_bucket = DataBucket(
            self,
            "Artifacts",
            key=self.key,
            access_logs=access_logs,
            removal_policy=policy,
            announce=self.strict,
            lockable=pipeline.retention.object_lock_days is not None,
            hold=_held(pipeline),
            forget={
                _RECORDED: _WORK_DAYS,
                SNAPSHOT_ORDERS: _WORK_DAYS,
                **_asynchronous(pipeline),
                **_captured(pipeline),
                **forgotten_checkpoints(pipeline),
                **({TRANSFORM_WORK: _WORK_DAYS} if pipeline.endpoint.batches else {}),
            },
        )
        self.ledger = self._table(
            "Ledger", partition="pk", sort="sk", expires="expires_at", told=pipeline.audit.ledger
        )
        self.idempotency = self._table("Idempotency", partition="id", expires="expiration")
        if self.strict:
            TableBackups(self, "Backups", tables=[self.ledger, self.idempotency], key=self.key)
        self.glue_database_name = f"headrace_{pipeline.name.replace('-', '_')}"
        self.glue_table_name = "curated"
        database = glue.CfnDatabase(
            self,
            "Catalogue",
            catalog_id=self.account,
            database_input=glue.CfnDatabase.DatabaseInputProperty(
                name=self.glue_database_name, description=f"Headrace {pipeline.name}: curated data"
            ),
        )
        QuarantineTable(self, "Quarantine", bucket=self.data_bucket, database=database)
        ProjectedTable(
            self, "Predictions", table=PREDICTIONS, bucket=self.artifacts_bucket, database_name=database.ref
        )
        self.privacy_keys = PrivacyKeys.of(self, pipeline.privacy, key=self.key, removal_policy=policy)
        self.topic = self._topic(pipeline)
        ingestion = Ingestion(self, "Ingestion", pipeline=pipeline, data=self)
        ingestion.node.add_dependency(database)
        self.dead_letters, self.ingest = ingestion.dead_letters, ingestion.function
        self.audit = Audit(self, "Audit", data=self, access_logs=access_logs)
        emptying = self._empty_on_delete(access_logs)
        ingestion.node.add_dependency(emptying.resource)
        self.audit.protect(emptying)
        self._outputs()

    def _harden(self) -> None:
        """Make what the switches of the pipeline file ask for and all stacks share."""
        if self.strict:
            self.hardening = Hardening(key=self.key)
            feed = sns.Topic(self, "AlarmFeed", master_key=self.key, enforce_ssl=True)
            self._let_alarms_publish(feed)
            self.hardening = replace(self.hardening, alarm_feed=feed)
        asked = self.pipeline.network
        self._private: PrivateNetwork | None = None
        if asked.kind == "existing":
            network = Placement(asked.subnets, asked.security_groups)
            self.hardening = replace(self.hardening, network=network)
        if asked.kind == "private":
            self._private = PrivateNetwork(self, "Network", pipeline=self.pipeline, key=self.key)
            self.hardening = replace(self.hardening, network=self._private.placement)

    def _empty_on_delete(self, access_logs: AccessLogs) -> EmptyOnDelete:
        emptying = EmptyOnDelete(
            self,
            "EmptyOnDelete",
            pipeline=self.pipeline,
            key=self.key,
            buckets=[self.data_bucket, self.artifacts_bucket, *self.audit.buckets, access_logs],
            close=[*self.audit.delivered, access_logs],
        )
        if self._private:
            # It works while the stack is deleted, and needs the endpoints for that.
            emptying.resource.node.add_dependency(self._private)
        return emptying

    def _table(
        self,
        id: str,
        *,
        partition: str,
        sort: str | None = None,
        expires: str | None = None,
        told: bool = False,
    ) -> dynamodb.Table:
        text = dynamodb.AttributeType.STRING
        return dynamodb.Table(
            self,
            id,
            partition_key=dynamodb.Attribute(name=partition, type=text),
            sort_key=dynamodb.Attribute(name=sort, type=text) if sort else None,
            billing_mode=dynamodb.BillingMode.PAY_PER_REQUEST,
            encryption=dynamodb.TableEncryption.CUSTOMER_MANAGED,
            encryption_key=self.key,
            point_in_time_recovery_specification=dynamodb.PointInTimeRecoverySpecification(
                point_in_time_recovery_enabled=True
            ),
            time_to_live_attribute=expires,
            stream=dynamodb.StreamViewType.NEW_IMAGE if told else None,
            removal_policy=self.removal_policy,
            deletion_protection=self.pipeline.on_destroy == "retain",
        )

    def _topic(self, pipeline: Pipeline) -> AlarmTopic:
        topic = AlarmTopic(
            self,
            "Alarms",
            display_name=f"Headrace {pipeline.name}",
            key=self.key,
        )
        self._let_alarms_publish(topic, *(["budgets"] if pipeline.alarms.monthly_usd is not None else []))
        if pipeline.notify:
            topic.add_subscription(
                subscriptions.EmailSubscription(pipeline.notify, dead_letter_queue=self.undelivered)
            )
        return topic

    def _let_alarms_publish(self, topic: sns.Topic, *more: str) -> None:
        """Allow it in words: a topic with a policy of its own has lost SNS's default one, which lets alarms publish."""
        for service in ("cloudwatch", *more):
            topic.add_to_resource_policy(
                iam.PolicyStatement(
                    sid="AllowAlarms" if service == "cloudwatch" else f"Allow{service.capitalize()}",
                    principals=[iam.ServicePrincipal(f"{service}.amazonaws.com")],
                    actions=["sns:Publish"],
                    resources=[topic.topic_arn],
                    conditions={"StringEquals": {"aws:SourceAccount": self.account}},
                )
            )

    def _outputs(self) -> None:
        CfnOutput(self, "DataBucketName", value=self.data_bucket.bucket_name)
        CfnOutput(self, "ArtifactsBucketName", value=self.artifacts_bucket.bucket_name)
        CfnOutput(self, "LedgerTableName", value=self.ledger.table_name)
        if self.audit.ledger:
            CfnOutput(self, "AuditBucketName", value=self.audit.ledger.bucket_name)
        if self.privacy_keys.hashes:
            CfnOutput(self, "PrivacyKeyArn", value=self.privacy_keys.hashes.arn)
        if self.privacy_keys.cells and self.pipeline.privacy:
            CfnOutput(self, "EncryptionKeyArn", value=self.privacy_keys.cells.arn)
            CfnOutput(self, "EncryptedColumns", value=json.dumps(self.pipeline.privacy.encrypted))
        if self.pipeline.privacy and self.pipeline.privacy.subject:
            CfnOutput(self, "Privacy", value=_declared(self.pipeline, self.pipeline.privacy))
        CfnOutput(
            self,
            "DropFilesHere",
            value=f"aws s3 cp <file> s3://{self.data_bucket.bucket_name}/incoming/",
            description="Drop a CSV or Parquet file with labelled rows",
        )


def _declared(pipeline: Pipeline, privacy: Privacy) -> str:
    """Return what `headrace erase` and `headrace export` have to know of the pipeline file."""
    told = {"id": pipeline.id, **privacy.model_dump(include={"subject", "personal", "legal_hold"})}
    return json.dumps(told)


def _held(pipeline: Pipeline) -> bool:
    """Tell whether nothing of people may be deleted now, however old it is."""
    return pipeline.privacy is not None and pipeline.privacy.legal_hold is not None


def _of_people(pipeline: Pipeline, prefixes: Iterable[str], days: int | None) -> dict[str, Duration]:
    """Return after how long what lies below some prefixes is deleted, if ever."""
    if days is None or _held(pipeline):
        return {}
    return dict.fromkeys(prefixes, Duration.days(days))


def _raw(pipeline: Pipeline) -> dict[str, Duration]:
    """Return how long what people drop is kept, and what was answered of it."""
    privacy = pipeline.privacy
    if privacy is None:
        return {}
    return {
        **_of_people(pipeline, ("incoming/", "batch/", "feedback/"), privacy.raw_days),
        **_of_people(pipeline, ("predictions/",), privacy.captured_days),
    }


def _captured(pipeline: Pipeline) -> dict[str, Duration]:
    """Return how long requests, predictions and labels are kept."""
    days = pipeline.privacy.captured_days if pipeline.privacy else None
    return _of_people(pipeline, ("capture/", "predictions/", "labelled/", "feedback/"), days)


def _asynchronous(pipeline: Pipeline) -> dict[str, Duration]:
    """Return what an asynchronous endpoint leaves in the bucket, and for how long."""
    if pipeline.endpoint.kind != "asynchronous":
        return {}
    return _of_people(pipeline, (EVERYTHING,), pipeline.endpoint.asynchronous.keep_days)
