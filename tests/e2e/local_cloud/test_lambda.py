"""Functions: what they may, what they see, how they end, what they leave in the log."""

import base64
import io
import json
import re
import time
import zipfile

import pytest
from botocore.exceptions import ClientError

from tests.e2e.cloud import code_archive, eventually, new_name, running

CODE = """
import importlib, json, os, time
import boto3

print("loaded")
calls = 0

class NoRowsError(Exception):
    pass

def main(event, context):
    global calls
    calls += 1
    return globals()[event.pop("do")](context, **event)

def environment(context):
    return dict(os.environ)

def describe(context):
    return {
        "request": context.aws_request_id,
        "arn": context.invoked_function_arn,
        "memory": context.memory_limit_in_mb,
        "remaining_ms": context.get_remaining_time_in_millis(),
        "log_group": context.log_group_name,
        "log_stream": context.log_stream_name,
        "calls": calls,
    }

def put(context, bucket):
    boto3.client("s3").put_object(Bucket=bucket, Key="from/function", Body=b"1")

def whoami(context):
    return boto3.client("sts").get_caller_identity()["Arn"]

def load(context, module):
    return importlib.import_module(module).__name__

def refuse(context):
    raise NoRowsError("the file is empty")

def wait(context, seconds):
    print("waiting", flush=True)
    time.sleep(seconds)

def leave(context, code):
    os._exit(code)

def grow(context, megabytes):
    block = bytearray(os.urandom(2**20)) * megabytes
    time.sleep(1)
    return len(block)

def say(context, text):
    print(text)

def large(context, megabytes, text=""):
    return "x" * megabytes * 2**20

def unserialisable(context):
    return {1, 2}
"""


@pytest.fixture(scope="module")
def make_function(cloud):
    """Make a function of the code above, whose role may write logs and what is named; return its name."""
    made = []

    def make_function(*actions, code=CODE, layers=(), variables=None, **settings):
        allowed = [{"Action": list(actions), "Resource": "*"}] if actions else []
        name = new_name("function")
        cloud.client("lambda").create_function(
            FunctionName=name,
            Runtime="python3.14",
            Role=cloud.role(*allowed, principal="lambda"),
            Code={"ZipFile": code_archive(code)},
            Environment={"Variables": variables or {}},
            Layers=list(layers),
            **{"Handler": "main.main", "Timeout": 20, "MemorySize": 256, **settings},
        )
        made.append(name)
        return name

    yield make_function
    for name in made:
        cloud.client("lambda").delete_function(FunctionName=name)


@pytest.fixture(scope="module")
def function(make_function):
    """The function of all tests that need no setting of their own."""
    return make_function(variables={"COLOUR": "green"})


@pytest.fixture(scope="module")
def invoke(client):
    """Return the answer of a function and its payload."""

    def invoke(function, do, **arguments):
        payload = json.dumps({"do": do, **arguments})
        answer = client("lambda").invoke(FunctionName=function, Payload=payload, LogType="Tail")
        return answer, json.loads(answer["Payload"].read())

    return invoke


@pytest.fixture(scope="module")
def log_of(client):
    """Return the lines of a function's log, once a line that matches is there."""

    def log_of(function, pattern):
        def lines():
            events = client("logs").filter_log_events(logGroupName=f"/aws/lambda/{function}")["events"]
            return [event["message"].rstrip("\n") for event in events]

        return eventually(lines, lambda lines: any(re.search(pattern, line) for line in lines))

    return log_of


@pytest.fixture(scope="module")
def bucket(client):
    name = new_name("bucket")
    client("s3").create_bucket(Bucket=name)
    return name


# --- what a function may


def test_a_function_without_permission_is_refused(function, invoke, bucket):
    answer, payload = invoke(function, "put", bucket=bucket)

    assert answer["FunctionError"] == "Unhandled"
    assert "AccessDenied" in payload["errorMessage"]


def test_a_function_with_permission_is_served(make_function, invoke, client, bucket):
    _, payload = invoke(make_function("s3:PutObject"), "put", bucket=bucket)

    assert payload is None
    assert client("s3").get_object(Bucket=bucket, Key="from/function")["Body"].read() == b"1"


def test_a_function_is_its_role(function, invoke, client):
    _, arn = invoke(function, "whoami")

    role = client("lambda").get_function_configuration(FunctionName=function)["Role"].rpartition("/")[2]
    assert arn == f"arn:aws:sts::123456789012:assumed-role/{role}/{function}"


def test_a_caller_needs_permission_to_invoke(cloud, function):
    stranger = cloud.as_role({"Action": "lambda:ListFunctions", "Resource": "*"})("lambda")

    with pytest.raises(ClientError, match="not authorized to perform: lambda:InvokeFunction"):
        stranger.invoke(FunctionName=function, Payload=b'{"do": "environment"}')


def test_an_unknown_function_is_not_found(client):
    with pytest.raises(client("lambda").exceptions.ResourceNotFoundException, match="Function not found"):
        client("lambda").invoke(FunctionName="none", Payload=b"{}")


# --- what a function sees


def test_a_function_sees_its_variables_and_lambdas(function, invoke):
    _, environment = invoke(function, "environment")

    assert environment["COLOUR"] == "green"
    assert environment["AWS_LAMBDA_FUNCTION_NAME"] == function
    assert environment["AWS_LAMBDA_FUNCTION_MEMORY_SIZE"] == "256"
    assert environment["AWS_EXECUTION_ENV"] == "AWS_Lambda_python3.14"
    assert environment["AWS_LAMBDA_LOG_GROUP_NAME"] == f"/aws/lambda/{function}"
    assert environment["AWS_ACCESS_KEY_ID"].startswith("ASIA")
    assert environment["AWS_SESSION_TOKEN"]
    assert not {"HEADRACE_STATE", "AUTH", "STATE_DIR", "GATEWAY_PORT"} & set(environment)


def test_variables_of_the_shell_reach_neither_the_cloud_nor_its_functions(new_cloud, monkeypatch):
    cloud = new_cloud()
    with monkeypatch.context() as shell:
        shell.setenv("AWS_PROFILE", "somebody")
        shell.setenv("AWS_SESSION_TOKEN", "a token for the real AWS")
        cloud.start()
    with running(cloud):
        cloud.client("lambda").create_function(
            FunctionName="seen",
            Runtime="python3.14",
            Handler="main.main",
            Role=cloud.role(principal="lambda"),
            Code={"ZipFile": code_archive(CODE)},
            Timeout=20,
        )
        payload = cloud.client("lambda").invoke(FunctionName="seen", Payload=b'{"do": "environment"}')[
            "Payload"
        ]
        environment = json.loads(payload.read())

    assert "AWS_PROFILE" not in environment
    assert environment["AWS_SESSION_TOKEN"] != "a token for the real AWS"


def test_the_context_tells_of_the_call(function, invoke, client):
    _, context = invoke(function, "describe")

    arn = client("lambda").get_function_configuration(FunctionName=function)["FunctionArn"]
    assert re.fullmatch(r"[0-9a-f-]{36}", context["request"])
    assert context["arn"] == arn
    assert context["log_group"] == f"/aws/lambda/{function}"
    assert context["memory"] == "256"
    assert 15_000 < context["remaining_ms"] <= 20_000


def test_an_environment_is_used_again(make_function, invoke):
    function = make_function()

    calls = [invoke(function, "describe")[1]["calls"] for _ in range(3)]

    assert calls == [1, 2, 3]


def test_new_code_gets_a_new_environment(make_function, invoke, client):
    function = make_function()
    invoke(function, "describe")

    new = CODE + "\ndef colour(context):\n    return 'blue'\n"
    client("lambda").update_function_code(FunctionName=function, ZipFile=code_archive(new))

    assert invoke(function, "colour")[1] == "blue"


# --- layers


def test_the_packages_of_a_layer_can_be_imported(make_function, invoke, layer):
    _, module = invoke(make_function(layers=[layer]), "load", module="of_a_layer")

    assert module == "of_a_layer"


def test_the_packages_of_a_layer_that_is_not_attached_cannot(function, invoke, layer):
    _, payload = invoke(function, "load", module="of_a_layer")

    assert payload["errorType"] == "ModuleNotFoundError"


@pytest.mark.parametrize("module", ["numpy", "pandas", "aws_lambda_powertools", "sklearn"])
def test_packages_of_this_machine_cannot_be_imported(function, invoke, module):
    _, payload = invoke(function, "load", module=module)

    assert payload["errorMessage"] == f"No module named '{module}'"


def test_the_packages_of_awss_public_layer_can(make_function, invoke):
    arn = "arn:aws:lambda:us-east-1:336392948345:layer:AWSSDKPandas-Python314-Arm64:6"
    function = make_function(layers=[arn], MemorySize=512)

    assert invoke(function, "load", module="pandas")[1] == "pandas"


def test_packages_that_a_layer_brings_along_are_taken_from_this_machine(make_function, invoke, client):
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as bundle:
        bundle.writestr("python/PyYAML-6.0.dist-info/METADATA", "Name: PyYAML\nVersion: 6.0\n")
        bundle.writestr("python/yaml/__init__.py", "raise ImportError('built for another processor')")
    answer = client("lambda").publish_layer_version(
        LayerName=new_name("layer"), Content={"ZipFile": buffer.getvalue()}
    )

    _, module = invoke(make_function(layers=[answer["LayerVersionArn"]]), "load", module="yaml")

    assert module == "yaml"


def test_a_layer_that_does_not_exist_is_refused(make_function):
    missing = "arn:aws:lambda:us-east-1:123456789012:layer:none:1"

    with pytest.raises(ClientError, match="InvalidParameterValueException"):
        make_function(layers=[missing])


@pytest.fixture(scope="module")
def layer(client):
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as bundle:
        bundle.writestr("python/of_a_layer.py", "")
    answer = client("lambda").publish_layer_version(
        LayerName=new_name("layer"), Content={"ZipFile": buffer.getvalue()}
    )
    return answer["LayerVersionArn"]


# --- how a function ends


def test_an_exception_is_the_answer(function, invoke):
    answer, payload = invoke(function, "refuse")

    assert (answer["StatusCode"], answer["FunctionError"]) == (200, "Unhandled")
    assert (payload["errorType"], payload["errorMessage"]) == ("NoRowsError", "the file is empty")
    assert payload["requestId"]
    assert any("in refuse" in frame for frame in payload["stackTrace"])


def test_an_answer_that_is_no_json_is_an_error(function, invoke):
    _, payload = invoke(function, "unserialisable")

    assert payload["errorType"] == "Runtime.MarshalError"
    assert payload["errorMessage"].startswith("Unable to marshal response")


def test_a_handler_that_does_not_exist_is_an_error(make_function, invoke):
    answer, payload = invoke(make_function(Handler="main.none"), "describe")

    assert answer["FunctionError"] == "Unhandled"
    assert payload["errorType"] == "Runtime.HandlerNotFound"


def test_code_that_cannot_be_imported_is_an_error(make_function, invoke):
    _, payload = invoke(make_function(code="import nothing_of_this_name"), "describe")

    assert payload["errorType"] == "Runtime.ImportModuleError"
    assert payload["errorMessage"].startswith("Unable to import module 'main'")


def test_a_timeout_kills_and_says_so(make_function, invoke, log_of):
    function = make_function(Timeout=1)
    started = time.monotonic()
    answer, payload = invoke(function, "wait", seconds=30)

    assert time.monotonic() - started < 5
    assert answer["FunctionError"] == "Unhandled"
    assert payload["errorType"] == "Sandbox.Timedout"
    assert re.fullmatch(
        r"RequestId: [0-9a-f-]{36} Error: Task timed out after 1.00 seconds", payload["errorMessage"]
    )
    lines = log_of(function, "^REPORT")
    assert "waiting" in lines
    assert any(re.search(r"^\S+Z [0-9a-f-]{36} Task timed out after 1.00 seconds$", line) for line in lines)
    assert invoke(function, "describe")[1]["calls"] == 1  # in a new environment


def test_a_function_that_exits_says_so(function, invoke):
    _, payload = invoke(function, "leave", code=3)

    assert payload["errorType"] == "Runtime.ExitError"
    assert payload["errorMessage"].endswith("Error: Runtime exited with error: exit status 3")
    assert invoke(function, "describe")[1]["calls"] == 1


def test_a_function_that_needs_too_much_memory_is_killed(make_function, invoke):
    function = make_function(MemorySize=128)

    _, payload = invoke(function, "grow", megabytes=300)

    assert payload["errorType"] == "Runtime.OutOfMemory"
    assert payload["errorMessage"].endswith("Error: Runtime exited with error: signal: killed")


def test_a_function_with_enough_memory_is_not(make_function, invoke):
    assert invoke(make_function(MemorySize=512), "grow", megabytes=100)[1] == 100 * 2**20


# --- limits


def test_an_event_of_more_than_six_megabytes_is_refused(function, client):
    event = json.dumps({"do": "large", "megabytes": 0, "text": "x" * 6 * 2**20})

    with pytest.raises(client("lambda").exceptions.RequestTooLargeException) as refusal:
        client("lambda").invoke(FunctionName=function, Payload=event)
    assert refusal.value.response["Error"]["Message"] == (
        f"{len(event)} byte payload is too large for the RequestResponse invocation type (limit 6291456 bytes)"
    )


def test_an_answer_of_more_than_six_megabytes_is_an_error(function, invoke):
    assert len(invoke(function, "large", megabytes=5)[1]) == 5 * 2**20
    answer, payload = invoke(function, "large", megabytes=7)

    assert answer["FunctionError"] == "Unhandled"
    assert payload["errorType"] == "Function.ResponseSizeTooLarge"
    assert "exceeded maximum allowed payload size (6291556 bytes)" in payload["errorMessage"]


# --- what a function leaves


def test_a_call_is_logged_from_start_to_report(make_function, invoke, log_of):
    function = make_function()
    invoke(function, "say", text="some words")

    lines = log_of(function, "^REPORT")
    [request] = [line.split()[2] for line in lines if line.startswith("START")]
    assert lines[0].startswith("loaded")  # the initialisation comes before the first call
    assert lines[1:] == [
        f"START RequestId: {request} Version: $LATEST",
        "some words",
        f"END RequestId: {request}",
        lines[-1],
    ]
    report = (
        rf"REPORT RequestId: {request}\tDuration: [\d.]+ ms\tBilled Duration: \d+ ms\t"
        r"Memory Size: 256 MB\tMax Memory Used: (\d+) MB\tInit Duration: [\d.]+ ms\t"
    )
    used = re.fullmatch(report, lines[-1])
    assert used, lines[-1]
    assert 10 < int(used[1]) < 256


def test_each_environment_has_a_log_stream_and_knows_it(make_function, invoke, client):
    function = make_function()
    told = {invoke(function, "describe")[1]["log_stream"] for _ in range(2)}
    invoke(function, "leave", code=1)
    told.add(invoke(function, "describe")[1]["log_stream"])

    streams = client("logs").describe_log_streams(logGroupName=f"/aws/lambda/{function}")["logStreams"]
    assert {stream["logStreamName"] for stream in streams} == told
    assert len(told) == 2
    assert all(re.fullmatch(r"\d{4}/\d\d/\d\d/\[\$LATEST\][0-9a-f]{32}", stream) for stream in told)


def test_an_exception_is_logged_with_its_trace(function, invoke, log_of):
    invoke(function, "refuse")

    lines = log_of(function, r"^\[ERROR\] NoRowsError: the file is empty")
    assert "Traceback (most recent call last):" in lines


def test_the_tail_of_the_log_comes_with_the_answer(function, invoke):
    answer, _ = invoke(function, "say", text="some words")

    tail = base64.b64decode(answer["LogResult"]).decode().splitlines()
    assert [line for line in tail if line.startswith("START RequestId:")]
    assert "some words" in tail
    assert tail[-1].startswith("REPORT RequestId:")


def test_metrics_that_are_embedded_in_the_log_are_stored(function, invoke, client, name):
    document = {
        "_aws": {
            "Timestamp": int(time.time() * 1000),
            "CloudWatchMetrics": [
                {
                    "Namespace": name,
                    "Dimensions": [["Pipeline"]],
                    "Metrics": [{"Name": "Rows", "Unit": "Count"}],
                }
            ],
        },
        "Pipeline": "bike",
        "Rows": 17,
    }
    invoke(function, "say", text=json.dumps(document))

    [metric] = eventually(lambda: client("cloudwatch").list_metrics(Namespace=name)["Metrics"])
    assert metric["MetricName"] == "Rows"
    assert metric["Dimensions"] == [{"Name": "Pipeline", "Value": "bike"}]
    assert _sum(client, name, "Rows", metric["Dimensions"]) == 17


def test_calls_and_errors_are_counted(make_function, invoke, client):
    function = make_function()
    invoke(function, "describe")
    invoke(function, "refuse")

    dimensions = [{"Name": "FunctionName", "Value": function}]
    assert _sum(client, "AWS/Lambda", "Invocations", dimensions) == 2
    assert _sum(client, "AWS/Lambda", "Errors", dimensions) == 1


def test_calls_that_nobody_waits_for_are_counted_too(make_function, client):
    function = make_function()
    client("lambda").put_function_event_invoke_config(FunctionName=function, MaximumRetryAttempts=0)
    client("lambda").invoke(FunctionName=function, InvocationType="Event", Payload=b'{"do": "refuse"}')

    dimensions = [{"Name": "FunctionName", "Value": function}]
    eventually(lambda: _sum(client, "AWS/Lambda", "Errors", dimensions) == 1)
    assert _sum(client, "AWS/Lambda", "Invocations", dimensions) == 1


def _sum(client, namespace, metric, dimensions):
    points = client("cloudwatch").get_metric_statistics(
        Namespace=namespace,
        MetricName=metric,
        Dimensions=dimensions,
        StartTime=time.time() - 600,
        EndTime=time.time() + 600,
        Period=3600,
        Statistics=["Sum"],
    )["Datapoints"]
    return sum(point["Sum"] for point in points)


# --- calls that nobody waits for


def test_a_call_that_nobody_waits_for_is_tried_again_and_then_reported(make_function, make_queue, client):
    function, queue = make_function("sqs:SendMessage"), make_queue()
    client("lambda").put_function_event_invoke_config(
        FunctionName=function,
        MaximumRetryAttempts=1,
        DestinationConfig={"OnFailure": {"Destination": queue["arn"]}},
    )
    answer = client("lambda").invoke(
        FunctionName=function, InvocationType="Event", Payload=b'{"do": "refuse"}'
    )

    report = json.loads(queue["receive"]()["Body"])
    arn = client("lambda").get_function_configuration(FunctionName=function)["FunctionArn"]
    assert answer["StatusCode"] == 202
    assert report["version"] == "1.0"
    assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z", report["timestamp"])
    assert report["requestContext"] == {
        "requestId": report["requestContext"]["requestId"],
        "functionArn": f"{arn}:$LATEST",
        "condition": "RetriesExhausted",
        "approximateInvokeCount": 2,
    }
    assert report["requestPayload"] == {"do": "refuse"}
    assert report["responseContext"] == {
        "statusCode": 200,
        "executedVersion": "$LATEST",
        "functionError": "Unhandled",
    }
    assert report["responsePayload"]["errorType"] == "NoRowsError"


def test_a_success_is_reported_to_its_destination(make_function, make_queue, client):
    function, queue = make_function("sqs:SendMessage"), make_queue()
    client("lambda").put_function_event_invoke_config(
        FunctionName=function, DestinationConfig={"OnSuccess": {"Destination": queue["arn"]}}
    )
    client("lambda").invoke(FunctionName=function, InvocationType="Event", Payload=b'{"do": "whoami"}')

    report = json.loads(queue["receive"]()["Body"])
    assert report["requestContext"]["condition"] == "Success"
    assert report["responsePayload"].endswith(f"/{function}")


def test_a_dead_letter_queue_gets_the_event_itself(make_function, make_queue, client):
    queue = make_queue()
    function = make_function("sqs:SendMessage", DeadLetterConfig={"TargetArn": queue["arn"]})
    client("lambda").put_function_event_invoke_config(FunctionName=function, MaximumRetryAttempts=0)
    client("lambda").invoke(FunctionName=function, InvocationType="Event", Payload=b'{"do": "refuse"}')

    message = queue["receive"]()
    assert json.loads(message["Body"]) == {"do": "refuse"}
    attributes = {key: value["StringValue"] for key, value in message["MessageAttributes"].items()}
    assert attributes["ErrorCode"] == "200"
    assert attributes["ErrorMessage"] == "the file is empty"
    assert attributes["RequestID"]


@pytest.fixture(scope="module")
def make_queue(client):
    def make_queue():
        sqs, name = client("sqs"), new_name("queue")
        url = sqs.create_queue(QueueName=name)["QueueUrl"]
        arn = f"arn:aws:sqs:us-east-1:123456789012:{name}"

        def receive():
            answer = eventually(
                lambda: sqs.receive_message(QueueUrl=url, WaitTimeSeconds=1, MessageAttributeNames=["All"]),
                lambda answer: "Messages" in answer,
            )
            return answer["Messages"][0]

        return {"arn": arn, "receive": receive}

    return make_queue
