"""What AWS's services ask for in the name of roles, or as themselves, which no call of a client shows.

Each follows from a resource of the templates, or from a recorded call, as AWS documents it.

References
----------
.. [1] Lambda developer guide, "Defining Lambda function permissions with an execution role"; "Using Lambda with Amazon SQS".
.. [2] Amazon S3 user guide, "Using server-side encryption with AWS KMS keys": who reads an object needs ``kms:Decrypt``, who
   writes one ``kms:GenerateDataKey``, and in parts also ``kms:Decrypt``.
.. [3] Amazon SQS developer guide, "Key management"; Amazon SNS developer guide, "Encryption at rest".
.. [4] Step Functions developer guide, "Using CloudWatch Logs to log execution history"; "Trace ... in AWS X-Ray".
.. [5] SageMaker developer guide, "How to use SageMaker execution roles".
.. [6] CloudWatch Logs user guide, "Encrypt log data using AWS KMS".
.. [7] EventBridge Scheduler user guide, "Set up the execution role"; "Encryption at rest".
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from security import further_needs, hardened_needs
from security.policies import Request
from security.recordings import request
from security.shared_needs import DATA_KEYS, PULL, sends, writes_logs
from security.templates import REGION, Templates

_LOGGING = (
    "CreateLogDelivery DeleteLogDelivery DescribeLogGroups DescribeResourcePolicies GetLogDelivery ListLogDeliveries "
    "PutResourcePolicy UpdateLogDelivery"
).split()
_TRACING = "GetSamplingRules GetSamplingTargets PutTelemetryRecords PutTraceSegments".split()
_CONTAINER_LOGS = "CreateLogGroup CreateLogStream DescribeLogStreams PutLogEvents".split()
_VOLUMES = (
    "CreateTrainingJob",
    "CreateProcessingJob",
    "CreateTransformJob",
    "CreateHyperParameterTuningJob",
    "CreateEndpointConfig",
)

_PACKAGE_KEY = re.compile(r"createModelPackage.{0,4000}SecurityConfig", re.DOTALL)
_KEYS_BEHIND = {
    "s3:GetObject": ("Decrypt",),
    "s3:GetObjectVersion": ("Decrypt",),
    "s3:PutObject": ("GenerateDataKey",),
    "sqs:SendMessage": ("GenerateDataKey", "Decrypt"),
    "sqs:ReceiveMessage": ("Decrypt",),
    "sns:Publish": ("GenerateDataKey", "Decrypt"),
}


class Needs:
    """Derives the calls of services from templates and recorded calls."""

    def __init__(self, templates: Templates) -> None:
        self._templates = templates
        self._job_roles = set(self._assumed_by("sagemaker.amazonaws.com"))
        self._glue_roles = set(self._assumed_by("glue.amazonaws.com"))
        self._keys = _data_keys(templates)

    def all(self, recorded: Iterable[Request]) -> list[Request]:
        """Return the recorded calls and all that follow from them and from the templates."""
        calls = list(recorded)
        found = [
            *calls,
            *self._of_functions(),
            *self._of_sources(),
            *self._of_state_machines(),
            *self._of_schedules(),
            *self._of_rules(),
            *self._of_alarms(),
            *self._of_log_groups(),
            *self._of_jobs(),
            *further_needs.of_builds(self._templates),
            *self._of_buckets(),
            *further_needs.of_trust(self._templates),
            *further_needs.of_streams(self._templates, self._keys),
            *further_needs.of_deliveries(self._templates),
            *further_needs.of_networks(self._templates),
            *further_needs.of_glue(self._templates, self._keys),
            *further_needs.of_apis(self._templates),
            *further_needs.of_containers(self._templates, self._job_roles),
            *further_needs.of_glue_tasks(self._templates),
            *further_needs.of_subscriptions(self._templates),
            *further_needs.of_topics(self._templates, self._keys),
            *hardened_needs.of_all(self._templates, self._keys, self._job_roles),
            *further_needs.of_missed_calls(self._templates, self._keys),
            *(more for call in calls for more in self._behind(call)),
        ]
        distinct = {(r.principal, r.action, r.resource, tuple(sorted(r.context.items()))): r for r in found}
        return list(distinct.values())

    # --- that follow from resources

    def _of_functions(self) -> Iterator[Request]:
        for _, _, function in self._templates.of_type("AWS::Lambda::Function"):
            role = function["Role"]
            group = function["LoggingConfig"]["LogGroup"]
            yield from writes_logs(role, group)
            yield request(role, "kms:Decrypt", function["KmsKeyArn"])
        for _, _, config in self._templates.of_type("AWS::Lambda::EventInvokeConfig"):
            role = self._templates.role_of(config["FunctionName"])
            queue = config.get("DestinationConfig", {}).get("OnFailure", {}).get("Destination", "")
            if role and ":sqs:" in queue:
                yield from sends(role, queue, self._keys)

    def _of_sources(self) -> Iterator[Request]:
        for _, _, mapping in self._templates.of_type("AWS::Lambda::EventSourceMapping"):
            role, source = self._templates.role_of(mapping["FunctionName"]), mapping["EventSourceArn"]
            if role and ":sqs:" in source:
                for action in ("ReceiveMessage", "DeleteMessage", "GetQueueAttributes"):
                    yield request(role, f"sqs:{action}", source)
                yield from (request(role, "kms:Decrypt", key) for key in self._keys)

    def _of_state_machines(self) -> Iterator[Request]:
        for _, _, machine in self._templates.of_type("AWS::StepFunctions::StateMachine"):
            role = machine["RoleArn"]
            if machine.get("LoggingConfiguration"):
                yield from (request(role, f"logs:{action}", "*") for action in _LOGGING)
            if machine.get("TracingConfiguration", {}).get("Enabled"):
                yield from (request(role, f"xray:{action}", "*") for action in _TRACING)

    def _of_schedules(self) -> Iterator[Request]:
        for _, _, schedule in self._templates.of_type("AWS::Scheduler::Schedule"):
            target = schedule["Target"]
            yield request(target["RoleArn"], _starts(target["Arn"]), target["Arn"])
            if key := schedule.get("KmsKeyArn"):
                yield request(target["RoleArn"], "kms:Decrypt", key)

    def _of_rules(self) -> Iterator[Request]:
        for stack, logical, rule in self._templates.of_type("AWS::Events::Rule"):
            source = {"aws:SourceArn": self._templates.arn(stack, logical)}
            for target in rule.get("Targets", []):
                if "RoleArn" in target:
                    yield request(target["RoleArn"], _starts(target["Arn"]), target["Arn"])
                else:
                    yield from self._delivers("events.amazonaws.com", target["Arn"], source)
                if queue := target.get("DeadLetterConfig", {}).get("Arn"):
                    yield from self._delivers("events.amazonaws.com", queue, source)

    def _of_alarms(self) -> Iterator[Request]:
        for stack, logical, alarm in self._templates.of_type(
            "AWS::CloudWatch::Alarm", "AWS::CloudWatch::CompositeAlarm"
        ):
            source = {"aws:SourceArn": self._templates.arn(stack, logical)}
            for action in [*alarm.get("AlarmActions", []), *alarm.get("OKActions", [])]:
                yield from self._delivers("cloudwatch.amazonaws.com", action, source)

    def _of_log_groups(self) -> Iterator[Request]:
        for stack, logical, group in self._templates.of_type("AWS::Logs::LogGroup"):
            if key := group.get("KmsKeyId"):
                arn = self._templates.arn(stack, logical).removesuffix(":*")
                context = {"kms:EncryptionContext:aws:logs:arn": arn}
                for action in ("Encrypt", "Decrypt", "ReEncryptFrom", "GenerateDataKey", "DescribeKey"):
                    yield request(f"logs.{REGION}.amazonaws.com", f"kms:{action}", key, context)

    def _of_jobs(self) -> Iterator[Request]:
        policies = self._templates.policies()
        repositories = [
            self._templates.arn(s, n) for s, n, _ in self._templates.of_type("AWS::ECR::Repository")
        ]
        for role in sorted(self._job_roles):
            groups = [
                r for s in policies.identities[role] for r in s.resources if ":log-group:/aws/sagemaker/" in r
            ]
            for group in dict.fromkeys(groups):
                yield from (
                    request(role, f"logs:{action}", group.replace("*", ":log-stream:job"))
                    for action in _CONTAINER_LOGS
                )
            for namespace in ("AWS/SageMaker", "/aws/sagemaker/TrainingJobs"):
                yield request(role, "cloudwatch:PutMetricData", "*", {"cloudwatch:namespace": namespace})
            yield from (request(role, f"ecr:{action}", arn) for arn in repositories for action in PULL)
            if repositories:
                yield request(role, "ecr:GetAuthorizationToken", "*")
            yield from (more for key in self._keys for more in _volumes(role, key))
            yield from (
                request(role, f"kms:{action}", key)
                for key in self._keys
                for action in ("Decrypt", "GenerateDataKey")
            )

    def _of_buckets(self) -> Iterator[Request]:
        for stack, logical, bucket in self._templates.of_type("AWS::S3::Bucket"):
            logs = bucket.get("LoggingConfiguration")
            if logs:
                target = f"arn:aws:s3:::{logs['DestinationBucketName']}/{logs.get('LogFilePrefix', '')}2026"
                source = {"aws:SourceArn": self._templates.arn(stack, logical)}
                yield request("logging.s3.amazonaws.com", "s3:PutObject", target, source)

    # --- that follow from calls

    def _behind(self, call: Request) -> Iterator[Request]:
        yield from self._of_keys(call)
        yield from self._of_platform(call)
        role, service = call.principal, call.action.partition(":")[0]
        if service == "glue" and ":table/" in call.resource:
            head, _, table = call.resource.rpartition(":table/")
            database = table.partition("/")[0]
            yield from (
                request(role, call.action, f"{head}:{name}") for name in ("catalog", f"database/{database}")
            )
        if service == "sagemaker" and call.action.partition(":")[2] in _VOLUMES:
            yield from (more for key in self._keys for more in _volumes(role, key))
        if call.action == "sagemaker:CreateModelPackage":
            # The service authorization reference names both: the version that is made, and its group.
            group = call.resource.replace(":model-package/", ":model-package-group/").rpartition("/")[0]
            yield request(role, call.action, group)
        if call.action == "sagemaker:CreateModelPackage" and self._encrypts_packages():
            via = {
                "kms:ViaService": f"sagemaker.{REGION}.amazonaws.com",
                "kms:GrantIsForAWSResource": "true",  # of the grant alone; others do not ask for it
            }
            for name in ("CreateGrant", "DescribeKey", "GenerateDataKey", "Decrypt"):
                yield from (request(role, f"kms:{name}", key, via) for key in self._keys)

    def _of_keys(self, call: Request) -> Iterator[Request]:
        """Yield what the encryption with the pipeline's key asks for behind a call."""
        for action in _KEYS_BEHIND.get(call.action, ()):
            yield from (request(call.principal, f"kms:{action}", key) for key in self._keys)

    def _of_platform(self, call: Request) -> Iterator[Request]:
        """SageMaker looks for what begins with a name before it reads; an upload in parts that fails is given up."""
        bucket, _, key = call.resource.partition("/")
        if call.principal in self._job_roles and call.action == "s3:GetObject":
            yield request(call.principal, "s3:ListBucket", bucket, {"s3:prefix": key})
        if call.principal in self._job_roles | self._glue_roles and call.action == "s3:PutObject":
            yield request(call.principal, "s3:AbortMultipartUpload", call.resource)

    def _encrypts_packages(self) -> bool:
        """Tell whether the call that makes a model package names a key for what the package says."""
        machines = self._templates.of_type("AWS::StepFunctions::StateMachine")
        return any(_PACKAGE_KEY.search(str(m.get("DefinitionString"))) for _, _, m in machines)

    # --- what these share

    def _delivers(self, service: str, target: str, source: Mapping[str, Any]) -> Iterator[Request]:
        if ":sqs:" in target:
            yield from sends(service, target, self._keys, source)
        elif ":sns:" in target:
            yield request(service, "sns:Publish", target, source)
            yield from (
                request(service, f"kms:{name}", key, source) for key in self._keys for name in DATA_KEYS
            )
        elif ":function:" in target:
            principal = (
                "lambda.alarms.cloudwatch.amazonaws.com" if service.startswith("cloudwatch") else service
            )
            yield request(principal, "lambda:InvokeFunction", target, source)

    def _assumed_by(self, service: str) -> Iterator[str]:
        for stack, logical, role in self._templates.of_type("AWS::IAM::Role"):
            if any(
                s["Principal"].get("Service") == service
                for s in role["AssumeRolePolicyDocument"]["Statement"]
            ):
                yield self._templates.arn(stack, logical)


def _data_keys(templates: Templates) -> set[str]:
    """Return the keys that encrypt the pipeline's data: that of most buckets, and neither keys that sign nor those of records."""
    buckets = templates.of_type("AWS::S3::Bucket")
    rules = [
        rule["ServerSideEncryptionByDefault"]
        for _, _, bucket in buckets
        for rule in bucket.get("BucketEncryption", {}).get("ServerSideEncryptionConfiguration", [])
    ]
    keys = Counter(rule["KMSMasterKeyID"] for rule in rules if "KMSMasterKeyID" in rule)
    return {key for key, _ in keys.most_common(1)}


def _starts(target: str) -> str:
    return "lambda:InvokeFunction" if ":function:" in target else "states:StartExecution"


def _volumes(role: str, key: str) -> Iterator[Request]:
    yield request(role, "kms:DescribeKey", key)
    yield request(role, "kms:CreateGrant", key, {"kms:GrantIsForAWSResource": "true"})
