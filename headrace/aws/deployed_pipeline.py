"""A deployed pipeline, found by its name and seen through the outputs of its stacks."""

from __future__ import annotations

import json
import time
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from decimal import Decimal
from itertools import islice
from typing import Any

import boto3
from botocore.exceptions import ClientError

from headrace.aws.alarm_cases import AlarmCases
from headrace.aws.refusal_ledger import RefusalLedger
from headrace.aws.registry import Registry
from headrace.aws.training_history import TrainingHistory
from headrace.aws.training_log import TrainingLog

_STACKS = ("data", "training", "serving", "monitoring")
_OPTIONAL = ("stream", "feedback", "batch", "front")
_POLL_S = 1.0
_CHECK_POLL_S = 0.3
_OF_A_TRAINING = ("outcome", "why", "learned_from", "holdout", "recent", "finished_at")


class NotDeployedError(Exception):
    """The pipeline is not in this account and region; the text says how to deploy it."""


class RunFailedError(Exception):
    """What was started has failed; the text says how."""


@dataclass(frozen=True)
class DeployedPipeline:
    """What people ask of a running pipeline.

    Parameters
    ----------
    name : str
        The pipeline's name.
    outputs : dict of str to str
        Outputs of its stacks.
    session : Session
        Whose account, region and permissions are used.
    """

    name: str
    outputs: dict[str, str]
    session: boto3.Session

    @classmethod
    def find(cls, name: str, session: boto3.Session | None = None) -> DeployedPipeline:
        """Return the pipeline of this name; `NotDeployedError` if it has no stacks."""
        session = session or boto3.Session()
        client = session.client("cloudformation")
        outputs: dict[str, str] = {}
        for stack in (*_STACKS, *_OPTIONAL):
            try:
                found = client.describe_stacks(StackName=f"{name}-{stack}")["Stacks"][0]
            except ClientError as error:
                if "does not exist" not in str(error):
                    raise
                if stack in _OPTIONAL:
                    continue
                raise NotDeployedError(
                    f"there is no stack {name}-{stack} in {session.region_name}: "
                    f"deploy it with cdk deploy --all -c pipeline={name}"
                ) from None
            outputs |= {item["OutputKey"]: item["OutputValue"] for item in found.get("Outputs", [])}
        return cls(name, outputs, session)

    def status(self) -> dict[str, Any]:
        """Return endpoint, model, last training, versions that wait, quarantine and alarms, as plain values."""
        champion = self._ledger_item("champion", "current")
        return {
            "endpoint": self._endpoint(),
            "model": champion and self._model(champion),
            "running_training": self._running_training(),
            "last_training": self._last_training(),
            "awaiting_approval": self.awaiting_approval(),
            "quarantine": self._quarantine(),
            "alarms": self._alarms(),
        }

    def trainings(self, count: int) -> dict[str, Any]:
        """Return the last `count` trainings, what was refused in the last weeks, and the alarms that still ask for one."""
        history = TrainingHistory(self._ledger())
        return {
            "running": self._running_training(),
            "trainings": [asdict(training) for training in islice(history.newest_first(), count)],
            "refused": [asdict(refused) for refused in history.refusals()],
            "alarms": [asdict(case) for case in AlarmCases(self._ledger()).all()],
        }

    def awaiting_approval(self) -> list[int]:
        """Return the versions that wait for a person's yes or no, the newest first."""
        packages = self.session.client("sagemaker").list_model_packages(
            ModelPackageGroupName=self.outputs["ModelPackageGroupName"],
            ModelApprovalStatus="PendingManualApproval",
            SortBy="CreationTime",
            SortOrder="Descending",
        )["ModelPackageSummaryList"]
        return [package["ModelPackageVersion"] for package in packages]

    def check_drift(self) -> dict[str, Any]:
        """Record what was captured, check it, and return the verdicts; `RunFailedError` if a state fails.

        What the drift check says comes first, what the quality check says is below ``quality``.
        """
        client = self.session.client("stepfunctions")
        machine = self.outputs["MonitorStateMachineArn"]
        execution = client.start_execution(stateMachineArn=machine, input="{}")["executionArn"]
        run = self.ended(execution, poll_s=_CHECK_POLL_S)
        if run["status"] != "SUCCEEDED":
            raise RunFailedError(f"the check has failed: {_why(run)}")
        verdicts = json.loads(run["output"])
        return {**verdicts["drift"], "quality": verdicts.get("quality")}

    def start_training(self) -> str:
        """Start a training and return the ARN of its execution."""
        answer = self.session.client("stepfunctions").start_execution(
            stateMachineArn=self.outputs["TrainStateMachineArn"],
            input=json.dumps({"reason": "manual", "detail": {}}),
        )
        return answer["executionArn"]

    def wait_for_training(self, execution: str) -> dict[str, Any]:
        """Wait for the end of a training and return how it ended."""
        run = self.ended(execution, poll_s=_POLL_S)
        output = run.get("output") if run["status"] == "SUCCEEDED" else None
        return {"status": run["status"], "cause": run.get("cause"), **json.loads(output or "{}")}

    def ended(self, execution: str, *, poll_s: float) -> dict[str, Any]:
        """Wait for the end of an execution, and return what Step Functions says of it."""
        client = self.session.client("stepfunctions")
        while True:
            run: Any = client.describe_execution(executionArn=execution)
            if run["status"] != "RUNNING":
                return dict(run)
            time.sleep(poll_s)

    def package_arn(self, version: int) -> str:
        """Return the ARN of a version of the pipeline's model group."""
        client, group = self.session.client("sagemaker"), self.outputs["ModelPackageGroupName"]
        arn = client.describe_model_package_group(ModelPackageGroupName=group)["ModelPackageGroupArn"]
        return f"{arn.replace(':model-package-group/', ':model-package/')}/{version}"

    def _model(self, champion: Mapping[str, Any]) -> dict[str, Any]:
        """Return the model in service, and what its registration says of its engine, its report, its verdict and its leaks."""
        told = {name: champion[name] for name in ("version", "deployed_at") if name in champion}
        if "model_package_arn" not in champion:
            return told
        properties = Registry(self.session.client("sagemaker")).properties(champion["model_package_arn"])
        shown = {name: name for name in ("engine", "report", "verdict", "leakage")} | {
            "engine_why": "engine:why"
        }
        return told | {name: properties[key] for name, key in shown.items() if key in properties}

    def _quarantine(self) -> dict[str, int]:
        """Return how many files have something that waits in quarantine, and how many single rows wait."""
        waiting = [refusal for refusal in RefusalLedger(self._ledger()).all() if refusal.state != "retried"]
        return {"files": len(waiting), "rows": sum(refusal.waiting_rows for refusal in waiting)}

    def _running_training(self) -> dict[str, str] | None:
        """Return why and since when a training runs, or one that was aborted has run."""
        lock = TrainingLog(self._ledger()).holder("training")
        if lock is None:
            return None
        return {"reason": lock.reason, "since": lock.acquired_at, "execution": lock.execution}

    def _last_training(self) -> dict[str, Any] | None:
        last = self._ledger_item("training", "last")
        newest = next(TrainingHistory(self._ledger()).newest_first(), None)
        why = {"reason": newest.reason, "because": newest.because} if newest else {}
        return last and {**why, **{name: last[name] for name in _OF_A_TRAINING if last.get(name)}}

    def _ledger(self) -> Any:
        return self.session.resource("dynamodb").Table(self.outputs["LedgerTableName"])

    def _ledger_item(self, pk: str, sk: str) -> dict[str, Any] | None:
        item = self._ledger().get_item(Key={"pk": pk, "sk": sk}).get("Item")
        return item and {name: int(v) if isinstance(v, Decimal) else v for name, v in item.items()}

    def _endpoint(self) -> dict[str, Any] | None:
        name = self.outputs["EndpointName"]
        try:
            found = self.session.client("sagemaker").describe_endpoint(EndpointName=name)
        except ClientError as error:
            if "ould not find" in str(error):
                return None
            raise
        variants = [variant["VariantName"] for variant in found.get("ProductionVariants", [])]
        return {"name": name, "status": found["EndpointStatus"], "serves": ", ".join(variants)}

    def _alarms(self) -> dict[str, str]:
        pages = self.session.client("cloudwatch").get_paginator("describe_alarms")
        return {
            alarm["AlarmName"]: alarm["StateValue"]
            for stack in ("monitoring", *_OPTIONAL)
            for page in pages.paginate(AlarmNamePrefix=f"{self.name}-{stack}-")
            for alarm in page["MetricAlarms"]
        }


def _why(run: Mapping[str, Any]) -> str:
    """Return why an execution has failed, of an exception of a function its type and its text."""
    cause = str(run.get("cause") or "its execution in Step Functions says why")
    try:
        told = json.loads(cause)
        return f"{told['errorType']}: {told['errorMessage']}"
    except (ValueError, TypeError, KeyError):
        return cause
