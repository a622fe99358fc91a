"""What the demo asks of AWS, through the interfaces that every user has."""

from __future__ import annotations

import csv
import io
import json
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any, TypeVar

import boto3
import pandas as pd
from botocore.exceptions import ClientError

T = TypeVar("T")
_POLL_S = 0.3


class DemoError(Exception):
    """The demo cannot go on; the text says what happened and where to look."""


def wait_for(what: str, probe: Callable[[], T | None], *, timeout_s: float = 120) -> T:
    """Ask `probe` until it answers something other than None or False, and return that.

    Raises
    ------
    DemoError
        If `what` has not happened within `timeout_s` seconds.
    """
    deadline = time.monotonic() + timeout_s
    while time.monotonic() < deadline:
        if answer := probe():
            return answer
        time.sleep(_POLL_S)
    raise DemoError(f"waited {timeout_s:.0f} s in vain for {what}; see `headrace local logs`")


@dataclass(frozen=True)
class Cloud:
    """One deployed pipeline, seen from outside.

    Parameters
    ----------
    pipeline : str
        Its name; the stacks are ``<pipeline>-data`` and so on.
    environment : mapping of str to str
        The ``AWS_*`` variables that lead to the account.
    """

    pipeline: str
    environment: Mapping[str, str]

    def client(self, service: str) -> Any:
        """Return a client of `service`."""
        endpoint = self.environment["AWS_ENDPOINT_URL"]
        return self._session.client(service, endpoint_url=endpoint)  # type: ignore[call-overload]  # any of them

    @cached_property
    def _session(self) -> boto3.Session:
        return boto3.Session(
            self.environment["AWS_ACCESS_KEY_ID"],
            self.environment["AWS_SECRET_ACCESS_KEY"],
            region_name=self.environment["AWS_DEFAULT_REGION"],
        )

    @cached_property
    def outputs(self) -> dict[str, str]:
        """The outputs of all stacks of the pipeline, by name."""
        stacks = self.client("cloudformation").describe_stacks()["Stacks"]
        return {
            output["OutputKey"]: output["OutputValue"]
            for stack in stacks
            if stack["StackName"].startswith(f"{self.pipeline}-")
            for output in stack.get("Outputs", [])
        }

    # --- data in

    def drop(self, name: str, body: bytes) -> None:
        """Put a file under ``incoming/``, as `aws s3 cp` does."""
        self._s3.put_object(Bucket=self.outputs["DataBucketName"], Key=f"incoming/{name}", Body=body)

    def quarantined_rows(self) -> int:
        """Count the rows that are kept in quarantine, from the files that a person would open."""
        bucket = self.outputs["DataBucketName"]
        keys = [key for key in self._keys(bucket, "quarantine/") if key.endswith(".csv")]
        return sum(self._csv_rows(bucket, key) for key in keys)

    # --- the endpoint

    def serving_version(self) -> str | None:
        """Return the variant that the endpoint serves, such as ``v1``, or None while it is being deployed."""
        if self._deploying():
            return None
        try:
            endpoint = self._sagemaker.describe_endpoint(EndpointName=self.outputs["EndpointName"])
        except ClientError:
            return None
        if endpoint["EndpointStatus"] != "InService":
            return None
        return str(endpoint["ProductionVariants"][0]["VariantName"])

    def predict(self, rows_csv: str, inference_id: str) -> list[float]:
        """Invoke the endpoint with rows in CSV and return one prediction per row."""
        answer = self._runtime.invoke_endpoint(
            EndpointName=self.outputs["EndpointName"],
            ContentType="text/csv",
            Accept="text/csv",
            InferenceId=inference_id,
            Body=rows_csv,
        )
        return [float(line) for line in answer["Body"].read().decode().split()]

    def captured(self) -> set[str]:
        """Return the inference ids of the requests that were captured so far."""
        bucket = self.outputs["ArtifactsBucketName"]
        lines = [
            line
            for key in self._keys(bucket, "capture/")
            for line in self._s3.get_object(Bucket=bucket, Key=key)["Body"].read().splitlines()
        ]
        return {json.loads(line)["eventMetadata"].get("inferenceId", "") for line in lines}

    # --- watch

    def check_drift(self) -> dict[str, Any]:
        """Run what runs every hour now, and return the summary of its drift check."""
        states = self.client("stepfunctions")
        machine = self.outputs["MonitorStateMachineArn"]
        execution = states.start_execution(stateMachineArn=machine, input="{}")["executionArn"]

        def ended() -> dict[str, Any] | None:
            run = states.describe_execution(executionArn=execution)
            return None if run["status"] == "RUNNING" else _decoded(run)

        run = wait_for("the end of the drift check", ended)
        if run["status"] != "SUCCEEDED":
            raise DemoError(f"the drift check failed: {run['cause']}")
        summary: dict[str, Any] = run["output"]["drift"]
        return summary

    def alarm(self) -> dict[str, Any]:
        """Return the drift alarm as `aws cloudwatch describe-alarms` shows it."""
        name = self.outputs["DriftAlarmName"]
        alarms = self.client("cloudwatch").describe_alarms(AlarmNames=[name])["MetricAlarms"]
        found: dict[str, Any] = alarms[0]
        return found

    def trainings(self) -> list[dict[str, Any]]:
        """Return the runs of the training state machine, oldest first, each with status, input and output."""
        states = self.client("stepfunctions")
        machine = self.outputs["TrainStateMachineArn"]
        runs = states.list_executions(stateMachineArn=machine)["executions"]
        return [
            _decoded(states.describe_execution(executionArn=run["executionArn"])) for run in reversed(runs)
        ]

    def _deploying(self) -> bool:
        running = self.client("stepfunctions").list_executions(
            stateMachineArn=self.outputs["DeployStateMachineArn"], statusFilter="RUNNING"
        )
        return bool(running["executions"])

    # --- plumbing

    @cached_property
    def _s3(self) -> Any:
        return self.client("s3")

    @cached_property
    def _sagemaker(self) -> Any:
        return self.client("sagemaker")

    @cached_property
    def _runtime(self) -> Any:
        return self.client("sagemaker-runtime")

    def _keys(self, bucket: str, prefix: str) -> list[str]:
        pages = self._s3.get_paginator("list_objects_v2").paginate(Bucket=bucket, Prefix=prefix)
        return [item["Key"] for page in pages for item in page.get("Contents", [])]

    def _csv_rows(self, bucket: str, key: str) -> int:
        text = self._s3.get_object(Bucket=bucket, Key=key)["Body"].read().decode()
        return max(0, sum(1 for _ in csv.reader(io.StringIO(text))) - 1)


def root_mean_squared_error(predictions: list[float], truth: list[float]) -> float:
    """Return the RMSE in the unit of the target."""
    difference = pd.Series(predictions) - pd.Series(truth)
    return float((difference**2).mean() ** 0.5)


def _decoded(run: dict[str, Any]) -> dict[str, Any]:
    return {
        "status": run["status"],
        "input": json.loads(run.get("input") or "{}"),
        "output": json.loads(run.get("output") or "{}"),
        "cause": run.get("cause"),
    }
