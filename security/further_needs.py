"""What AWS's services ask for for streams, deliveries, networks, Glue, an API, images and their builds, and to take on a role.

References
----------
.. [1] Lambda developer guide, "Process Amazon Kinesis Data Streams records with Lambda"; "Giving Lambda functions access to
   resources in an Amazon VPC": the execution role's permissions.
.. [2] Amazon Data Firehose developer guide, "Grant Firehose access to an Amazon S3 destination".
.. [3] AWS Glue developer guide, "Setting up encryption in AWS Glue": a security configuration; "Continuous logging"; "Job metrics".
.. [4] Step Functions developer guide, "IAM policies for integrated services": AWS Glue, run a job (.sync).
.. [5] API Gateway developer guide, "Set up an AWS service integration": the role of an integration.
.. [6] CodeBuild user guide, "Allow CodeBuild to interact with other AWS services"; "Data encryption".
.. [7] CloudWatch Logs user guide, "Subscription filters with AWS Lambda": the permission of the function.
.. [8] Amazon SNS developer guide, "Fanout to Lambda functions": the permission of the function; "Dead-letter queues".
.. [9] EventBridge Scheduler user guide, "Configuring a dead-letter queue".
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from security.policies import Request
from security.recordings import request
from security.shared_needs import PULL, log_stream, sends, writes_logs
from security.templates import ACCOUNT, REGION, Templates

_POLLS = {
    "kinesis": "DescribeStream DescribeStreamSummary GetRecords GetShardIterator ListShards".split(),
    "dynamodb": "DescribeStream GetRecords GetShardIterator".split(),
}
_READS = "DescribeStream GetRecords GetShardIterator ListShards".split()
_INTERFACES = (
    "AssignPrivateIpAddresses CreateNetworkInterface DeleteNetworkInterface DescribeNetworkInterfaces DescribeSubnets "
    "UnassignPrivateIpAddresses"
).split()
_GLUE_TASK = re.compile(r'"JobName": ?"([^"]+)"')
_GLUE_LOGS = "AssociateKmsKey CreateLogGroup CreateLogStream PutLogEvents".split()
_IMAGE = re.compile(r"(\d{12})\.dkr\.ecr\.([\w-]+)\.amazonaws\.com/([\w./-]+)")
_ASSET = re.compile(r"s3://(cdk-[\w-]+)/([\w.-]+)")
_PUSH = "CompleteLayerUpload InitiateLayerUpload PutImage UploadLayerPart".split()
_STATE_MACHINE = {"aws:SourceArn": f"arn:aws:states:{REGION}:{ACCOUNT}:stateMachine:any"}


def of_streams(templates: Templates, keys: Iterable[str]) -> Iterator[Request]:
    """Yield what Lambda asks for when it polls the shards of a stream, or of a table's, in a function's name."""
    for _, _, mapping in templates.of_type("AWS::Lambda::EventSourceMapping"):
        role, source = templates.role_of(mapping["FunctionName"]), mapping["EventSourceArn"]
        service = source.split(":")[2]
        if role and service in _POLLS:
            yield from (request(role, f"{service}:{action}", source) for action in _POLLS[service])
            if service == "dynamodb":
                yield request(role, "dynamodb:ListStreams", "*")
            queue = mapping.get("DestinationConfig", {}).get("OnFailure", {}).get("Destination", "")
            if ":sqs:" in queue:
                yield request(role, "sqs:SendMessage", queue)
                yield from (
                    request(role, f"kms:{name}", key)
                    for key in keys
                    for name in ("GenerateDataKey", "Decrypt")
                )


def of_deliveries(templates: Templates) -> Iterator[Request]:
    """Yield what Firehose asks for: its source, its two prefixes, its key and its log."""
    for _, _, delivery in templates.of_type("AWS::KinesisFirehose::DeliveryStream"):
        source = delivery["KinesisStreamSourceConfiguration"]
        yield from (
            request(source["RoleARN"], f"kinesis:{action}", source["KinesisStreamARN"]) for action in _READS
        )
        target = delivery["ExtendedS3DestinationConfiguration"]
        role, bucket = target["RoleARN"], target["BucketARN"]
        for name in ("GetBucketLocation", "ListBucket", "ListBucketMultipartUploads"):
            yield request(role, f"s3:{name}", bucket)
        for prefix in (target["Prefix"], target["ErrorOutputPrefix"]):
            place = f"{bucket}/{prefix.partition('!')[0]}2026/01/31"
            yield from (
                request(role, f"s3:{name}", place)
                for name in ("AbortMultipartUpload", "GetObject", "PutObject")
            )
        key = target["EncryptionConfiguration"]["KMSEncryptionConfig"]["AWSKMSKeyARN"]
        yield from (request(role, f"kms:{name}", key) for name in ("Decrypt", "GenerateDataKey"))
        group = target["CloudWatchLoggingOptions"]["LogGroupName"]
        yield request(role, "logs:PutLogEvents", log_stream(group))


def of_networks(templates: Templates) -> Iterator[Request]:
    """Yield what Lambda asks for to connect functions to a network of the account."""
    for _, _, function in templates.of_type("AWS::Lambda::Function"):
        if function.get("VpcConfig", {}).get("SubnetIds"):
            yield from (request(function["Role"], f"ec2:{name}", "*") for name in _INTERFACES)


def from_networked_functions(templates: Templates) -> Iterator[Request]:
    """Yield what the code of such a function must not do with its role: only Lambda itself may."""
    for stack, logical, function in templates.of_type("AWS::Lambda::Function"):
        if function.get("VpcConfig", {}).get("SubnetIds"):
            keys = {"lambda:SourceFunctionArn": templates.arn(stack, logical)}
            yield from (request(function["Role"], f"ec2:{name}", "*", keys) for name in _INTERFACES)


def of_glue(templates: Templates, keys: Iterable[str]) -> Iterator[Request]:
    """Yield what Glue asks for in the name of a job: its code, its encryption, its log, its metrics."""
    for _, _, job in templates.of_type("AWS::Glue::Job"):
        role, options = job["Role"], job["DefaultArguments"]
        for uri in (job["Command"]["ScriptLocation"], options.get("--extra-py-files", "")):
            if uri:
                yield request(role, "s3:GetObject", f"arn:aws:s3:::{uri.removeprefix('s3://')}")
        group = f"{options['--custom-logGroup-prefix']}/output"
        yield from (request(role, f"logs:{name}", log_stream(group)) for name in _GLUE_LOGS)
        if options.get("--enable-metrics"):
            yield request(role, "cloudwatch:PutMetricData", "*", {"cloudwatch:namespace": "Glue"})
        if job.get("SecurityConfiguration"):
            yield request(role, "glue:GetSecurityConfiguration", "*")
            names = ("Decrypt", "Encrypt", "GenerateDataKey")
            yield from (request(role, f"kms:{name}", key) for key in keys for name in names)


def of_glue_tasks(templates: Templates) -> Iterator[Request]:
    """Yield what Step Functions asks for to run a job of Glue and to wait for its end, or to stop it."""
    for _, _, machine in templates.of_type("AWS::StepFunctions::StateMachine"):
        text = str(machine.get("DefinitionString", ""))
        for name in sorted(set(_GLUE_TASK.findall(text))):
            job = f"arn:aws:glue:{REGION}:{ACCOUNT}:job/{name}"
            for verb in ("BatchStopJobRun", "GetJobRun", "GetJobRuns", "StartJobRun"):
                yield request(machine["RoleArn"], f"glue:{verb}", job)


def of_apis(templates: Templates) -> Iterator[Request]:
    """Yield what an API's integration with SageMaker asks for under its role."""
    for _, _, method in templates.of_type("AWS::ApiGateway::Method"):
        integration = method.get("Integration", {})
        found = re.search(
            r":runtime\.sagemaker:path/+endpoints/([\w-]+)/invocations", str(integration.get("Uri"))
        )
        if found and integration.get("Credentials"):
            endpoint = f"arn:aws:sagemaker:{REGION}:{ACCOUNT}:endpoint/{found[1]}"
            yield request(integration["Credentials"], "sagemaker:InvokeEndpoint", endpoint)


def of_containers(templates: Templates, job_roles: Iterable[str]) -> Iterator[Request]:
    """Yield the pulling of images, and of code beside them, that the state machines name and that are not built here."""
    machines = templates.of_type("AWS::StepFunctions::StateMachine")
    text = " ".join(json.dumps(machine.get("DefinitionString", "")) for _, _, machine in machines)
    images = {
        f"arn:aws:ecr:{region}:{account}:repository/{name}" for account, region, name in _IMAGE.findall(text)
    }
    for role in job_roles:
        for image in sorted(images):
            yield from (request(role, f"ecr:{action}", image) for action in PULL)
            yield request(role, "ecr:GetAuthorizationToken", "*")
        for bucket, key in sorted(set(_ASSET.findall(text))):
            yield request(role, "s3:GetObject", f"arn:aws:s3:::{bucket}/{key}")
            yield request(role, "s3:ListBucket", f"arn:aws:s3:::{bucket}", {"s3:prefix": key})


def of_builds(templates: Templates) -> Iterator[Request]:
    """Yield what the builds of images ask for: their source, their log, their repository."""
    for _, _, project in templates.of_type("AWS::CodeBuild::Project"):
        role = project["ServiceRole"]
        role = role if role.startswith("arn:") else f"arn:aws:iam::{ACCOUNT}:role/{role}"
        if location := project["Source"].get("Location"):
            yield request(role, "s3:GetObject", f"arn:aws:s3:::{location}")
            yield request(role, "s3:GetObjectVersion", f"arn:aws:s3:::{location}")
        yield from _of_build_outputs(project, role)
        if group := project.get("LogsConfig", {}).get("CloudWatchLogs", {}).get("GroupName"):
            yield from writes_logs(role, group)
        for stack, logical, _ in templates.of_type("AWS::ECR::Repository"):
            repository = templates.arn(stack, logical)
            yield from (request(role, f"ecr:{action}", repository) for action in (*PULL, *_PUSH))
            yield request(role, "ecr:GetAuthorizationToken", "*")


def _of_build_outputs(project: Mapping[str, Any], role: str) -> Iterator[Request]:
    """Yield what a build asks for beside its source, its log and the images: where the source's bucket lies, and its key."""
    bucket = f"arn:aws:s3:::{project['Source']['Location'].partition('/')[0]}"
    yield from (request(role, f"s3:{name}", bucket) for name in ("GetBucketAcl", "GetBucketLocation"))
    if key := project.get("EncryptionKey"):
        yield from (request(role, f"kms:{name}", key) for name in ("Decrypt", "GenerateDataKey"))


def of_subscriptions(templates: Templates) -> Iterator[Request]:
    """Yield the calls of functions that a log group's lines go to."""
    for _, _, subscription in templates.of_type("AWS::Logs::SubscriptionFilter"):
        group = f"arn:aws:logs:{REGION}:{ACCOUNT}:log-group:{subscription['LogGroupName']}:*"
        function = subscription["DestinationArn"]
        if ":function:" in function:
            yield request("logs.amazonaws.com", "lambda:InvokeFunction", function, {"aws:SourceArn": group})


def of_topics(templates: Templates, keys: Iterable[str]) -> Iterator[Request]:
    """Yield the calls of functions that a topic's messages go to, and the sending of what could not be delivered."""
    for _, _, subscription in templates.of_type("AWS::SNS::Subscription"):
        source = {"aws:SourceArn": subscription["TopicArn"]}
        if subscription["Protocol"] == "lambda":
            yield request("sns.amazonaws.com", "lambda:InvokeFunction", subscription["Endpoint"], source)
        if queue := subscription.get("RedrivePolicy", {}).get("deadLetterTargetArn"):
            yield from sends("sns.amazonaws.com", queue, keys, source)


def of_missed_calls(templates: Templates, keys: Iterable[str]) -> Iterator[Request]:
    """Yield the sending of what a schedule could not deliver."""
    for _, _, schedule in templates.of_type("AWS::Scheduler::Schedule"):
        target = schedule["Target"]
        if queue := target.get("DeadLetterConfig", {}).get("Arn"):
            yield from sends(target["RoleArn"], queue, keys)


def of_trust(templates: Templates) -> Iterator[Request]:
    """Yield how services take on the roles that trust them."""
    for stack, logical, role in templates.of_type("AWS::IAM::Role"):
        for statement in role["AssumeRolePolicyDocument"]["Statement"]:
            service = statement["Principal"].get("Service")
            for name in [service] if isinstance(service, str) else service or []:
                source = _STATE_MACHINE if name.startswith("states.") else {}
                yield request(name, "sts:AssumeRole", templates.arn(stack, logical), source)
