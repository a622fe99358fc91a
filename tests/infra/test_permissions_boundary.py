"""A limit on all roles, by context; and the example of one allows what roles are allowed, and no more than is meant."""

import fnmatch
from pathlib import Path

import aws_cdk as cdk
import pytest
import yaml

from headrace.config.pipeline import Pipeline
from infra.pipeline_stack import PipelineStack
from tests.infra.every_stack import MINIMAL

EXAMPLE = Path(__file__).parents[2] / "docs" / "permissions-boundary.yaml"


def test_every_role_has_the_boundary_that_the_context_names(synthesised):
    roles = [r["Properties"] for _, _, r in synthesised.resources() if r["Type"] == "AWS::IAM::Role"]
    boundaries = {str(role.get("PermissionsBoundary")) for role in roles}

    if synthesised.context:
        (boundary,) = boundaries
        assert ":policy/platform-boundary" in boundary
        assert "AWS::AccountId" in boundary
    else:
        assert boundaries == {"None"}


@pytest.mark.parametrize("given", ["arn:aws:iam::123456789012:role/no-policy", "a name", 7])
def test_a_boundary_that_cannot_be_is_one_clear_line(given):
    app = cdk.App(context={"permissions_boundary": given})

    with pytest.raises(SystemExit, match="neither the name nor the ARN of a managed policy"):
        PipelineStack(app, "stack", pipeline=Pipeline.model_validate(MINIMAL), description="none")


def test_the_example_allows_what_roles_are_allowed(synthesised):
    assert sorted(action for action in actions(synthesised) if not allowed(action)) == []


def actions(synthesised):
    """Return the actions that any role's policy allows."""
    return {
        action
        for _, _, resource in synthesised.resources()
        if resource["Type"] in ("AWS::IAM::Policy", "AWS::IAM::ManagedPolicy")
        for statement in resource["Properties"]["PolicyDocument"]["Statement"]
        if statement["Effect"] == "Allow"
        for action in ([statement["Action"]] if isinstance(statement["Action"], str) else statement["Action"])
    }


@pytest.mark.parametrize(
    "action",
    [
        "iam:CreateUser",
        "iam:PutRolePolicy",
        "s3:PutBucketPolicy",
        "kms:ScheduleKeyDeletion",
        "ec2:RunInstances",
    ],
)
def test_the_example_allows_no_administration(action):
    assert not allowed(action)


def allowed(action):
    """Tell whether the example allows an action somewhere, and denies it nowhere without a condition."""
    matching = [
        statement
        for statement in statements()
        if any(fnmatch.fnmatch(action, p) for p in statement["Action"])
    ]
    denied = any(s["Effect"] == "Deny" and "Condition" not in s for s in matching)
    return not denied and any(statement["Effect"] == "Allow" for statement in matching)


def statements():
    class Loader(yaml.SafeLoader):
        """YAML with CloudFormation's tags, which are read as text."""

    Loader.add_multi_constructor("!", lambda loader, _, node: loader.construct_scalar(node))
    template = yaml.load(EXAMPLE.read_text(), Loader=Loader)
    return template["Resources"]["Boundary"]["Properties"]["PolicyDocument"]["Statement"]
