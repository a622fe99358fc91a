import json
from functools import cache

import pytest
from aws_cdk.assertions import Match, Template

from headrace.config.pipeline import Pipeline
from infra.data_stack import DataStack
from infra.database_stack import DatabaseStack
from tests.infra.nag import findings
from tests.infra.pipeline_stacks import template_app
from tests.infra.policies import policies_of
from tests.infra.state_machines import definitions, flaws

PRIVATE = json.dumps(
    {"vpc": {"subnets": ["subnet-0123456789abcdef0"], "security_groups": ["sg-0123456789abcdef0"]}}
)
KEY = "arn:aws:kms:us-east-1:123456789012:key/1234abcd-12ab-34cd-56ef-1234567890ab"
WITH_KEY = json.dumps({"secret_key_arn": KEY, "lag_seconds": 5, "schedule": "cron(0 4 * * ? *)"})
ARN = "arn:aws:secretsmanager:eu-west-1:123456789012:secret:shop/reader-AbCdEf"
INTERFACES = [
    "ec2:AssignPrivateIpAddresses",
    "ec2:CreateNetworkInterface",
    "ec2:DeleteNetworkInterface",
    "ec2:DescribeNetworkInterfaces",
    "ec2:DescribeSubnets",
    "ec2:UnassignPrivateIpAddresses",
]


@cache
def stack(options="{}"):
    """Return the database stack of the pipeline `shop`; `options` is JSON for the block's fields."""
    app = template_app()
    block = {"engine": "postgresql", "secret": "shop/reader", "table": "public.orders", "watermark": "id"}
    pipeline = Pipeline.model_validate(
        {"name": "shop", "problem": "regression", "target": "price", "database": block | json.loads(options)}
    )
    data = DataStack(app, "shop-data", pipeline=pipeline)
    return DatabaseStack(app, "shop-database", pipeline=pipeline, database=pipeline.database, data=data)


@cache
def synthesised(options="{}"):
    return Template.from_stack(stack(options))


@pytest.fixture(scope="module")
def template():
    return synthesised()


@pytest.fixture(scope="module")
def definition(template):
    (found,) = definitions(template).values()
    return found


def statements(template, role):
    """Return the statements of the role whose logical id begins with `role`."""
    return [
        statement
        for policy in policies_of(template).values()
        if any(reference["Ref"].startswith(role) for reference in policy["Properties"]["Roles"])
        for statement in policy["Properties"]["PolicyDocument"]["Statement"]
    ]


def actions(template, role):
    found = [statement["Action"] for statement in statements(template, role)]
    return {action for listed in found for action in ([listed] if isinstance(listed, str) else listed)}


@pytest.mark.parametrize("options", ["{}", PRIVATE, WITH_KEY])
def test_nothing_is_found_that_nobody_gave_a_reason_for(options):
    assert findings(stack(options)) == []


def test_the_state_machine_is_one_that_aws_takes(definition):
    assert flaws(definition) == []


def test_the_flow_looks_waits_and_imports_until_nothing_is_left(definition):
    states = definition["States"]

    assert definition["StartAt"] == "PlanImport"
    assert states["PlanImport"]["Next"] == "IsThereAny"
    assert states["IsThereAny"]["Choices"][0]["Next"] == "WaitForCommits"
    assert (states["WaitForCommits"]["Seconds"], states["WaitForCommits"]["Next"]) == (60, "ImportRows")
    assert states["IsThereMore"]["Choices"][0]["Next"] == "ImportRows"


def test_the_lag_is_the_pipeline_files():
    (definition,) = definitions(synthesised(WITH_KEY)).values()

    assert definition["States"]["WaitForCommits"]["Seconds"] == 5


def test_the_function_that_imports_writes_below_its_prefix_and_keeps_its_own_items(template):
    assert actions(template, "ImportRowsRole") == {
        "dynamodb:GetItem",
        "dynamodb:PutItem",
        "kms:Decrypt",
        "kms:GenerateDataKey",
        "logs:CreateLogStream",
        "logs:PutLogEvents",
        "s3:PutObject",
        "secretsmanager:GetSecretValue",
    }
    text = json.dumps(statements(template, "ImportRowsRole"))
    assert text.count("/incoming/database/*") == 1
    assert '"dynamodb:LeadingKeys": ["import"]' in text


def test_the_function_that_plans_writes_no_objects(template):
    assert "s3:PutObject" not in actions(template, "PlanImportRole")


@pytest.mark.parametrize("role", ["PlanImportRole", "ImportRowsRole"])
def test_one_secret_can_be_read(template, role):
    (statement,) = [s for s in statements(template, role) if s["Action"] == "secretsmanager:GetSecretValue"]

    assert "".join(part for part in statement["Resource"]["Fn::Join"][1] if isinstance(part, str)).endswith(
        ":secret:shop/reader-??????"
    )


def test_a_secret_that_is_named_by_its_arn_is_that_one():
    found = statements(synthesised(json.dumps({"secret": ARN})), "ImportRowsRole")

    assert [s["Resource"] for s in found if s["Action"] == "secretsmanager:GetSecretValue"] == [ARN]


def test_the_secrets_own_key_is_used_through_secrets_manager_alone():
    found = statements(synthesised(WITH_KEY), "ImportRowsRole")

    (statement,) = [s for s in found if s["Resource"] == KEY]
    assert statement["Action"] == "kms:Decrypt"
    assert "secretsmanager." in json.dumps(statement["Condition"]["StringEquals"]["kms:ViaService"])


def test_no_secret_is_made_or_read_when_it_is_deployed(template):
    text = json.dumps(template.to_json())

    assert "AWS::SecretsManager" not in text
    assert "{{resolve" not in text


def test_without_a_network_the_functions_stand_nowhere(template):
    for function in template.find_resources("AWS::Lambda::Function").values():
        assert "VpcConfig" not in function["Properties"]
    assert not actions(template, "ImportRowsRole") & set(INTERFACES)


def test_in_a_network_lambda_makes_the_interfaces_and_the_code_cannot():
    template = synthesised(PRIVATE)

    for function in template.find_resources("AWS::Lambda::Function").values():
        assert function["Properties"]["VpcConfig"] == {
            "SubnetIds": ["subnet-0123456789abcdef0"],
            "SecurityGroupIds": ["sg-0123456789abcdef0"],
        }
    for role in ("PlanImport", "ImportRows"):
        allow, deny = [s for s in statements(template, f"{role}Role") if s["Action"] == INTERFACES]
        assert (allow["Effect"], deny["Effect"]) == ("Allow", "Deny")
        source = deny["Condition"]["ArnEquals"]["lambda:SourceFunctionArn"]["Fn::GetAtt"][0]
        assert source.startswith(role)
        assert template.to_json()["Resources"][source]["Type"] == "AWS::Lambda::Function"


def test_a_function_is_made_only_when_its_interfaces_may_be():
    resources = synthesised(PRIVATE).to_json()["Resources"]

    for resource in resources.values():
        if resource["Type"] == "AWS::Lambda::Function":
            assert any("NetworkInterfaces" in name for name in resource["DependsOn"])


def test_the_schedule_starts_the_state_machine_and_keeps_what_it_could_not_start(template):
    (machine,) = template.find_resources("AWS::StepFunctions::StateMachine")
    (queue,) = template.find_resources("AWS::SQS::Queue")
    template.has_resource_properties(
        "AWS::Scheduler::Schedule",
        {
            "ScheduleExpression": "rate(1 hour)",
            "KmsKeyArn": Match.any_value(),
            "Target": {
                "Arn": {"Ref": machine},
                "Input": "{}",
                "DeadLetterConfig": {"Arn": {"Fn::GetAtt": [queue, "Arn"]}},
                "RetryPolicy": {"MaximumEventAgeInSeconds": 3600, "MaximumRetryAttempts": 5},
            },
        },
    )
    assert actions(template, "ScheduleRole") == {
        "states:StartExecution",
        "sqs:SendMessage",
        "kms:Decrypt",
        "kms:GenerateDataKey",
    }


def test_the_schedule_is_the_pipeline_files():
    synthesised(WITH_KEY).has_resource_properties(
        "AWS::Scheduler::Schedule", {"ScheduleExpression": "cron(0 4 * * ? *)"}
    )


def test_what_fails_is_told(template):
    alarms = template.find_resources("AWS::CloudWatch::Alarm").values()

    assert {alarm["Properties"]["MetricName"] for alarm in alarms} == {
        "ExecutionsFailed",
        "ExecutionsTimedOut",
        "ApproximateNumberOfMessagesVisible",
    }
    assert all(alarm["Properties"]["AlarmActions"] for alarm in alarms)


def test_the_command_that_imports_now_is_put_out(template):
    assert "aws stepfunctions start-execution" in json.dumps(template.find_outputs("ImportNow"))
