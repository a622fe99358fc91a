"""Reads the policies of synthesised stacks, with every reference resolved to what it will be once deployed.

A resource that CloudFormation names is called ``<stack>.<logical id>`` here; all ARNs are of one account and region.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterator, Mapping
from typing import Any

from security.policies import Policies, Statement, statements

ACCOUNT, REGION = "123456789012", "us-east-1"
_PSEUDO = {
    "AWS::AccountId": ACCOUNT,
    "AWS::Region": REGION,
    "AWS::Partition": "aws",
    "AWS::URLSuffix": "amazonaws.com",
    "AWS::NoValue": "",
}
_ARNS = {
    "AWS::S3::Bucket": "arn:aws:s3:::{name}",
    "AWS::IAM::Role": f"arn:aws:iam::{ACCOUNT}:role/{{name}}",
    "AWS::IAM::ManagedPolicy": f"arn:aws:iam::{ACCOUNT}:policy/{{name}}",
    "AWS::Lambda::Function": f"arn:aws:lambda:{REGION}:{ACCOUNT}:function:{{name}}",
    "AWS::Lambda::LayerVersion": f"arn:aws:lambda:{REGION}:{ACCOUNT}:layer:{{name}}:1",
    "AWS::SQS::Queue": f"arn:aws:sqs:{REGION}:{ACCOUNT}:{{name}}",
    "AWS::SNS::Topic": f"arn:aws:sns:{REGION}:{ACCOUNT}:{{name}}",
    "AWS::DynamoDB::Table": f"arn:aws:dynamodb:{REGION}:{ACCOUNT}:table/{{name}}",
    "AWS::KMS::Key": f"arn:aws:kms:{REGION}:{ACCOUNT}:key/{{name}}",
    "AWS::StepFunctions::StateMachine": f"arn:aws:states:{REGION}:{ACCOUNT}:stateMachine:{{name}}",
    "AWS::Logs::LogGroup": f"arn:aws:logs:{REGION}:{ACCOUNT}:log-group:{{name}}:*",
    "AWS::Events::Rule": f"arn:aws:events:{REGION}:{ACCOUNT}:rule/{{name}}",
    "AWS::Kinesis::Stream": f"arn:aws:kinesis:{REGION}:{ACCOUNT}:stream/{{name}}",
    "AWS::KinesisFirehose::DeliveryStream": f"arn:aws:firehose:{REGION}:{ACCOUNT}:deliverystream/{{name}}",
    "AWS::ECR::Repository": f"arn:aws:ecr:{REGION}:{ACCOUNT}:repository/{{name}}",
    "AWS::CodeBuild::Project": f"arn:aws:codebuild:{REGION}:{ACCOUNT}:project/{{name}}",
    "AWS::CloudWatch::Alarm": f"arn:aws:cloudwatch:{REGION}:{ACCOUNT}:alarm:{{name}}",
    "AWS::CloudWatch::CompositeAlarm": f"arn:aws:cloudwatch:{REGION}:{ACCOUNT}:alarm:{{name}}",
    "AWS::Scheduler::Schedule": f"arn:aws:scheduler:{REGION}:{ACCOUNT}:schedule/default/{{name}}",
    # Secrets Manager adds a hyphen and six characters to the name.
    "AWS::SecretsManager::Secret": f"arn:aws:secretsmanager:{REGION}:{ACCOUNT}:secret:{{name}}-??????",
    "AWS::Backup::BackupVault": f"arn:aws:backup:{REGION}:{ACCOUNT}:backup-vault:{{name}}",
    "AWS::SageMaker::ModelPackageGroup": f"arn:aws:sagemaker:{REGION}:{ACCOUNT}:model-package-group/{{name}}",
}
_SECRET = "AWS::SecretsManager::Secret"
_ARN_ATTRIBUTES = {
    **dict.fromkeys(("Arn", "BackupVaultArn", "TopicArn", "StateMachineArn"), ""),
    "StreamArn": "/stream/2026-01-31",  # as recordings cut its time
}
"""Attributes that are ARNs, and what they have behind the resource's own."""
_REF_IS_ARN = {
    "AWS::SNS::Topic",
    "AWS::StepFunctions::StateMachine",
    "AWS::IAM::ManagedPolicy",
    "AWS::Lambda::LayerVersion",
}
_IDS = {"AWS::EC2::Subnet": "subnet", "AWS::EC2::SecurityGroup": "sg"}
"""Resources that are known by an id which says nothing."""

_NAMES = {
    "AWS::Glue::Database": ("DatabaseInput", "Name"),
    "AWS::Glue::Table": ("TableInput", "Name"),
    "AWS::Glue::Job": ("Name",),
    "AWS::Glue::SecurityConfiguration": ("Name",),
    "AWS::SageMaker::ModelPackageGroup": ("ModelPackageGroupName",),
    "AWS::Logs::LogGroup": ("LogGroupName",),
    "AWS::CloudWatch::Dashboard": ("DashboardName",),
    "AWS::StepFunctions::StateMachine": ("StateMachineName",),
}
_POLICIES_OF_RESOURCES = {
    "AWS::S3::BucketPolicy": ("Bucket", "arn:aws:s3:::{name}"),
    "AWS::SQS::QueuePolicy": ("Queues", _ARNS["AWS::SQS::Queue"]),
    "AWS::SNS::TopicPolicy": ("Topics", "{name}"),
}


class Templates:
    """The templates of one pipeline's stacks, by their names."""

    def __init__(self, templates: Mapping[str, Mapping[str, Any]]) -> None:
        self._templates = templates
        self._exports = {
            output["Export"]["Name"]: (stack, output["Value"])
            for stack, template in templates.items()
            for output in template.get("Outputs", {}).values()
            if "Export" in output
        }

    def of_type(self, *types: str) -> Iterator[tuple[str, str, Mapping[str, Any]]]:
        """Yield (stack, logical id, properties without references) of all resources of these types."""
        for stack, template in self._templates.items():
            for logical, resource in template["Resources"].items():
                if resource["Type"] in types:
                    yield stack, logical, self.resolve(stack, resource.get("Properties", {}))

    def resources(self) -> Iterator[tuple[str, str, str]]:
        """Yield (stack, logical id, type) of everything."""
        for stack, template in self._templates.items():
            for logical, resource in template["Resources"].items():
                yield stack, logical, resource["Type"]

    def name(self, stack: str, logical: str) -> str:
        """Return the name of a resource: its own, or one made of where it is described."""
        resource = self._templates[stack]["Resources"][logical]
        value = resource.get("Properties", {})
        for step in _NAMES.get(resource["Type"], ("",)):
            value = value.get(step, {})
        return str(self.resolve(stack, value)) if value else f"{stack}.{logical}"

    def arn(self, stack: str, logical: str) -> str:
        """Return the ARN of a resource; ``KeyError`` for a type whose ARNs are not known here."""
        kind = self._templates[stack]["Resources"][logical]["Type"]
        return _ARNS[kind].format(name=self.name(stack, logical))

    def role_of(self, function: str) -> str | None:
        """Return the ARN of the role of a function that is named, or whose ARN is; None if it is not in the templates."""
        for stack, logical, properties in self.of_type("AWS::Lambda::Function"):
            if function in (self.name(stack, logical), self.arn(stack, logical)):
                return str(properties["Role"])
        return None

    # --- references

    def resolve(self, stack: str, value: Any) -> Any:
        """Return `value` with all references replaced."""
        if isinstance(value, list):
            return [self.resolve(stack, item) for item in value]
        if not isinstance(value, dict):
            return value
        (name, argument), *more = value.items() or [("", None)]
        if more or name not in self._functions:
            return {key: self.resolve(stack, item) for key, item in value.items()}
        return self._functions[name](self, stack, argument)

    def _ref(self, stack: str, logical: str) -> str:
        if logical in _PSEUDO:
            return _PSEUDO[logical]
        resource = self._templates[stack]["Resources"].get(logical)
        if resource is None:  # a parameter: of the bootstrap's version, or where an asset lies
            return logical
        if prefix := _IDS.get(resource["Type"]):
            return f"{prefix}-{hashlib.sha256(f'{stack}.{logical}'.encode()).hexdigest()[:17]}"
        if resource["Type"] in _REF_IS_ARN:
            return self.arn(stack, logical)
        if resource["Type"] == "AWS::SQS::Queue":
            return f"https://sqs.{REGION}.amazonaws.com/{ACCOUNT}/{self.name(stack, logical)}"
        return self.name(stack, logical)

    def _get_att(self, stack: str, target: list[str]) -> str:
        logical, attribute = target
        if attribute in _ARN_ATTRIBUTES:
            return f"{self.arn(stack, logical)}{_ARN_ATTRIBUTES[attribute]}"
        if attribute == "GroupId":
            return self._ref(stack, logical)
        if attribute == "Id" and self._templates[stack]["Resources"][logical]["Type"] == _SECRET:
            return self.arn(stack, logical)
        if attribute in ("Name", "QueueName", "TableName", "TopicName"):
            return self.name(stack, logical)
        return f"{self.name(stack, logical)}.{attribute}"

    def _import(self, stack: str, export: Any) -> Any:
        where, value = self._exports[self.resolve(stack, export)]
        return self.resolve(where, value)

    def _join(self, stack: str, argument: list[Any]) -> str:
        return str(argument[0]).join(str(part) for part in self.resolve(stack, argument[1]))

    def _sub(self, stack: str, argument: Any) -> str:
        text = argument if isinstance(argument, str) else argument[0]
        for name, value in _PSEUDO.items():
            text = text.replace(f"${{{name}}}", value)
        return str(text)

    def _find_in_map(self, stack: str, argument: list[Any]) -> Any:
        name, first, second = (self.resolve(stack, part) for part in argument)
        return self._templates[stack]["Mappings"][name][first][second]

    def _select(self, stack: str, argument: list[Any]) -> Any:
        return self.resolve(stack, argument[1])[int(argument[0])]

    def _split(self, stack: str, argument: list[Any]) -> list[str]:
        return str(self.resolve(stack, argument[1])).split(argument[0])

    def _get_azs(self, stack: str, argument: Any) -> list[str]:
        return [f"{REGION}{zone}" for zone in "abc"]

    _functions: Mapping[str, Callable[..., Any]] = {
        "Ref": _ref,
        "Fn::GetAtt": _get_att,
        "Fn::ImportValue": _import,
        "Fn::Join": _join,
        "Fn::Sub": _sub,
        "Fn::GetAZs": _get_azs,
        "Fn::FindInMap": _find_in_map,
        "Fn::Select": _select,
        "Fn::Split": _split,
    }

    # --- policies

    def policies(self) -> Policies:
        """Return what decides about requests once these stacks are deployed."""
        identities: dict[str, list[Statement]] = {}
        resources: dict[str, list[Statement]] = {}
        boundaries: dict[str, tuple[Statement, ...]] = {}
        managed = self._managed_policies()
        for stack, logical, properties in self.of_type("AWS::IAM::Role"):
            arn = self.arn(stack, logical)
            own = identities.setdefault(arn, [])
            for policy in properties.get("Policies", []):
                own += statements(policy["PolicyDocument"])
            for attached in properties.get("ManagedPolicyArns", []):
                own += _known(managed, attached, arn)
            if boundary := properties.get("PermissionsBoundary"):
                boundaries[arn] = _known(managed, boundary, arn)
            trust = statements(properties["AssumeRolePolicyDocument"], arn)
            resources.setdefault(arn, []).extend(trust)
        for _, _, properties in self.of_type("AWS::IAM::Policy", "AWS::IAM::ManagedPolicy"):
            for role in properties.get("Roles", []):
                arn = _ARNS["AWS::IAM::Role"].format(name=role)
                identities.setdefault(arn, []).extend(statements(properties["PolicyDocument"]))
        for arn, statement in self._statements_of_resources():
            resources.setdefault(arn, []).append(statement)
        return Policies(
            {role: tuple(own) for role, own in identities.items()},
            {arn: tuple(own) for arn, own in resources.items()},
            boundaries,
        )

    def _managed_policies(self) -> dict[str, tuple[Statement, ...]]:
        return {
            self.arn(stack, logical): statements(properties["PolicyDocument"])
            for stack, logical, properties in self.of_type("AWS::IAM::ManagedPolicy")
        }

    def _statements_of_resources(self) -> Iterator[tuple[str, Statement]]:
        for kind, (attribute, arn) in _POLICIES_OF_RESOURCES.items():
            for _, _, properties in self.of_type(kind):
                targets = properties[attribute]
                for target in targets if isinstance(targets, list) else [targets]:
                    for statement in statements(properties["PolicyDocument"]):
                        yield arn.format(name=target.rpartition("/")[2]), statement
        for stack, logical, properties in self.of_type("AWS::KMS::Key"):
            key = self.arn(stack, logical)
            yield from ((key, statement) for statement in statements(properties["KeyPolicy"], key))
        for _, _, properties in self.of_type("AWS::Lambda::Permission"):
            yield _permission(properties)


def _known(managed: Mapping[str, tuple[Statement, ...]], policy: str, role: str) -> tuple[Statement, ...]:
    """Return the statements of a managed policy; one that is not in the templates could say anything."""
    if policy not in managed:
        raise ValueError(f"{role} has the policy {policy}, which is in none of the templates")
    return managed[policy]


def _permission(properties: Mapping[str, Any]) -> tuple[str, Statement]:
    """Return what a permission of a function means as a statement of its policy."""
    keys = {"SourceArn": ("ArnLike", "AWS:SourceArn"), "SourceAccount": ("StringEquals", "AWS:SourceAccount")}
    document = {
        "Effect": "Allow",
        "Action": properties["Action"],
        "Resource": properties["FunctionName"],
        "Principal": properties["Principal"],
        "Condition": {
            operator: {key: properties[name]} for name, (operator, key) in keys.items() if name in properties
        },
    }
    return properties["FunctionName"], statements({"Statement": document})[0]
