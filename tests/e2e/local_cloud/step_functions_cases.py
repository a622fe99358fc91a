"""What Step Functions does with one state machine each; every expectation is AWS's documented behaviour.

The words FUNCTION, QUEUE, TABLE, BUCKET, CHILD and ROLE stand for what the tests have made.
"""

import json
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

LAMBDA = {"Type": "Task", "Resource": "arn:aws:states:::lambda:invoke"}
SUCCEED = {"Type": "Succeed"}
DONE = {"Type": "Pass", "End": True}
TOO_LARGE = "x" * 262_145


@dataclass(frozen=True)
class Case:
    """One execution: `output` is the expected output or a claim about it, `error` the expected error."""

    name: str
    definition: dict[str, Any]
    input: Any = field(default_factory=dict)
    output: Any = None
    error: str | None = None
    cause: str = ""
    status: str | None = None

    @property
    def expected_status(self) -> str:
        return self.status or ("FAILED" if self.error else "SUCCEEDED")


def one(state: dict[str, Any], **top: Any) -> dict[str, Any]:
    """A state machine of one state."""
    return {"StartAt": "A", "States": {"A": {**state, "End": True}}, **top}


def chain(**states: Any) -> dict[str, Any]:
    """A state machine whose first state is the first one named."""
    return {"StartAt": next(iter(states)), "States": states}


def jsonata(definition: dict[str, Any]) -> dict[str, Any]:
    return {**definition, "QueryLanguage": "JSONata"}


def call(payload: Any, **fields: Any) -> dict[str, Any]:
    """A task that invokes the test function, whose behaviour the payload chooses."""
    return {**LAMBDA, "Parameters": {"FunctionName": "FUNCTION", "Payload": payload}, **fields}


def distributed(reader: dict[str, Any] | None = None, **fields: Any) -> dict[str, Any]:
    processor = {
        "ProcessorConfig": {"Mode": "DISTRIBUTED", "ExecutionType": "STANDARD"},
        "StartAt": "Item",
        "States": {"Item": DONE},
    }
    read = {"ItemReader": reader} if reader else {}
    return {"Type": "Map", "ItemProcessor": processor, **read, **fields}


def s3_items(key: str, **config: Any) -> dict[str, Any]:
    return {
        "Resource": "arn:aws:states:::s3:getObject",
        "ReaderConfig": config,
        "Parameters": {"Bucket": "BUCKET", "Key": key},
    }


RETRYING = {"ErrorEquals": ["States.TaskFailed"], "IntervalSeconds": 1, "MaxAttempts": 5, "BackoffRate": 4.0}
TRAINING_JOB = {
    "AlgorithmSpecification": {"TrainingImage": "no-such-image", "TrainingInputMode": "File"},
    "RoleArn": "ROLE",
    "OutputDataConfig": {"S3OutputPath": "s3://BUCKET/o"},
    "ResourceConfig": {"InstanceType": "ml.m5.large", "InstanceCount": 1, "VolumeSizeInGB": 1},
    "StoppingCondition": {"MaxRuntimeInSeconds": 60},
}

PATHS = [
    Case(
        "lambda_invoke_with_result_selector",
        one(
            {
                **LAMBDA,
                "Parameters": {"FunctionName": "FUNCTION", "Payload.$": "$"},
                "ResultSelector": {"x.$": "$.Payload.echo.v", "run.$": "$$.StateMachine.Name"},
                "ResultPath": "$.r",
            }
        ),
        {"v": 3},
        lambda out: out["v"] == 3 and out["r"]["x"] == 3 and out["r"]["run"],
    ),
    Case(
        "intrinsic_functions",
        one(
            {
                "Type": "Pass",
                "Parameters": {
                    "format.$": "States.Format('{}-{}', $.v, States.ArrayLength($.l))",
                    "merge.$": "States.JsonMerge($.m, $.n, false)",
                    "add.$": "States.MathAdd($.v, 1)",
                    "partition.$": "States.ArrayPartition($.l, 2)",
                    "parsed.$": "States.StringToJson($.s)",
                    "base64.$": "States.Base64Encode('x')",
                    "unique.$": "States.ArrayUnique($.l)",
                    "split.$": "States.StringSplit('a,b', ',')",
                },
            }
        ),
        {"v": 3, "l": [1, 2, 2], "m": {"a": 1}, "n": {"b": 2}, "s": '{"q":1}'},
        {
            "format": "3-3",
            "merge": {"a": 1, "b": 2},
            "add": 4,
            "partition": [[1, 2], [2]],
            "parsed": {"q": 1},
            "base64": "eA==",
            "unique": [1, 2],
            "split": ["a", "b"],
        },
    ),
    Case(
        "filters_wildcards_and_descent",
        one(
            {
                "Type": "Pass",
                "Parameters": {
                    "filter.$": "$.l[?(@.k > 1)].k",
                    "all.$": "$.l[*].k",
                    "deep.$": "$..k",
                    "last.$": "$.l[-1].k",
                    "slice.$": "$.l[0:1].k",
                    "nested": [{"quoted.$": "$['a b']"}],
                },
            }
        ),
        {"l": [{"k": 1}, {"k": 2}], "a b": 7},
        {"filter": [2], "all": [1, 2], "deep": [1, 2], "last": 2, "slice": [1], "nested": [{"quoted": 7}]},
    ),
    Case(
        "a_path_to_nothing_is_an_error",
        one({"Type": "Pass", "Parameters": {"a.$": "$.missing"}}),
        {"k": 1},
        error="States.Runtime",
        cause="An error occurred while executing the state 'A' (entered at the event id #2). The JSONPath "
        "'$.missing' specified for the field 'a.$' could not be found in the input '{\"k\": 1}'",
    ),
    Case(
        "an_input_path_to_nothing_is_an_error",
        one({"Type": "Pass", "InputPath": "$.missing"}),
        error="States.Runtime",
        cause="Invalid path '$.missing'",
    ),
    Case(
        "all_errors_do_not_include_a_runtime_error",
        chain(
            A={
                **LAMBDA,
                "InputPath": "$.missing",
                "Parameters": {"FunctionName": "FUNCTION"},
                "End": True,
                "Catch": [{"ErrorEquals": ["States.ALL"], "Next": "B"}],
            },
            B=DONE,
        ),
        error="States.Runtime",
    ),
    Case(
        "a_result_without_a_place_is_an_error",
        one({"Type": "Pass", "Result": 1, "ResultPath": "$.r"}),
        "text",
        error="States.ResultPathMatchFailure",
    ),
    Case(
        "choice_operators",
        chain(
            A={
                "Type": "Choice",
                "Choices": [
                    {
                        "And": [
                            {"Variable": "$.a", "NumericGreaterThan": 1},
                            {"Not": {"Variable": "$.zz", "IsPresent": True}},
                            {"Variable": "$.null", "IsPresent": True},
                            {"Variable": "$.null", "IsNull": True},
                            {"Variable": "$.s", "StringMatches": "ab*"},
                        ],
                        "Next": "Y",
                    }
                ],
                "Default": "N",
            },
            Y=SUCCEED,
            N={"Type": "Fail", "Error": "no"},
        ),
        {"a": 2, "s": "abc", "null": None},
        {"a": 2, "s": "abc", "null": None},
    ),
    Case(
        "a_choice_on_a_missing_value_is_an_error",
        chain(
            A={
                "Type": "Choice",
                "Choices": [{"Variable": "$.zz", "NumericEquals": 1, "Next": "B"}],
                "Default": "B",
            },
            B=SUCCEED,
        ),
        error="States.Runtime",
        cause="Invalid path '$.zz': The choice state's condition path references an invalid value.",
    ),
    Case(
        "the_context_object",
        one({"Type": "Pass", "Parameters": {"whole.$": "$$", "name.$": "$$.State.Name"}}),
        {"k": 1},
        lambda out: (
            out["name"] == "A"
            and set(out["whole"]) == {"Execution", "StateMachine", "State"}
            and out["whole"]["Execution"]["Input"] == {"k": 1}
            and out["whole"]["Execution"]["RoleArn"].endswith("role/contract-tests")
        ),
    ),
    Case(
        "variables_keep_their_values_until_they_are_needed",
        chain(
            A={"Type": "Pass", "Result": {"k": 5}, "ResultPath": None, "Assign": {"v.$": "$.k"}, "Next": "B"},
            B={"Type": "Pass", "Parameters": {"r.$": "$v", "k.$": "$.k"}, "End": True},
        ),
        {"k": 1},
        {"r": 5, "k": 1},
    ),
    Case(
        "a_choice_and_a_catcher_assign_variables",
        chain(
            A={
                "Type": "Choice",
                "Choices": [
                    {"Variable": "$.k", "IsPresent": True, "Assign": {"chosen.$": "$.k"}, "Next": "B"}
                ],
            },
            B=call(
                {"raise": True},
                Catch=[{"ErrorEquals": ["MyError"], "Assign": {"error.$": "$.Error"}, "Next": "C"}],
                End=True,
            ),
            C={"Type": "Pass", "Parameters": {"chosen.$": "$chosen", "error.$": "$error"}, "End": True},
        ),
        {"k": 1},
        {"chosen": 1, "error": "MyError"},
    ),
    Case(
        "branches_change_only_their_own_variables",
        chain(
            A={"Type": "Pass", "Assign": {"v": 1}, "Next": "B"},
            B={
                "Type": "Parallel",
                "Branches": [
                    chain(
                        C={"Type": "Pass", "Assign": {"v": 2}, "Next": "D"},
                        D={"Type": "Pass", "Parameters": {"v.$": "$v"}, "End": True},
                    )
                ],
                "Next": "E",
            },
            E={"Type": "Pass", "Parameters": {"inside.$": "$[0].v", "outside.$": "$v"}, "End": True},
        ),
        output={"inside": 2, "outside": 1},
    ),
]

ERRORS = [
    Case(
        "retries_until_the_function_succeeds",
        one(
            call(
                {"fail": 2, "counter": "retry"},
                OutputPath="$.Payload",
                Retry=[
                    {
                        "ErrorEquals": ["RuntimeError"],
                        "IntervalSeconds": 1,
                        "MaxAttempts": 3,
                        "BackoffRate": 1.0,
                    }
                ],
            )
        ),
        output={"attempts": 3},
    ),
    Case(
        "retries_with_a_longest_delay_and_jitter",
        one(
            call(
                {"fail": 3, "counter": "jitter"},
                OutputPath="$.Payload",
                Retry=[{**RETRYING, "MaxDelaySeconds": 1, "JitterStrategy": "FULL"}],
            )
        ),
        output={"attempts": 4},
    ),
    Case(
        "catches_the_functions_own_error",
        chain(
            A=call(
                {"raise": True},
                End=True,
                Catch=[{"ErrorEquals": ["MyError"], "ResultPath": "$.err", "Next": "B"}],
            ),
            B=DONE,
        ),
        {"k": 1},
        lambda out: (
            out["k"] == 1
            and out["err"]["Error"] == "MyError"
            and json.loads(out["err"]["Cause"])["errorMessage"] == "custom"
        ),
    ),
    Case(
        "catches_all_errors_of_branches",
        chain(
            A={
                "Type": "Parallel",
                "Branches": [
                    chain(F={"Type": "Fail", "Error": "E", "Cause": "c"}),
                    chain(W={"Type": "Wait", "Seconds": 1, "End": True}),
                ],
                "Catch": [{"ErrorEquals": ["States.ALL"], "Next": "B"}],
                "End": True,
            },
            B=DONE,
        ),
        output={"Error": "E", "Cause": "c"},
    ),
    Case("a_task_has_a_timeout", one(call({"sleep": 4}, TimeoutSeconds=1)), error="States.Timeout"),
    Case(
        "a_tasks_timeout_comes_from_a_path",
        one(call({"sleep": 4}, TimeoutSecondsPath="$.limit")),
        {"limit": 1},
        error="States.Timeout",
    ),
    Case(
        "a_state_machine_has_a_timeout",
        {**one({"Type": "Wait", "Seconds": 30}), "TimeoutSeconds": 1},
        error="States.Timeout",
        status="TIMED_OUT",
    ),
    Case(
        "a_missing_heartbeat_is_a_timeout",
        one(
            {
                "Type": "Task",
                "Resource": "arn:aws:states:::sqs:sendMessage.waitForTaskToken",
                "Parameters": {"QueueUrl": "QUEUE", "MessageBody": "no one answers"},
                "HeartbeatSeconds": 1,
            }
        ),
        error="States.HeartbeatTimeout",
    ),
    Case(
        "what_waits_for_a_token_hurries_to_its_timeout",
        one(
            {
                "Type": "Task",
                "Resource": "arn:aws:states:::sqs:sendMessage.waitForTaskToken",
                "Parameters": {"QueueUrl": "QUEUE", "MessageBody": "no one answers"},
                "TimeoutSeconds": 60,
            }
        ),
        error="States.Timeout",
    ),
    Case(
        "a_function_answers_by_its_token",
        one(
            {
                "Type": "Task",
                "Resource": "arn:aws:states:::lambda:invoke.waitForTaskToken",
                "Parameters": {"FunctionName": "FUNCTION", "Payload": {"token.$": "$$.Task.Token"}},
            }
        ),
        output={"answered": True},
    ),
    Case(
        "a_result_above_256_kib_is_refused",
        one(call({"large": 262_145})),
        error="States.DataLimitExceeded",
        cause="returned a result with a size exceeding the maximum number of bytes service limit",
    ),
    Case(
        "an_output_above_256_kib_is_refused",
        one({"Type": "Pass", "Parameters": {"a.$": "$.x", "b.$": "$.x"}}),
        {"x": "x" * 200_000},
        error="States.DataLimitExceeded",
    ),
]

MAPS = [
    Case(
        "an_inline_map_selects_items",
        one(
            {
                "Type": "Map",
                "ItemsPath": "$.l",
                "MaxConcurrency": 2,
                "ItemSelector": {"v.$": "$$.Map.Item.Value", "i.$": "$$.Map.Item.Index", "k.$": "$.k"},
                "ItemProcessor": {
                    "ProcessorConfig": {"Mode": "INLINE"},
                    "StartAt": "X",
                    "States": {"X": DONE},
                },
            }
        ),
        {"l": [7, 8], "k": 1},
        [{"v": 7, "i": 0, "k": 1}, {"v": 8, "i": 1, "k": 1}],
    ),
    Case(
        "a_distributed_map_reads_csv",
        one(distributed(s3_items("d.csv", InputType="CSV", CSVHeaderLocation="FIRST_ROW"))),
        output=[{"a": "1", "b": "2"}, {"a": "3", "b": "4"}, {"a": "5", "b": "6"}],
    ),
    Case(
        "a_distributed_map_reads_json_lines",
        one(distributed(s3_items("d.jsonl", InputType="JSONL"))),
        output=[{"a": 1}, {"a": 2}],
    ),
    Case(
        "a_distributed_map_lists_objects",
        one(
            distributed(
                {
                    "Resource": "arn:aws:states:::s3:listObjectsV2",
                    "Parameters": {"Bucket": "BUCKET", "Prefix": "d."},
                }
            )
        ),
        output=lambda out: [item["Key"] for item in out] == ["d.csv", "d.json", "d.jsonl"],
    ),
    Case(
        "a_distributed_map_batches_items",
        one(
            distributed(
                s3_items("d.json", InputType="JSON"),
                ItemBatcher={"MaxItemsPerBatch": 2, "BatchInput": {"k.$": "$.k"}},
            )
        ),
        {"k": 1},
        [
            {"BatchInput": {"k": 1}, "Items": [1, 2]},
            {"BatchInput": {"k": 1}, "Items": [3, 4]},
            {"BatchInput": {"k": 1}, "Items": [5]},
        ],
    ),
    Case(
        "a_distributed_map_writes_its_results",
        one(
            distributed(
                s3_items("d.json", InputType="JSON"),
                ResultWriter={
                    "Resource": "arn:aws:states:::s3:putObject",
                    "Parameters": {"Bucket": "BUCKET", "Prefix": "results"},
                },
            )
        ),
        output=lambda out: (
            out["ResultWriterDetails"]["Key"].startswith("results/")
            and out["ResultWriterDetails"]["Key"].endswith("/manifest.json")
            and ":mapRun:" in out["MapRunArn"]
        ),
    ),
    Case(
        "a_distributed_map_tolerates_failures",
        one(
            {
                "Type": "Map",
                "ItemsPath": "$.l",
                "ToleratedFailurePercentage": 60,
                "ItemProcessor": {
                    "ProcessorConfig": {"Mode": "DISTRIBUTED", "ExecutionType": "STANDARD"},
                    **chain(
                        C={
                            "Type": "Choice",
                            "Choices": [{"Variable": "$", "NumericEquals": 1, "Next": "F"}],
                            "Default": "X",
                        },
                        F={"Type": "Fail", "Error": "q"},
                        X=DONE,
                    ),
                },
            }
        ),
        {"l": [1, 2, 3]},
        [None, 2, 3],
    ),
]

JSONATA = [
    Case(
        "jsonata_assigns_and_chooses",
        jsonata(
            chain(
                A={
                    "Type": "Pass",
                    "Assign": {"v": "{% $states.input.k * 2 %}"},
                    "Output": {"s": "{% $sum([1, 2, 3]) %}"},
                    "Next": "B",
                },
                B={
                    "Type": "Choice",
                    "Choices": [{"Condition": "{% $v = 10 %}", "Next": "C"}],
                    "Default": "D",
                },
                C={"Type": "Pass", "Output": "{% {'v': $v, 's': $states.input.s} %}", "End": True},
                D={"Type": "Fail"},
            )
        ),
        {"k": 5},
        {"v": 10, "s": 6},
    ),
    Case(
        "jsonata_calls_a_function",
        jsonata(
            one(
                {
                    **LAMBDA,
                    "Arguments": {"FunctionName": "FUNCTION", "Payload": {"q": "{% $states.input.k %}"}},
                    "Output": "{% $states.result.Payload.echo.q %}",
                    "TimeoutSeconds": "{% $states.input.k %}",
                }
            )
        ),
        {"k": 9},
        9,
    ),
    Case(
        "jsonata_catches_with_output_and_variables",
        jsonata(
            chain(
                A={
                    **LAMBDA,
                    "Arguments": {"FunctionName": "FUNCTION", "Payload": {"raise": True}},
                    "Catch": [
                        {
                            "ErrorEquals": ["States.ALL"],
                            "Assign": {"why": "{% $states.errorOutput.Error %}"},
                            "Output": "{% $parse($states.errorOutput.Cause).errorMessage %}",
                            "Next": "B",
                        }
                    ],
                    "End": True,
                },
                B={"Type": "Succeed", "Output": {"why": "{% $why %}", "message": "{% $states.input %}"}},
            )
        ),
        output={"why": "MyError", "message": "custom"},
    ),
    Case(
        "jsonata_failures_have_their_own_error",
        jsonata(one({"Type": "Pass", "Output": "{% $states.input.missing %}"})),
        error="States.QueryEvaluationError",
    ),
    Case(
        "a_jsonata_condition_must_be_boolean",
        jsonata(
            chain(
                A={"Type": "Choice", "Choices": [{"Condition": "{% 'yes' %}", "Next": "B"}], "Default": "B"},
                B=SUCCEED,
            )
        ),
        error="States.QueryEvaluationError",
        cause="Expected 'boolean'",
    ),
    Case(
        "jsonata_parallel_has_arguments_and_output",
        jsonata(
            one(
                {
                    "Type": "Parallel",
                    "Arguments": {"n": "{% $states.input.k + 1 %}"},
                    "Branches": [
                        chain(B={"Type": "Pass", "Output": "{% $states.input.n %}", "End": True}),
                        chain(C={"Type": "Pass", "Output": "{% $states.input.n * 10 %}", "End": True}),
                    ],
                    "Output": {"all": "{% $states.result %}"},
                }
            )
        ),
        {"k": 1},
        {"all": [2, 20]},
    ),
    Case(
        "jsonata_map_has_items_and_output",
        jsonata(
            one(
                {
                    "Type": "Map",
                    "Items": "{% $states.input.l %}",
                    "ItemSelector": {"v": "{% $states.context.Map.Item.Value %}"},
                    "ItemProcessor": {"StartAt": "X", "States": {"X": DONE}},
                    "Output": "{% $states.result.v %}",
                }
            )
        ),
        {"l": [1, 2]},
        [1, 2],
    ),
    Case(
        "jsonata_distributed_map_has_items_batches_and_output",
        jsonata(
            one(
                distributed(
                    None,
                    Items="{% $states.input.l %}",
                    ItemBatcher={"MaxItemsPerBatch": "{% $states.input.size %}"},
                    Output="{% $count($states.result) %}",
                )
            )
        ),
        {"l": [1, 2, 3], "size": 2},
        2,
    ),
    Case(
        "variables_of_one_assign_change_together",
        jsonata(
            chain(
                A={"Type": "Pass", "Assign": {"a": 1, "b": 2}, "Next": "B"},
                B={"Type": "Pass", "Assign": {"a": "{% $b %}", "b": "{% $a %}"}, "Next": "C"},
                C={"Type": "Succeed", "Output": "{% [$a, $b] %}"},
            )
        ),
        output=[2, 1],
    ),
    Case(
        "jsonata_sees_the_context_object",
        jsonata(one({"Type": "Pass", "Output": "{% $sort($keys($states.context)) %}"})),
        output=["Execution", "State", "StateMachine"],
    ),
]

SERVICES = [
    Case(
        "dynamodb_by_sdk_and_by_integration",
        chain(
            A={
                "Type": "Task",
                "Resource": "arn:aws:states:::aws-sdk:dynamodb:putItem",
                "Parameters": {"TableName": "TABLE", "Item": {"pk": {"S": "z"}}},
                "ResultPath": None,
                "Next": "B",
            },
            B={
                "Type": "Task",
                "Resource": "arn:aws:states:::dynamodb:getItem",
                "Parameters": {"TableName": "TABLE", "Key": {"pk": {"S": "z"}}},
                "OutputPath": "$.Item",
                "End": True,
            },
        ),
        output={"pk": {"S": "z"}},
    ),
    Case(
        "s3_by_sdk",
        one(
            {
                "Type": "Task",
                "Resource": "arn:aws:states:::aws-sdk:s3:listObjectsV2",
                "Parameters": {"Bucket": "BUCKET", "Prefix": "d."},
                "OutputPath": "$.Contents[*].Key",
            }
        ),
        output=["d.csv", "d.json", "d.jsonl"],
    ),
    Case(
        "cloudwatch_by_sdk",
        one(
            {
                "Type": "Task",
                "Resource": "arn:aws:states:::aws-sdk:cloudwatch:putMetricData",
                "Parameters": {"Namespace": "Contract", "MetricData": [{"MetricName": "m", "Value": 1}]},
            }
        ),
        output=lambda out: True,
    ),
    Case(
        "errors_of_the_sdk_carry_the_services_name",
        one(
            {
                "Type": "Task",
                "Resource": "arn:aws:states:::aws-sdk:sagemaker:describeTrainingJob",
                "Parameters": {"TrainingJobName": "nope"},
            }
        ),
        error="SageMaker.SageMakerException",
    ),
    Case(
        "eventbridge_by_sdk",
        one(
            {
                "Type": "Task",
                "Resource": "arn:aws:states:::aws-sdk:eventbridge:putEvents",
                "Parameters": {"Entries": [{"Source": "q", "DetailType": "d", "Detail": "{}"}]},
                "OutputPath": "$.FailedEntryCount",
            }
        ),
        output=0,
    ),
    Case(
        "events_and_messages_by_integration",
        chain(
            A={
                "Type": "Task",
                "Resource": "arn:aws:states:::events:putEvents",
                "Parameters": {"Entries": [{"Source": "q", "DetailType": "d", "Detail": {"a": 1}}]},
                "ResultPath": None,
                "Next": "B",
            },
            B={
                "Type": "Task",
                "Resource": "arn:aws:states:::sqs:sendMessage",
                "Parameters": {"QueueUrl": "QUEUE", "MessageBody.$": "$"},
                "End": True,
            },
        ),
        output=lambda out: "MessageId" in out,
    ),
    Case(
        "a_state_machine_waits_for_another",
        one(
            {
                "Type": "Task",
                "Resource": "arn:aws:states:::states:startExecution.sync:2",
                "Parameters": {"StateMachineArn": "CHILD", "Input": {"by.$": "$$.Execution.Id"}},
                "OutputPath": "$.Output",
            }
        ),
        output={"child": True},
    ),
    Case(
        "a_training_job_is_started",
        one(
            {
                "Type": "Task",
                "Resource": "arn:aws:states:::sagemaker:createTrainingJob",
                "Parameters": {**TRAINING_JOB, "TrainingJobName": "started"},
            }
        ),
        output=lambda out: out["TrainingJobArn"].endswith("training-job/started"),
    ),
    Case(
        "a_training_job_that_fails_fails_the_task",
        one(
            {
                "Type": "Task",
                "Resource": "arn:aws:states:::sagemaker:createTrainingJob.sync",
                "Parameters": {**TRAINING_JOB, "TrainingJobName": "awaited"},
            }
        ),
        error="States.TaskFailed",
        cause='"TrainingJobStatus": "Failed"',
    ),
]

CASES = [*PATHS, *ERRORS, *MAPS, *JSONATA, *SERVICES]
Claim = Callable[[Any], bool]
