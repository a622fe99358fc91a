"""What AWS's services ask for where a pipeline is hardened: traces, failed calls, flow logs, backups, jobs in a network, trails.

References
----------
.. [1] AWS X-Ray developer guide, "AWS Lambda and AWS X-Ray": the execution role's permissions.
.. [2] Lambda developer guide, "Capturing records of Lambda asynchronous invocations": dead-letter queues.
.. [3] Amazon VPC user guide, "IAM role for publishing flow logs to CloudWatch Logs".
.. [4] AWS Backup developer guide, "Managed policies": ``AWSBackupServiceRolePolicyForBackup``, as far as it is about tables.
.. [5] SageMaker developer guide, "How to use SageMaker execution roles": calls with a ``VpcConfig``.
.. [6] AWS CloudTrail user guide, "Amazon S3 bucket policy for CloudTrail"; "Configure AWS KMS key policies for CloudTrail"; "Role
   policy document for CloudTrail to use CloudWatch Logs for monitoring".
"""

from __future__ import annotations

from collections.abc import Collection, Iterator

from security.policies import Request
from security.recordings import request
from security.shared_needs import DATA_KEYS, log_stream, sends
from security.templates import ACCOUNT, REGION, Templates

_INTERFACES = (
    "CreateNetworkInterface CreateNetworkInterfacePermission DeleteNetworkInterface DeleteNetworkInterfacePermission "
    "DescribeDhcpOptions DescribeNetworkInterfaces DescribeSecurityGroups DescribeSubnets DescribeVpcs"
).split()
_LOGS = "CreateLogStream DescribeLogStreams PutLogEvents".split()


def of_all(templates: Templates, keys: Collection[str], job_roles: Collection[str]) -> Iterator[Request]:
    """Yield all of it."""
    yield from of_functions(templates, keys)
    yield from of_flow_logs(templates)
    yield from of_backups(templates)
    yield from of_jobs(templates, job_roles)
    yield from of_trails(templates)


def of_functions(templates: Templates, keys: Collection[str]) -> Iterator[Request]:
    """Yield the traces of functions, and the sending of calls that failed."""
    for _, _, function in templates.of_type("AWS::Lambda::Function"):
        role = function["Role"]
        if function.get("TracingConfig", {}).get("Mode") == "Active":
            yield from (
                request(role, f"xray:{name}", "*") for name in ("PutTelemetryRecords", "PutTraceSegments")
            )
        if queue := function.get("DeadLetterConfig", {}).get("TargetArn"):
            yield from sends(role, queue, keys)


def of_flow_logs(templates: Templates) -> Iterator[Request]:
    """Yield the writing of a network's log."""
    for _, _, log in templates.of_type("AWS::EC2::FlowLog"):
        stream = log_stream(log["LogGroupName"])
        yield from (request(log["DeliverLogsPermissionArn"], f"logs:{name}", stream) for name in _LOGS)


def of_backups(templates: Templates) -> Iterator[Request]:
    """Yield what the backup of a table takes: the table, the vault, and its key."""
    vaults = list(templates.of_type("AWS::Backup::BackupVault"))
    for _, _, given in templates.of_type("AWS::Backup::BackupSelection"):
        selection = given["BackupSelection"]
        role = selection["IamRoleArn"]
        for table in selection["Resources"]:
            names = ("DescribeTable", "ListTagsOfResource", "StartAwsBackupJob")
            yield from (request(role, f"dynamodb:{name}", table) for name in names)
        for stack, logical, vault in vaults:
            arn, key = templates.arn(stack, logical), vault["EncryptionKeyArn"]
            yield from (
                request(role, f"backup:{n}", arn) for n in ("CopyIntoBackupVault", "DescribeBackupVault")
            )
            yield from (request(role, f"kms:{name}", key) for name in (*DATA_KEYS, "DescribeKey"))
            yield request(role, "kms:CreateGrant", key, {"kms:GrantIsForAWSResource": "true"})


def of_jobs(templates: Templates, job_roles: Collection[str]) -> Iterator[Request]:
    """Yield what SageMaker asks for to connect jobs and models to a network of the account."""
    machines = templates.of_type("AWS::StepFunctions::StateMachine")
    if any("VpcConfig" in str(machine.get("DefinitionString")) for _, _, machine in machines):
        yield from (request(role, f"ec2:{name}", "*") for role in job_roles for name in _INTERFACES)


def of_trails(templates: Templates) -> Iterator[Request]:
    """Yield what CloudTrail asks for: its bucket, its key, and its log under a role."""
    service = "cloudtrail.amazonaws.com"
    for _, _, trail in templates.of_type("AWS::CloudTrail::Trail"):
        arn = f"arn:aws:cloudtrail:{REGION}:{ACCOUNT}:trail/{trail['TrailName']}"
        source, bucket = {"aws:SourceArn": arn}, f"arn:aws:s3:::{trail['S3BucketName']}"
        yield request(service, "s3:GetBucketAcl", bucket, source)
        owned = {**source, "s3:x-amz-acl": "bucket-owner-full-control"}
        yield request(service, "s3:PutObject", f"{bucket}/AWSLogs/{ACCOUNT}/CloudTrail/a.json.gz", owned)
        about = {**source, "kms:EncryptionContext:aws:cloudtrail:arn": arn}
        key = trail["KMSKeyId"]
        yield from (request(service, f"kms:{name}", key, about) for name in DATA_KEYS)
        yield request(service, "kms:DescribeKey", key, source)
        group = trail["CloudWatchLogsLogGroupArn"].removesuffix(":*")
        stream = f"{group}:log-stream:{ACCOUNT}_CloudTrail_{REGION}"
        role = trail["CloudWatchLogsRoleArn"]
        yield from (request(role, f"logs:{name}", stream) for name in ("CreateLogStream", "PutLogEvents"))
