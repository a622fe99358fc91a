"""Work out what answering a file takes, and wait for its turn: files are answered in the order in which they were dropped."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import cache
from typing import Any, Protocol

import boto3

from headrace.aws.dropped_files import DroppedFile
from headrace.aws.executions import Executions
from headrace.aws.logs import function_logger
from headrace.aws.prediction_ledger import Prediction, PredictionLedger
from headrace.aws.training_log import Champion, TrainingLog
from headrace.config.batch import Batch
from headrace.config.bundle import bundled_pipeline
from headrace.config.pipeline import Pipeline
from headrace.ml.privacy.redaction import redact_errors

logger = function_logger()

_SOONEST_S, _LATEST_S = 5, 900
_A_FILE_S = 10
_PATIENCE = 20
"""A wait is at least this part of the time that was waited already: an execution has room for some thousand waits."""


class UnnamedModelError(Exception):
    """The model in service cannot be found in SageMaker; the text says what to do."""


class Champions(Protocol):
    """What this function needs to know of models."""

    def champion(self) -> Champion | None:
        """Return the model in service."""
        ...


class Ledger(Protocol):
    """What this function needs from the ledger."""

    def find(self, file: DroppedFile) -> Prediction | None:
        """Return what is known of a file."""
        ...

    def begin(self, prediction: Prediction, *, instead_of: str | None = None) -> bool:
        """Put a file into the queue, unless another execution is at it."""
        ...

    def waiting(self) -> list[Prediction]:
        """Return the files that have not ended, in order."""
        ...

    def end(self, prediction: Prediction, **changes: Any) -> Prediction:
        """Write down how a file has ended."""
        ...


class Running(Protocol):
    """What this function needs from Step Functions."""

    def is_running(self, execution_arn: str) -> bool:
        """Tell whether an execution has not ended."""
        ...


@dataclass(frozen=True)
class Ports:
    """Everything outside of this function."""

    ledger: Ledger
    champions: Champions
    executions: Running


@cache
def _deps() -> tuple[Pipeline, Ports]:
    table = boto3.resource("dynamodb").Table(os.environ["LEDGER_TABLE"])
    executions = Executions(boto3.client("stepfunctions"))
    return bundled_pipeline(), Ports(PredictionLedger(table), TrainingLog(table), executions)


def plan_batch(event: Mapping[str, Any], pipeline: Pipeline, ports: Ports, now: datetime) -> dict[str, Any]:
    """Answer with ``action``: ``predict`` and all that it takes, ``wait`` and ask again, or ``skip``."""
    file, execution = DroppedFile(**event["file"]), event["execution"]
    mine = _taken(file, execution, ports, now)
    if isinstance(mine, str):
        return {"action": "skip", "why": mine}
    champion = ports.champions.champion()
    if champion is None:
        return _wait(mine, now, 0, "there is no model in service yet")
    batch = pipeline.endpoint.batches or Batch()
    ahead = _ahead(mine, ports, batch.max_concurrent, now)
    if ahead >= batch.max_concurrent:
        turns = (ahead - batch.max_concurrent + 1) / batch.max_concurrent
        return _wait(mine, now, round(_A_FILE_S * turns), f"{ahead} files were dropped before")
    return _plan(file, execution, pipeline, champion)


def _taken(file: DroppedFile, execution: str, ports: Ports, now: datetime) -> Prediction | str:
    """Take the file into the queue, or tell why this execution does not answer it."""
    known = ports.ledger.find(file)
    if known and known.execution == execution and not known.is_over:
        return known
    instead_of = None
    if known and not known.is_over:
        if ports.executions.is_running(known.execution):
            return f"{known.execution} is at it"
        instead_of = known.execution
    mine = Prediction.begun(file, execution, now.isoformat())
    if ports.ledger.begin(mine, instead_of=instead_of):
        return mine
    return "it was answered or refused before, or another execution is at it"


def _ahead(mine: Prediction, ports: Ports, most: int, now: datetime) -> int:
    """Count the files that come before; those that block this one although their execution has ended are closed."""
    waiting: Sequence[Prediction] = ports.ledger.waiting()
    before = [each for each in waiting if each != mine and _place(each) < _place(mine)]
    if len(before) < most:
        return len(before)
    left = [each for each in before[:most] if not ports.executions.is_running(each.execution)]
    for each in left:
        why = "its execution was stopped, or took too long"
        ports.ledger.end(each, state="failed", why=why, ended_at=now.isoformat())
    return len(before) - len(left)


def _place(prediction: Prediction) -> tuple[str, str, str]:
    return prediction.dropped_at, prediction.key, prediction.version_id


def _wait(mine: Prediction, now: datetime, seconds: int, why: str) -> dict[str, Any]:
    waited = (now - datetime.fromisoformat(mine.began_at)).total_seconds()
    again = min(_LATEST_S, max(_SOONEST_S, seconds, round(waited / _PATIENCE)))
    return {"action": "wait", "again_in_s": again, "why": why}


def _plan(file: DroppedFile, execution: str, pipeline: Pipeline, champion: Champion) -> dict[str, Any]:
    if not champion.name:
        raise UnnamedModelError(
            f"{champion.variant} was deployed by an earlier release of Headrace, which did not note its name: "
            "train and deploy another"
        )
    run = hashlib.sha256(execution.encode()).hexdigest()[:8]
    name = f"headrace-{pipeline.name}-file-{file.digest[:12]}-{run}"
    return {
        "action": "predict",
        "name": name,
        "model": champion.name,
        "variant": champion.variant,
        "folder": f"transform/{name}/",
    }


@redact_errors
def handler(event: dict[str, Any], context: object) -> dict[str, Any]:
    """Lambda entry point: wire the real dependencies, then delegate."""
    pipeline, ports = _deps()
    plan = plan_batch(event, pipeline, ports, datetime.now(UTC))
    logger.info("planned", extra={"action": plan["action"], "why": plan.get("why")})
    return plan
