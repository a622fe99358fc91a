"""Rules on roles: whom they trust, what they hand on, and that jobs are started where rules on jobs look."""

from __future__ import annotations

import json
from collections.abc import Iterator

from security.checks.deployed import Grant, Resource, listed
from security.checks.rules.rule import of_grants, of_resources

_FOR_THEIR_OWN_ACCOUNT = {
    f"{name}.amazonaws.com" for name in ("apigateway", "cloudtrail", "firehose", "lambda")
}
"""Whoever makes a function, an integration, a trail or a delivery stream hands it a role, which must be of the same account: these
services take on a role for nobody else, and AWS documents no key by which a role could say so once more."""

_LONGEST, _ROOM_FOR_NAMES = 6144, 0.8
"""IAM and STS quotas: characters of a managed policy without white space. Names that CloudFormation makes are longer than here."""

_MAKERS = {
    f"sagemaker:Create{noun}"
    for noun in (
        *("TrainingJob", "ProcessingJob", "TransformJob", "HyperParameterTuningJob"),
        *("Model", "EndpointConfig"),
    )
}


@of_resources("AWS::IAM::Role")
def services_act_for_this_account(resource: Resource) -> Iterator[str]:
    """Let services take on roles on behalf of this account alone."""
    for statement in listed(resource.properties["AssumeRolePolicyDocument"]["Statement"]):
        services = set(listed(statement["Principal"].get("Service", []))) - _FOR_THEIR_OWN_ACCOUNT
        keys = {key.lower() for block in statement.get("Condition", {}).values() for key in block}
        if services and "aws:sourceaccount" not in keys:
            yield f"{', '.join(sorted(services))} may take it on for any account"


@of_resources("AWS::IAM::Role")
def roles_have_no_policies_of_aws(resource: Resource) -> Iterator[str]:
    """Attach no policy to a role that AWS may change."""
    for name in listed(resource.properties.get("ManagedPolicyArns", [])):
        if ":iam::aws:policy/" in str(name):
            yield str(name)


@of_resources("AWS::IAM::Role", "AWS::IAM::Policy")
def policies_stand_for_themselves(resource: Resource) -> Iterator[str]:
    """Write what roles may do as managed policies, which can be listed, compared and limited."""
    if resource.kind == "AWS::IAM::Policy" or resource.properties.get("Policies"):
        yield "it has an inline policy"


@of_resources("AWS::IAM::ManagedPolicy")
def policies_are_within_the_limit(resource: Resource) -> Iterator[str]:
    """Keep policies so small that IAM takes them with whatever names the resources get."""
    size = len(json.dumps(resource.properties["PolicyDocument"], separators=(",", ":")))
    if size > _LONGEST * _ROOM_FOR_NAMES:
        yield f"it has {size} characters"


@of_grants
def roles_are_passed_to_one_service(grant: Grant) -> Iterator[str]:
    """Let a role be handed to one service, and name the role."""
    if "iam:PassRole" not in grant.actions:
        return
    if "iam:passedtoservice" not in grant.conditions:
        yield "iam:PassRole has no condition iam:PassedToService"
    if any("*" in name for name in grant.resources):
        yield "iam:PassRole is for a family of roles"


@of_grants
def jobs_are_started_by_state_machines_alone(grant: Grant) -> Iterator[str]:
    """Let nothing but a state machine, whose definition rules can read, start a job or make a model."""
    made = sorted(_MAKERS.intersection(grant.actions))
    if made and grant.services != {"states.amazonaws.com"}:
        yield f"{', '.join(made)} for {', '.join(sorted(grant.services))}"
