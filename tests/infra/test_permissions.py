"""What the roles of all stacks may do, whatever the pipeline."""

import json
import re

OF_THE_PIPELINE = re.compile(
    r'headrace-price|(hyper-parameter-tuning|training)-job/price-|Fn::GetAtt|Fn::ImportValue|"Ref": "(?!AWS::)|cdk-hnb659fds-assets'
)
SHARED_LOGS = re.compile(
    r"log-group:/aws/sagemaker/(TrainingJobs|ProcessingJobs|TransformJobs):\*"
)  # SageMaker's names, not ours
RANDOM_NAMES = re.compile(r":scalable-target/\*")
"""AWS gives scalable targets random names: the condition says of which service they are, and of what of it."""
WITHOUT_RESOURCE = {
    "dynamodb:ListStreams": "the action has no resources; what is told is which streams there are",
    "application-autoscaling:DescribeScalableTargets": "describing has no resource",
    "ecr:GetAuthorizationToken": "it has no resource: the token is the account's",
    "cloudwatch:PutMetricData": "it has no resource: the condition names the namespaces",
    "cloudwatch:GetMetricData": "it has no resource, and only reads",
    "cloudwatch:DescribeAlarms": "AWS asks for everything where composite alarms may be among the answers; it only reads",
    "glue:GetSecurityConfiguration": "it has no resource",
    "sagemaker:ListModels": "listing has no resource",
    "sagemaker:ListEndpointConfigs": "listing has no resource",
    "sagemaker:ListModelPackages": "listing has no resource",
    **dict.fromkeys(
        "ec2:CreateNetworkInterface ec2:DescribeNetworkInterfaces ec2:DescribeSubnets ec2:DeleteNetworkInterface "
        "ec2:AssignPrivateIpAddresses ec2:UnassignPrivateIpAddresses".split(),
        "Lambda makes the interfaces of a function in a network, and names them; its code is denied all of it",
    ),
    **dict.fromkeys(
        "ec2:CreateNetworkInterfacePermission ec2:DeleteNetworkInterfacePermission ec2:DescribeDhcpOptions "
        "ec2:DescribeSecurityGroups ec2:DescribeVpcs".split(),
        "SageMaker makes the interfaces of jobs and models in a network, and AWS documents it with *",
    ),
    "ec2:DescribePrefixLists": "describing has no resource",
    **dict.fromkeys(
        "logs:CreateLogDelivery logs:GetLogDelivery logs:UpdateLogDelivery logs:DeleteLogDelivery "
        "logs:ListLogDeliveries logs:PutResourcePolicy logs:DescribeResourcePolicies logs:DescribeLogGroups".split(),
        "what Step Functions needs to log; AWS documents it with *",
    ),
    **dict.fromkeys(
        "xray:PutTraceSegments xray:PutTelemetryRecords xray:GetSamplingRules xray:GetSamplingTargets".split(),
        "tracing has no resource",
    ),
}
"""Actions that may be allowed on `*`, each with the reason."""


def allowed(synthesised):
    """Yield (logical id, statement, its actions) of everything that roles are allowed."""
    for _, name, resource in synthesised.resources():
        properties = resource.get("Properties", {})
        documents = [policy["PolicyDocument"] for policy in properties.get("Policies", [])]
        if resource["Type"] in ("AWS::IAM::Policy", "AWS::IAM::ManagedPolicy"):
            documents.append(properties["PolicyDocument"])
        for document in documents:
            for statement in document["Statement"]:
                actions = statement["Action"]
                yield name, statement, actions if isinstance(actions, list) else [actions]


def test_no_statement_allows_everything(synthesised):
    for name, _, actions in allowed(synthesised):
        assert not any(action == "*" or action.endswith(":*") for action in actions), name


def test_every_action_that_is_allowed_on_everything_has_a_reason(synthesised):
    for name, statement, actions in allowed(synthesised):
        resources = (
            statement["Resource"] if isinstance(statement["Resource"], list) else [statement["Resource"]]
        )
        if "*" in resources:
            assert set(actions) <= WITHOUT_RESOURCE.keys(), name
        if actions == ["cloudwatch:PutMetricData"]:
            assert "cloudwatch:namespace" in json.dumps(statement["Condition"]), name


def test_every_wildcard_is_below_something_of_the_pipeline(synthesised):
    for name, statement, _ in allowed(synthesised):
        resources = (
            statement["Resource"] if isinstance(statement["Resource"], list) else [statement["Resource"]]
        )
        for resource in resources:
            text = json.dumps(resource)
            if RANDOM_NAMES.search(text):
                assert "application-autoscaling:scalable-dimension" in json.dumps(statement["Condition"]), (
                    name
                )
                continue
            if "*" in text and resource != "*":
                assert OF_THE_PIPELINE.search(text) or SHARED_LOGS.search(text), (name, text)


def test_roles_hold_no_policies_of_aws(synthesised):
    roles = [r["Properties"] for _, _, r in synthesised.resources() if r["Type"] == "AWS::IAM::Role"]

    assert roles
    assert [role["ManagedPolicyArns"] for role in roles if "ManagedPolicyArns" in role] == []


def test_functions_are_called_without_versions(synthesised):
    calls = [
        (name, statement["Resource"])
        for name, statement, actions in allowed(synthesised)
        if "lambda:InvokeFunction" in actions
    ]

    assert calls
    assert [call for call in calls if ":*" in json.dumps(call)] == []


def test_who_reads_queues_and_streams_has_what_lambda_polls_with_and_nothing_else(synthesised):
    given = {action for _, _, actions in allowed(synthesised) for action in actions}

    assert {a for a in given if a.startswith("sqs:")} <= {
        "sqs:ReceiveMessage",
        "sqs:DeleteMessage",
        "sqs:GetQueueAttributes",
        "sqs:SendMessage",
    }
    assert not given & {"kinesis:ListStreams", "kinesis:SubscribeToShard", "kinesis:DescribeStreamConsumer"}
