"""An account's administrator, and a service of AWS that it lets in: what resources deny, they deny to everybody but whom they name.

Neither is in the templates: a denial is proved by what it keeps from one who may do everything, and by what it leaves to them.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import replace

from security.policies import ADMINISTRATOR, ADMITTED, Condition, Policies, Request, Statement, statements
from security.recordings import request
from security.templates import ACCOUNT, Templates

_GRANT = "kms:CreateGrant"
_FOR_US = Condition("StringEquals", "aws:SourceAccount", (ACCOUNT,))
_LOOKS = {"s3": "s3:ListBucket", "sqs": "sqs:ReceiveMessage", "sns": "sns:Publish"}


def with_administrator(policies: Policies) -> Policies:
    """Return the policies of an account in which one role is allowed everything, and one service to hand keys on."""
    everything = statements({"Statement": {"Effect": "Allow", "Action": "*", "Resource": "*"}})
    admitted = {
        arn: (*own, Statement("Allow", (_GRANT,), (arn,), (_FOR_US,), (ADMITTED,)))
        if _keeps_grants(own)
        else own
        for arn, own in policies.resources.items()
    }
    return replace(
        policies, identities={**policies.identities, ADMINISTRATOR: everything}, resources=admitted
    )


def _keeps_grants(own: Iterable[Statement]) -> bool:
    return any(statement.effect == "Deny" and _GRANT in statement.actions for statement in own)


def granted(policies: Policies) -> list[Request]:
    """Return the grants that keys leave to AWS: what an administrator has it use, and what a service makes itself."""
    keys = [arn for arn, own in policies.resources.items() if _keeps_grants(own)]
    return [
        *(request(ADMINISTRATOR, _GRANT, arn, {"kms:GrantIsForAWSResource": "true"}) for arn in keys),
        *(request(ADMITTED, _GRANT, arn, {"aws:PrincipalIsAWSService": "true"}) for arn in keys),
    ]


def administrated(policies: Policies) -> list[Request]:
    """Return one request of that role for each resource that denies something: people look into queues and buckets, over TLS."""
    return [
        request(ADMINISTRATOR, action, arn)
        for arn, own in policies.resources.items()
        if any(statement.effect == "Deny" for statement in own)
        for service, action in _LOOKS.items()
        if arn.startswith(f"arn:aws:{service}:")
    ]


def encrypted_by_choice(templates: Templates) -> list[Request]:
    """Return one request of the administrator for each bucket with a key: to store an object under that key, by its name."""
    found = []
    for stack, logical, bucket in templates.of_type("AWS::S3::Bucket"):
        rules = bucket.get("BucketEncryption", {}).get("ServerSideEncryptionConfiguration", [])
        for rule in rules:
            if key := rule["ServerSideEncryptionByDefault"].get("KMSMasterKeyID"):
                header = "s3:x-amz-server-side-encryption"
                keys = {header: "aws:kms", f"{header}-aws-kms-key-id": key}
                found.append(
                    request(ADMINISTRATOR, "s3:PutObject", f"{templates.arn(stack, logical)}/k", keys)
                )
    return found


def refused(policies: Policies) -> Iterator[Request]:
    """Yield what an administrator may try on what buckets keep to themselves: each action of a denial, on each of its resources.

    What a bucket refuses for the way in which it is asked, it allows otherwise: those requests are no probes, and change nothing.
    """
    for arn, own in policies.resources.items():
        for statement in own if arn.startswith("arn:aws:s3:::") else ():
            if statement.effect == "Deny":
                keys = {"s3:if-none-match": "*"}  # puts nothing over anything
                yield from (
                    request(ADMINISTRATOR, action, resource.replace("*", "a"), keys)
                    for action in statement.actions
                    for resource in statement.resources
                    if "*" not in action
                )
