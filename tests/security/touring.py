"""What tours of deployed pipelines share: steps one after the other, and ways to look and to call."""

import io
import json
import logging
import os
import re
import sys
import tempfile
import time
from pathlib import Path

from botocore.exceptions import ClientError

from tests.e2e.cloud import Cloud, free_port, running
from tests.e2e.deployment import deployed

log = logging.getLogger("tour")


class Tour:
    """The steps, in order: each leaves what the next ones need."""

    def __init__(self, cloud, outputs, endpoint):
        self.cloud, self.outputs, self.endpoint = cloud, outputs, endpoint
        self.s3, self.table = cloud.client("s3"), outputs["LedgerTableName"]
        self.data, self.artifacts = outputs["DataBucketName"], outputs["ArtifactsBucketName"]
        self.failed = []

    def steps(self):
        """Return the steps."""
        raise NotImplementedError

    def go(self):
        """Take all steps; one that fails is told of, and the next one is taken."""
        for step in self.steps():
            started = time.monotonic()
            try:
                step()
            except Exception:  # a recording with a hole shows more than none
                log.exception("%s failed", step.__name__)
                self.failed.append(step.__name__)
            log.info("%s: %.0f s", step.__name__, time.monotonic() - started)

    def drop(self, key, body):
        self.s3.put_object(Bucket=self.data, Key=f"incoming/{key}", Body=body)

    def ask(self, body, inference_id):
        self.cloud.client("sagemaker-runtime").invoke_endpoint(
            EndpointName=self.endpoint, ContentType="text/csv", Body=body, InferenceId=inference_id
        )

    def monitor(self):
        states = self.cloud.client("stepfunctions")
        machine = self.outputs["MonitorStateMachineArn"]
        arn = states.start_execution(stateMachineArn=machine, input="{}")["executionArn"]
        self.until("monitoring", lambda: states.describe_execution(executionArn=arn)["status"] != "RUNNING")

    def decide(self, request):
        states = self.cloud.client("stepfunctions")
        machine = self.outputs["DeployStateMachineArn"]
        states.start_execution(stateMachineArn=machine, input=json.dumps(request))
        time.sleep(8)

    def function(self, part):
        names = [
            function["FunctionName"]
            for page in self.cloud.client("lambda").get_paginator("list_functions").paginate()
            for function in page["Functions"]
        ]
        return next(name for name in names if part in name)

    def role(self, part):
        function = self.cloud.client("lambda").get_function(FunctionName=self.function(part))
        return function["Configuration"]["Role"].rpartition("/")[2]

    def invoke(self, part, event):
        return self.call(self.function(part), event)

    def call(self, function, event):
        answer = self.cloud.client("lambda").invoke(FunctionName=function, Payload=json.dumps(event).encode())
        body = answer["Payload"].read().decode()
        log.info("%s: %s", function.split("-")[2][:30], body[:300])
        return json.loads(body or "null")

    def message(self, key, version):
        """Return what Lambda would call a function with that polls a queue of S3's events."""
        thing = {"key": key, "version-id": version, "size": 1, "sequencer": "1"}
        detail = {"bucket": {"name": self.data}, "object": thing}
        body = json.dumps({"time": "2026-01-01T00:00:00Z", "detail": detail})
        return {"Records": [{"messageId": "1", "body": body, "eventSource": "aws:sqs"}]}

    def alarms(self):
        answer = self.cloud.client("cloudwatch").describe_alarms(AlarmTypes=["MetricAlarm", "CompositeAlarm"])
        return [*answer["MetricAlarms"], *answer.get("CompositeAlarms", [])]

    def set_alarm(self, name, state):
        self.cloud.client("cloudwatch").set_alarm_state(AlarmName=name, StateValue=state, StateReason="tour")

    def items(self, partition):
        return list(
            self.cloud.client("dynamodb").query(
                TableName=self.table,
                KeyConditionExpression="pk = :pk",
                ExpressionAttributeValues={":pk": {"S": partition}},
            )["Items"]
        )

    def item(self, partition, sort):
        return next((item for item in self.items(partition) if item["sk"]["S"] == sort), {})

    def put(self, partition, sort, values):
        table = self.cloud.client("dynamodb")
        item = {"pk": partition, "sk": sort, **values}
        table.put_item(TableName=self.table, Item={name: attribute(value) for name, value in item.items()})

    def version(self):
        if "lock" in {item["sk"]["S"] for item in self.items("deployment")}:
            return None
        try:
            endpoint = self.cloud.client("sagemaker").describe_endpoint(EndpointName=self.endpoint)
        except ClientError:
            return None
        return str(endpoint["ProductionVariants"][0]["VariantName"])

    def waiting_token(self):
        return bool(self.item("release", "running").get("token", {}).get("S"))

    def package_arn(self, version):
        return f"arn:aws:sagemaker:us-east-1:123456789012:model-package/{self.endpoint}/{version}"

    def last_execution(self, machine):
        runs = self.cloud.client("stepfunctions").list_executions(stateMachineArn=self.outputs[machine])
        return str(runs["executions"][-1]["executionArn"])

    def events(self, machine):
        """Return the types of all events of the executions of a state machine."""
        states = self.cloud.client("stepfunctions")
        machines = states.list_state_machines()["stateMachines"]
        (arn,) = (
            m["stateMachineArn"] for m in machines if re.search(rf"-{machine}[0-9A-F]{{8}}-", m["name"])
        )
        runs = states.list_executions(stateMachineArn=arn)["executions"]
        histories = (states.get_execution_history(executionArn=run["executionArn"]) for run in runs)
        return {event["type"] for history in histories for event in history["events"]}

    def keys(self, bucket, prefix):
        found = self.s3.list_objects_v2(Bucket=bucket, Prefix=prefix).get("Contents", [])
        return [item["Key"] for item in found]

    def until(self, what, look, within_s=600):
        deadline = time.monotonic() + within_s
        while not look():
            if time.monotonic() > deadline:
                raise TimeoutError(f"waited {within_s} s in vain for {what}")
            time.sleep(0.3)


def csv_of(frame):
    buffer = io.StringIO()
    frame.to_csv(buffer, index=False)
    return buffer.getvalue().encode()


def attribute(value):
    if value is None:
        return {"NULL": True}
    return {"N": str(value)} if isinstance(value, int) else {"S": str(value)}


def plain(item):
    (kind, value), *_ = item.items()
    if kind == "M":
        return {name: plain(part) for name, part in value.items()}
    if kind == "L":
        return [plain(part) for part in value]
    if kind == "N":
        return float(value) if "." in value else int(value)
    if kind == "S" and value[:1] in "{[":
        return json.loads(value)
    return None if kind == "NULL" else value


def run(tour, pipeline, *stacks, mlflow=False):
    """Deploy stacks of a pipeline to a local cloud of their own, take the tour, delete the stacks; return the exit code.

    With `mlflow`, the cloud has a tracking server.
    """
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(message)s", stream=sys.stderr)
    logging.getLogger("botocore").setLevel(logging.WARNING)
    os.environ["SFN_WAIT_SCALE"] = "0.1"  # states that poll wait for tenths of seconds
    with tempfile.TemporaryDirectory() as folder, running(_cloud(Path(folder) / "cloud", mlflow)) as cloud:
        (Path(folder) / "app").mkdir()
        outputs = deployed(cloud, Path(folder) / "app", pipeline, *stacks)
        taken = tour(cloud, outputs, f"headrace-{pipeline['name']}")
        taken.go()
        cloudformation = cloud.client("cloudformation")
        for kind in reversed(stacks):
            name = f"{pipeline['name']}-{kind}"
            cloudformation.delete_stack(StackName=name)
            waiter = cloudformation.get_waiter("stack_delete_complete")
            try:
                waiter.wait(StackName=name, WaiterConfig={"Delay": 1, "MaxAttempts": 120})
            except Exception:
                log.exception("%s was not deleted", name)
                taken.failed.append(name)
    log.info("failed: %s", taken.failed)
    return 1 if taken.failed else 0


def _cloud(folder, mlflow):
    return Cloud(folder, mlflow_port=free_port() if mlflow else None)
