"""Stricter rules on what makes a network usable, and on where images are built from."""

from __future__ import annotations

import re
from collections.abc import Iterator

from security.checks.deployed import Deployed, Resource, role_of
from security.checks.stricter.answer import in_place_of
from security.templates import ACCOUNT, REGION

_ASSET = re.compile(rf"cdk-\w+-assets-{ACCOUNT}-{REGION}/[0-9a-f]{{64}}\.zip")
"""Where the CDK puts what it uploads: a bucket of the account, under the SHA-256 of what it is."""

_OF_CALLS = {"AWS::Lambda::EventSourceMapping", "AWS::Lambda::Permission", "AWS::Lambda::Url"}
_WITHOUT_DATA = {
    "ec2:DescribePrefixLists",
    "ec2:DescribeSecurityGroups",
    "kms:Decrypt",  # of its own environment, and of what follows
    "kms:GenerateDataKey",
    "logs:CreateLogStream",
    "logs:PutLogEvents",
    "sqs:SendMessage",  # to where calls end that have failed
    "xray:PutTelemetryRecords",
    "xray:PutTraceSegments",
}
_CLOSES = {"ec2:RevokeSecurityGroupEgress", "ec2:RevokeSecurityGroupIngress"}
_FUNCTION, _CLOSED_BY = "AWS::Lambda::Function", "Custom::PreparedNetwork"


@in_place_of(
    "VPCDefaultSecurityGroupClosed",
    because="EC2 gives each network a group whose rules no template can take away, so a function has to. The packs know the CDK's own "
    "alone, by its name.",
)
def default_groups_are_closed(deployed: Deployed, network: Resource) -> Iterator[str]:
    """Have the default group closed by a custom resource, whose function may change that group alone."""
    group = f"{network.name}.DefaultSecurityGroup"
    functions = {deployed.arn(one): one for one in deployed.of_type(_FUNCTION)}
    closing = [
        functions.get(one.properties["ServiceToken"])
        for one in deployed.of_type(_CLOSED_BY)
        if one.properties.get("DefaultSecurityGroupId") == group
    ]
    if not closing:
        yield "nothing closes its default security group"
    for function in closing:
        role = role_of(function) if function else ""
        grants = [
            grant for grant in deployed.grants if grant.role == role and _CLOSES.intersection(grant.actions)
        ]
        if not _CLOSES.issubset({action for grant in grants for action in grant.actions}):
            yield "what closes it may not do so"
        for grant in grants:
            if any(not resource.endswith(f":security-group/{group}") for resource in grant.resources):
                yield f"{grant.path} allows to change other groups"


@in_place_of(
    "CT.LAMBDA.PR.3",
    "LambdaInsideVPC",
    because="What makes a network usable cannot be in it.",
)
def outside_is_what_prepares_the_network(deployed: Deployed, function: Resource) -> Iterator[str]:
    """Prepare a network and do nothing else: called by CloudFormation alone, and allowed nothing that holds data."""
    arn = deployed.arn(function)
    if not any(one.properties["ServiceToken"] == arn for one in deployed.of_type(_CLOSED_BY)):
        yield "it prepares no network"
    for caller in deployed.of_type(*_OF_CALLS):
        if arn in (caller.properties.get("FunctionName"), caller.properties.get("TargetFunctionArn")):
            yield f"{caller.path} calls it, or lets it be called"
    for grant in deployed.grants:
        if grant.role == role_of(function) and grant.statement["Effect"] == "Allow":
            more = sorted(set(grant.actions) - _WITHOUT_DATA - _CLOSES)
            yield from (f"{grant.path} allows {action}" for action in more)


@in_place_of(
    "CodeBuildProjectSourceRepoUrl",
    because="It asks how CodeBuild signs in to GitHub or Bitbucket. There is no repository: the source is an archive in S3.",
)
def sources_are_archives_by_their_hash(_: Deployed, project: Resource) -> Iterator[str]:
    """Build from one archive in the CDK's bucket of the account, named by its SHA-256, without credentials or triggers."""
    source = project.properties["Source"]
    if source.get("Type") != "S3" or not _ASSET.fullmatch(str(source.get("Location"))):
        yield f"its source is {source.get('Type')} {source.get('Location', '')}".rstrip()
    if source.get("Auth") or project.properties.get("SecondarySources"):
        yield "it has another source, or credentials for one"
    if project.properties.get("Triggers"):
        yield "it can be started from outside"
