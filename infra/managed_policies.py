"""Policies of roles as managed ones, each of which stands for itself."""

from __future__ import annotations

from aws_cdk import Stack
from aws_cdk import aws_iam as iam


def manage_policies(stack: Stack) -> None:
    """Replace the inline policies of all roles of `stack` by customer-managed ones with the same statements.

    Grants of the CDK write inline policies, which nobody can list, compare or attach to a boundary apart from their role. This comes
    after everything else: what is granted later would still be in the policy, as it is written when the stack is synthesised.

    References
    ----------
    .. [1] IAM user guide, "Managed policies and inline policies"; "IAM and AWS STS quotas": 6,144 characters a policy, 10 a role.
    """
    for construct in stack.node.find_all():
        if isinstance(construct, iam.Policy):
            _manage(construct)


def _manage(policy: iam.Policy) -> None:
    inline = policy.node.default_child
    assert isinstance(inline, iam.CfnPolicy)
    roles = inline.roles
    policy.node.try_remove_child("Resource")
    iam.CfnManagedPolicy(policy, "Managed", policy_document=policy.document, roles=roles)
