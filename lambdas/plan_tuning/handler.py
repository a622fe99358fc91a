"""Name a search for hyperparameters, and find the former one that it may begin with."""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator, Mapping
from datetime import datetime
from functools import cache
from itertools import islice
from typing import Any, Protocol

import boto3

from headrace.aws.logs import function_logger
from headrace.aws.training_history import PastTraining, TrainingHistory
from headrace.aws.tuning_jobs import TuningJobs, ranges
from headrace.config.bundle import bundled_pipeline
from headrace.config.pipeline import Pipeline
from headrace.config.tuning import MOST_TRIALS
from headrace.config.tuning_plan import objective, tuning_plan
from headrace.ml.hyperparameter_text import read_hyperparameters
from headrace.ml.privacy.redaction import redact_errors

logger = function_logger()

_DIGITS = "0123456789abcdefghijklmnopqrstuvwxyz"
_LENGTH = 6
"""Seconds since 1970 in 36 digits have six of them until 2038; after that they begin anew, which nobody notices."""
_LOOKED_AT = 5
"""Former tunings: who has changed the search so often begins anew."""


class NoValidationRowsError(Exception):
    """Trials cannot be compared; the text says what to do."""


class History(Protocol):
    """What this function needs of the past."""

    def newest_first(self) -> Iterable[PastTraining]:
        """Yield the trainings that have ended, the latest start first."""
        ...


class Jobs(Protocol):
    """What this function needs from SageMaker."""

    def find(self, name: str) -> Mapping[str, Any] | None:
        """Return the description of a tuning job; None if there is none."""
        ...


@cache
def _deps() -> tuple[Pipeline, History | None, Jobs]:
    pipeline = bundled_pipeline()
    table = os.environ.get("LEDGER_TABLE")
    history = TrainingHistory(boto3.resource("dynamodb").Table(table)) if table else None
    return pipeline, history, TuningJobs(boto3.client("sagemaker"))


def plan_tuning(
    event: Mapping[str, Any], pipeline: Pipeline, history: History | None, jobs: Jobs
) -> dict[str, str]:
    """Answer with the ``job``'s name, to which the attempt is appended, and with its ``parent``, "" if there is none.

    Raises
    ------
    NoValidationRowsError
        If no row is left to compare trials by.
    """
    if not event["validation_rows"]:
        raise NoValidationRowsError(
            "the validation part has no rows, by which the trials of a tuning are compared: raise split.validation_share, "
            "or bring more rows"
        )
    parent = next(_usable(history, jobs, pipeline), "") if history else ""
    job = f"{pipeline.name}-{_stamp(datetime.fromisoformat(event['started_at']))}"
    logger.info("planned a tuning", extra={"job": job, "parent": parent})
    return {"job": job, "parent": parent}


def _stamp(moment: datetime) -> str:
    """Return a moment in six digits: two trainings of a pipeline never start in the same second.

    Examples
    --------
    >>> from datetime import UTC
    >>> _stamp(datetime(2026, 1, 31, 12, tzinfo=UTC))
    't9q9c0'
    """
    seconds, digits = int(moment.timestamp()), ""
    for _ in range(_LENGTH):
        seconds, digit = divmod(seconds, len(_DIGITS))
        digits = _DIGITS[digit] + digits
    return digits


def _usable(history: History, jobs: Jobs, pipeline: Pipeline) -> Iterator[str]:
    """Yield the names of former tunings that SageMaker would take as a beginning, the latest first."""
    tuned = (training.tuning["job"] for training in history.newest_first() if training.tuning)
    for name in islice(tuned, _LOOKED_AT):
        job = jobs.find(name)
        if job is not None and _fits(job, pipeline):
            yield name


def _fits(job: Mapping[str, Any], pipeline: Pipeline) -> bool:
    """Tell whether a former tuning searched the same: the same hyperparameters, searched or fixed, for the same metric."""
    config, plan = job["HyperParameterTuningJobConfig"], tuning_plan(pipeline)
    fixed = job["TrainingJobDefinition"].get("StaticHyperParameters", {})
    names = {one["Name"] for one in ranges(config)} | read_hyperparameters(fixed).keys()
    trained = sum(job["TrainingJobStatusCounters"].values())
    return (
        plan is not None
        and job["HyperParameterTuningJobStatus"] in ("Completed", "Stopped")
        and config["Strategy"] in ("Bayesian", "Random")
        and config["HyperParameterTuningJobObjective"] == objective(pipeline)
        and names == plan.search.keys() | pipeline.training.hyperparameters.keys()
        # SageMaker counts the names that a managed container takes, too.
        and any(name.startswith("sagemaker_") for name in fixed) == (pipeline.image == "managed")
        and trained + plan.trials <= MOST_TRIALS
    )


@redact_errors
def handler(event: dict[str, Any], context: object) -> dict[str, str]:
    """Lambda entry point: wire the real dependencies, then delegate."""
    return plan_tuning(event, *_deps())
