import io
import json
import time
import zipfile

import pytest
from botocore.exceptions import ClientError

from tests.e2e.local_cloud.step_functions_cases import CASES, TOO_LARGE, call, chain, one

DEADLINE_S = 40
FUNCTION_CODE = """
import json, time
import boto3

class MyError(Exception):
    pass

def main(event, context):
    time.sleep(event.get("sleep", 0))
    if event.get("raise"):
        raise MyError("custom")
    if "large" in event:
        return "x" * event["large"]
    if "token" in event:
        boto3.client("stepfunctions").send_task_success(taskToken=event["token"], output='{"answered": true}')
    if "counter" in event:
        attempts = counted(event["counter"])
        if attempts <= event["fail"]:
            raise RuntimeError("transient")
        return {"attempts": attempts}
    return {"echo": event}

def counted(name):
    # In a table: the attempts may be made by different copies of the function.
    updated = boto3.client("dynamodb").update_item(
        TableName="contract-tests",
        Key={"pk": {"S": name}},
        UpdateExpression="ADD attempts :one",
        ExpressionAttributeValues={":one": {"N": "1"}},
        ReturnValues="UPDATED_NEW",
    )
    return int(updated["Attributes"]["attempts"]["N"])
"""
ALLOWED = [
    "lambda:InvokeFunction",
    "sqs:SendMessage",
    "dynamodb:PutItem",
    "dynamodb:GetItem",
    "dynamodb:UpdateItem",
    "s3:ListBucket",
    "s3:GetObject",
    "s3:PutObject",
    "cloudwatch:PutMetricData",
    "events:*",
    "states:StartExecution",
    "states:SendTaskSuccess",
    "sagemaker:*",
    "iam:PassRole",
]


@pytest.fixture(scope="module")
def role(client):
    trust = {
        "Version": "2012-10-17",
        "Statement": [
            {
                "Effect": "Allow",
                "Principal": {
                    "Service": [f"{name}.amazonaws.com" for name in ("lambda", "states", "sagemaker")]
                },
                "Action": "sts:AssumeRole",
            }
        ],
    }
    made = client("iam").create_role(RoleName="contract-tests", AssumeRolePolicyDocument=json.dumps(trust))
    policy = {
        "Version": "2012-10-17",
        "Statement": [{"Effect": "Allow", "Action": ALLOWED, "Resource": "*"}],
    }
    client("iam").put_role_policy(
        RoleName="contract-tests", PolicyName="all", PolicyDocument=json.dumps(policy)
    )
    return made["Role"]["Arn"]


@pytest.fixture(scope="module")
def function(client, role):
    archive = io.BytesIO()
    with zipfile.ZipFile(archive, "w") as bundle:
        bundle.writestr("code.py", "")
        bundle.writestr("behaviour.py", FUNCTION_CODE)
    made = client("lambda").create_function(
        FunctionName="contract-tests",
        Runtime="python3.14",
        Role=role,
        Handler="behaviour.main",
        Code={"ZipFile": archive.getvalue()},
        Timeout=10,
    )
    return made["FunctionArn"]


@pytest.fixture(scope="module")
def queue(client):
    return client("sqs").create_queue(QueueName="contract-tests")["QueueUrl"]


@pytest.fixture(scope="module")
def create(client, role):
    """Create a state machine and return its ARN."""

    def create(name, definition, **options):
        made = client("stepfunctions").create_state_machine(
            name=name, definition=json.dumps(definition), roleArn=role, **options
        )
        return made["stateMachineArn"]

    return create


@pytest.fixture(scope="module")
def executions(client, create, role, function, queue):
    """Start all cases at once, so that they run at the same time."""
    s3, steps = client("s3"), client("stepfunctions")
    s3.create_bucket(Bucket="contract-tests")
    for key, body in {
        "d.csv": "a,b\n1,2\n3,4\n5,6\n",
        "d.jsonl": '{"a":1}\n{"a":2}\n',
        "d.json": "[1,2,3,4,5]",
    }.items():
        s3.put_object(Bucket="contract-tests", Key=key, Body=body.encode())
    client("dynamodb").create_table(
        TableName="contract-tests",
        KeySchema=[{"AttributeName": "pk", "KeyType": "HASH"}],
        AttributeDefinitions=[{"AttributeName": "pk", "AttributeType": "S"}],
        BillingMode="PAY_PER_REQUEST",
    )
    child = create("child", one({"Type": "Pass", "Result": {"child": True}}))
    made = {
        "FUNCTION": function,
        "QUEUE": queue,
        "TABLE": "contract-tests",
        "BUCKET": "contract-tests",
        "CHILD": child,
        "ROLE": role,
    }

    def start(case):
        machine = create(case.name, _filled(case.definition, made))
        return steps.start_execution(stateMachineArn=machine, input=json.dumps(case.input))["executionArn"]

    return {case.name: start(case) for case in CASES}


def _filled(template, made):
    if isinstance(template, dict):
        return {name: _filled(value, made) for name, value in template.items()}
    if isinstance(template, list):
        return [_filled(value, made) for value in template]
    if isinstance(template, str):
        for word, value in made.items():
            template = template.replace(word, value) if word in template else template
    return template


@pytest.fixture(scope="module")
def ended(client):
    """Wait for an execution's end and describe it."""

    def ended(arn):
        deadline = time.monotonic() + DEADLINE_S
        while True:
            execution = client("stepfunctions").describe_execution(executionArn=arn)
            if execution["status"] != "RUNNING":
                return execution
            assert time.monotonic() < deadline, f"{arn} is still running"
            time.sleep(0.1)

    return ended


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
def test_a_state_machine_runs_as_on_aws(case, executions, ended):
    execution = ended(executions[case.name])

    assert execution["status"] == case.expected_status, execution.get("cause")
    assert execution.get("error") == case.error
    assert case.cause in execution.get("cause", "")
    if not case.error:
        output = json.loads(execution["output"])
        assert case.output(output) if callable(case.output) else output == case.output


def test_an_answer_to_a_message_ends_the_task(client, create, ended):
    queue = client("sqs").create_queue(QueueName="answers")["QueueUrl"]
    task = {
        "Type": "Task",
        "Resource": "arn:aws:states:::sqs:sendMessage.waitForTaskToken",
        "Parameters": {"QueueUrl": queue, "MessageBody": {"token.$": "$$.Task.Token"}},
    }
    steps = client("stepfunctions")
    started = steps.start_execution(stateMachineArn=create("answered", one(task)))

    message = client("sqs").receive_message(QueueUrl=queue, WaitTimeSeconds=10)["Messages"][0]
    steps.send_task_success(taskToken=json.loads(message["Body"])["token"], output='{"ok": true}')

    assert json.loads(ended(started["executionArn"])["output"]) == {"ok": True}


def test_an_express_workflow_answers_at_once(client, create):
    machine = create("express", one({"Type": "Pass", "Result": {"x": 1}}), type="EXPRESS")

    answer = client("stepfunctions").start_sync_execution(stateMachineArn=machine)

    assert (answer["status"], json.loads(answer["output"])) == ("SUCCEEDED", {"x": 1})


def test_the_history_tells_what_happened(client, executions, ended):
    arn = ended(executions["lambda_invoke_with_result_selector"])["executionArn"]

    events = client("stepfunctions").get_execution_history(executionArn=arn)["events"]

    assert [event["type"] for event in events] == [
        "ExecutionStarted",
        "TaskStateEntered",
        "TaskScheduled",
        "TaskSucceeded",
        "TaskStateExited",
        "ExecutionSucceeded",
    ]


def test_a_stopped_execution_stays_stopped(client, create, function, ended):
    definition = one(call({"sleep": 1, "raise": True}))
    definition["States"]["A"]["Parameters"]["FunctionName"] = function
    steps = client("stepfunctions")
    arn = steps.start_execution(stateMachineArn=create("stopped", definition))["executionArn"]
    while not _entered(steps, arn):
        time.sleep(0.05)

    steps.stop_execution(executionArn=arn, error="Enough")
    while not _function_failed(steps, arn):
        time.sleep(0.1)

    assert ended(arn)["status"] == "ABORTED"


def _types(steps, arn):
    return [event["type"] for event in steps.get_execution_history(executionArn=arn)["events"]]


def _entered(steps, arn):
    return "TaskScheduled" in _types(steps, arn)


def _function_failed(steps, arn):
    return "TaskFailed" in _types(steps, arn)


def test_executions_are_counted_by_how_they_ended(client, create, ended):
    """Step Functions developer guide, "Monitoring Step Functions metrics using Amazon CloudWatch"."""
    slow = create("slow", one({"Type": "Wait", "Seconds": 30}, TimeoutSeconds=1))
    failing = create("failing", chain(A={"Type": "Fail", "Error": "E", "Cause": "c"}))
    for machine in (slow, failing, failing):
        ended(client("stepfunctions").start_execution(stateMachineArn=machine)["executionArn"])

    assert _counted(client, slow) == {"ExecutionsStarted": 1, "ExecutionsTimedOut": 1}
    assert _counted(client, failing) == {"ExecutionsStarted": 2, "ExecutionsFailed": 2}


def _counted(client, machine):
    """Return the sums of the metrics that a state machine has."""
    cloudwatch = client("cloudwatch")
    by_machine = [{"Name": "StateMachineArn", "Value": machine}]
    metrics = cloudwatch.list_metrics(Namespace="AWS/States", Dimensions=by_machine)["Metrics"]
    window = {"StartTime": time.time() - 600, "EndTime": time.time() + 600, "Period": 3600}
    sums = {}
    for name in {metric["MetricName"] for metric in metrics}:
        points = cloudwatch.get_metric_statistics(
            Namespace="AWS/States", MetricName=name, Dimensions=by_machine, Statistics=["Sum"], **window
        )["Datapoints"]
        sums[name] = sum(point["Sum"] for point in points)
    return sums


def test_an_input_above_256_kib_is_refused(client, create):
    machine = create("input", one({"Type": "Pass"}))

    with pytest.raises(ClientError, match="less than or equal to 262144"):
        client("stepfunctions").start_execution(stateMachineArn=machine, input=json.dumps(TOO_LARGE))


# --- roles


def test_a_state_machine_may_do_only_what_its_role_allows(client, function, ended):
    narrow = _role(client, "narrow", {"Action": "lambda:InvokeFunction", "Resource": f"{function}-other"})
    steps = client("stepfunctions")
    machine = steps.create_state_machine(
        name="narrow",
        definition=json.dumps(one({**call({}), "Parameters": {"FunctionName": function, "Payload": {}}})),
        roleArn=narrow,
    )["stateMachineArn"]

    execution = ended(steps.start_execution(stateMachineArn=machine, name="run")["executionArn"])

    assert execution["error"] == "Lambda.AWSLambdaException"
    assert (
        "User: arn:aws:sts::123456789012:assumed-role/narrow/run is not authorized to perform: "
        f"lambda:InvokeFunction on resource: {function} because no identity-based policy allows the "
        "lambda:InvokeFunction action"
    ) in execution["cause"]


def test_a_role_is_passed_only_to_the_service_that_its_policy_names(client, role, ended):
    policy = [
        {
            "Action": "sagemaker:CreateModel",
            "Resource": "arn:aws:sagemaker:us-east-1:123456789012:model/mine-*",
        },
        {
            "Action": "iam:PassRole",
            "Resource": role,
            "Condition": {"StringEquals": {"iam:PassedToService": "lambda.amazonaws.com"}},
        },
    ]
    passing = _role(client, "passing", *policy)
    steps = client("stepfunctions")
    task = {
        "Type": "Task",
        "Resource": "arn:aws:states:::sagemaker:createModel",
        "Parameters": {"ModelName": "mine-1", "ExecutionRoleArn": role},
    }
    machine = steps.create_state_machine(name="passing", definition=json.dumps(one(task)), roleArn=passing)[
        "stateMachineArn"
    ]

    execution = ended(steps.start_execution(stateMachineArn=machine)["executionArn"])

    assert execution["error"] == "SageMaker.AmazonSageMakerException"
    assert "is not authorized to perform: iam:PassRole" in execution["cause"]


def _role(client, name, *statements):
    trust = {"Effect": "Allow", "Principal": {"Service": "states.amazonaws.com"}, "Action": "sts:AssumeRole"}
    made = client("iam").create_role(RoleName=name, AssumeRolePolicyDocument=_policy(trust))
    allowed = [{"Effect": "Allow", **statement} for statement in statements]
    client("iam").put_role_policy(RoleName=name, PolicyName="p", PolicyDocument=_policy(*allowed))
    return made["Role"]["Arn"]


def _policy(*statements):
    return json.dumps({"Version": "2012-10-17", "Statement": list(statements)})


# --- definitions


@pytest.mark.parametrize(
    ("definition", "words"),
    [
        (one({"Type": "Pass"}) | {"StartAt": "B"}, "Missing 'StartAt' target: B at /StartAt"),
        (
            {"StartAt": "A", "States": {"A": {"Type": "Pass", "Next": "ZZ"}}},
            "Missing 'Next' target: ZZ at /States/A/Next",
        ),
        (one({"Type": "Pass", "QueryLanguage": "JSONata", "InputPath": "$"}), "'InputPath' is not supported"),
        (
            one({"Type": "Pass", "Output": "{% 1 + %}", "QueryLanguage": "JSONata"}),
            "INVALID_JSONATA_EXPRESSION",
        ),
    ],
)
def test_an_invalid_definition_is_refused(client, create, definition, words):
    with pytest.raises(client("stepfunctions").exceptions.InvalidDefinition, match=words) as refused:
        create("invalid", definition)

    assert "Invalid State Machine Definition: '" in str(refused.value)


def test_an_update_with_an_invalid_definition_changes_nothing(client, create):
    machine, steps = create("updated", one({"Type": "Pass"})), client("stepfunctions")

    with pytest.raises(steps.exceptions.InvalidDefinition, match="MISSING_TRANSITION_TARGET"):
        steps.update_state_machine(
            stateMachineArn=machine,
            definition=json.dumps({"StartAt": "B", "States": {"A": {"Type": "Succeed"}}}),
        )

    assert json.loads(steps.describe_state_machine(stateMachineArn=machine)["definition"])["StartAt"] == "A"


def test_a_definition_can_be_validated_without_creating_it(client):
    answer = client("stepfunctions").validate_state_machine_definition(
        definition=json.dumps({"StartAt": "A", "States": {"A": {"Type": "Pass", "Next": "B"}}})
    )

    assert answer["result"] == "FAIL"
    assert {d["code"] for d in answer["diagnostics"]} == {
        "MISSING_TRANSITION_TARGET",
        "MISSING_TERMINAL_STATE",
    }


def test_a_template_with_an_invalid_state_machine_is_rolled_back(client, role):
    template = {
        "Resources": {
            "Machine": {
                "Type": "AWS::StepFunctions::StateMachine",
                "Properties": {"RoleArn": role, "DefinitionString": '{"StartAt": "A", "States": {}}'},
            }
        }
    }
    cloudformation = client("cloudformation")
    cloudformation.create_stack(StackName="invalid-machine", TemplateBody=json.dumps(template))

    with pytest.raises(Exception, match="ROLLBACK"):
        cloudformation.get_waiter("stack_create_complete").wait(
            StackName="invalid-machine", WaiterConfig={"Delay": 1, "MaxAttempts": 20}
        )

    events = cloudformation.describe_stack_events(StackName="invalid-machine")["StackEvents"]
    assert any(
        "Invalid State Machine Definition" in event.get("ResourceStatusReason", "") for event in events
    )
