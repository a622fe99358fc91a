"""Rules of several packs that look at one and the same property of a resource: one question, which counts once."""

from __future__ import annotations

from collections.abc import Mapping

_ONE_CODE = "cdk-nag has one rule, which its packs call by different names"

SAME_QUESTIONS: Mapping[str, tuple[str, str]] = {
    "APIGWAssociatedWithWAF": ("AwsSolutions-APIG3", _ONE_CODE),
    "APIGWExecutionLoggingEnabled": ("AwsSolutions-APIG6", _ONE_CODE),
    "CT.APIGATEWAY.PR.1": (
        "AwsSolutions-APIG6",
        "both want a `LoggingLevel` of `ERROR` or `INFO` for all methods of the stage",
    ),
    "CT.LAMBDA.PR.3": (
        "LambdaInsideVPC",
        "both want subnets and security groups in the function's `VpcConfig`",
    ),
    "CT.S3.PR.2": (
        "AwsSolutions-S1",
        "both want a `LoggingConfiguration` of the bucket; S1 leaves out the bucket of the logs",
    ),
    "CT.S3.PR.9": ("S3BucketDefaultLockEnabled", "both want the bucket's `ObjectLockEnabled`"),
    "CT.S3.PR.10": ("S3DefaultEncryptionKMS", "both want KMS as the bucket's default encryption"),
    "CT.SQS.PR.1": ("SQSRedrivePolicy", "both want a `RedrivePolicy` of the queue"),
    "LambdaLatestVersion": ("AwsSolutions-L1", _ONE_CODE),
    "SecretsManagerRotationEnabled": ("AwsSolutions-SMG4", _ONE_CODE),
    "SQSRedrivePolicy": (
        "AwsSolutions-SQS3",
        "both want a `RedrivePolicy` of the queue; SQS3 leaves out dead-letter queues it can see",
    ),
}
"""By a rule without its pack: the rule that asks the same, and how one sees that. No other pair counts as one."""


def question(rule: str) -> str:
    """Return the name under which a rule counts.

    Examples
    --------
    >>> question("CT.SQS.PR.1"), question("LambdaDLQ")
    ('AwsSolutions-SQS3', 'LambdaDLQ')
    """
    while rule in SAME_QUESTIONS:
        rule, _ = SAME_QUESTIONS[rule]
    return rule
