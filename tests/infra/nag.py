"""What cdk-nag finds in a stack, less what is acknowledged at the resource with a reason."""

from aws_cdk import Validations
from cdk_nag import AwsSolutionsChecks


def findings(stack):
    """Return ``"<rule> at <path>"`` for each finding of the AwsSolutions pack that nobody has given a reason for.

    cdk-nag gives every wildcard of a policy a rule id of its own, made of the resolved ARN, which does not exist yet
    where a grant is written. Here ``AwsSolutions-IAM5`` at a role speaks for the wildcards of that role.
    """
    report = AwsSolutionsChecks().validate_scope(stack)
    return [
        f"{violation.rule_name} at {resource.construct_path}"
        for violation in report.violations
        for resource in violation.violating_resources
        if not _acknowledged(stack, resource.construct_path, violation.rule_name)
    ]


def _acknowledged(stack, path, rule):
    construct = stack
    for name in path.removeprefix(f"{stack.node.path}/").split("/"):
        construct = construct.node.find_child(name)
    return any(
        name in (rule, rule.partition("[")[0])
        for ancestor in construct.node.scopes
        for entry in ancestor.node.metadata
        if entry.type == Validations.ACKNOWLEDGED_RULES_METADATA_KEY
        for name in (acknowledged.removeprefix("Annotation::") for acknowledged in entry.data)
    )
