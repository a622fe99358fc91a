"""Rules that the defaults of a pipeline file do not keep, since to keep them costs something, and the switch that does.

In the hardened deployment, where all of these are on, none of the rules may be broken.
"""

from __future__ import annotations

from collections.abc import Mapping

SWITCHES: Mapping[str, str] = {
    **dict.fromkeys(
        (
            "APIGWXrayEnabled",
            "CT.APIGATEWAY.PR.2",
            "CT.CLOUDWATCH.PR.1",
            "CT.S3.PR.4",
            "CloudWatchAlarmAction",
            "DynamoDBInBackupPlan",
            "EventBusDLQ",
            "LambdaConcurrency",
            "LambdaDLQ",
            "LambdaTracing",
            "SNSRedrivePolicy",
        ),
        "`compliance: strict`",
    ),
    **dict.fromkeys(("APIGWAssociatedWithWAF", "AwsSolutions-APIG3"), "`endpoint.front.web_acl`"),
    "CT.CLOUDWATCH.PR.2": "`retention.log_days: 365`, or `compliance: strict`; of a log that holds predictions `endpoint.kind: realtime`",
    "CT.S3.PR.9": "`retention.object_lock_days`",
    "CT.LAMBDA.PR.3": "`network: private`",
    "Headrace-JobsAreIsolated": "`endpoint.kind: realtime` and `image: headrace`",
    "Headrace-EndpointsSurviveTheLossOfAnInstance": "`endpoint.instances: 2`",
    "LambdaInsideVPC": "`network: private`",
    "S3BucketDefaultLockEnabled": "`retention.object_lock_days`",
}
"""By the rule's name without its pack."""
