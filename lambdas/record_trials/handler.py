"""Write down all trials of a search for hyperparameters, and lead the best one on to its evaluation."""

from __future__ import annotations

import json
import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import cache
from typing import Any, Protocol

import boto3

from headrace.aws.artifacts import Artifacts
from headrace.aws.logs import function_logger
from headrace.aws.tuning_jobs import TuningJobs
from headrace.config.bundle import bundled_pipeline
from headrace.config.pipeline import Pipeline
from headrace.ml.hyperparameter_text import in_words
from headrace.ml.privacy.redaction import redact_errors
from lambdas.record_trials.records import document, failures, given, warnings

logger = function_logger()

_ENDED_WELL = ("Completed", "Stopped")
"""Stopped: by a person, or because its time was over. What was found until then counts."""


class TuningError(Exception):
    """No trial can be judged; the text says why."""


class Jobs(Protocol):
    """What this function needs from SageMaker."""

    def attempt(self, name: str) -> Mapping[str, Any] | None:
        """Return the description of the attempt that was made under a name; None if there is none."""
        ...

    def trials(self, name: str) -> Sequence[Mapping[str, Any]]:
        """Return the summaries of a tuning job's trials."""
        ...

    def model_of(self, trial: str) -> str:
        """Return where the model of a trial is."""
        ...


class Store(Protocol):
    """What this function needs from storage."""

    def store(self, key: str, document: Mapping[str, Any]) -> None:
        """Write a JSON document."""
        ...


@dataclass(frozen=True)
class Ports:
    """Everything outside of this function."""

    jobs: Jobs
    store: Store


@cache
def _deps() -> tuple[Pipeline, Ports]:
    store = Artifacts(boto3.client("s3"), os.environ["ARTIFACTS_BUCKET"])
    return bundled_pipeline(), Ports(TuningJobs(boto3.client("sagemaker")), store)


def record_trials(
    event: Mapping[str, Any], pipeline: Pipeline, ports: Ports, now: datetime
) -> dict[str, Any]:
    """Write ``evaluations/<run>/trials.json``, and answer with the best trial, with whose hyperparameters the model is trained.

    Raises
    ------
    TuningError
        If the tuning has not ended well, or no trial has come to its end. What there is was written down before.
    """
    job = ports.jobs.attempt(event["tuning_job"])
    if job is None:
        raise TuningError(f"the tuning was not started: {_error(event)}")
    trials = ports.jobs.trials(job["HyperParameterTuningJobName"])
    found = document(job, trials, pipeline.training.hourly_usd_together, now)
    warned = warnings(found, event["validation_rows"])
    told = {"validation_rows": event["validation_rows"], "warm_start_from": event["parent"] or None}
    ports.store.store(f"evaluations/{event['run']}/trials.json", {**found, **told, "warnings": warned})
    best = next((one for one in found["trials"] if one["job"] == found["best"]), None)
    if found["status"] not in _ENDED_WELL or best is None:
        raise TuningError(_why(found, event, job))
    hyperparameters = {**found["fixed"], **best["hyperparameters"]}
    tuning = {
        "job": found["tuning_job"],
        "strategy": found["strategy"],
        "trials": str(len(trials)),
        "best": in_words(best["hyperparameters"]),
        "objective": f"{found['metric']} {best['objective']:.4g}",
    }
    logger.info("recorded a tuning", extra={**tuning, "warnings": warned})
    return {
        "trial": ports.jobs.model_of(best["job"]),
        "given": given(job, trials, best["job"]),
        "hyperparameters": hyperparameters,
        "tuning": tuning,
    }


def _why(found: Mapping[str, Any], event: Mapping[str, Any], job: Mapping[str, Any]) -> str:
    """Return why no trial can be judged."""
    if found["status"] in _ENDED_WELL:
        return f"no trial of {len(found['trials'])} came to its end: {failures(found) or 'they were stopped'}"
    reason = job.get("FailureReason") or _error(event)
    causes = failures(found)
    return f"the tuning ended as {found['status']}: {reason}" + (f" ({causes})" if causes else "")


def _error(event: Mapping[str, Any]) -> str:
    """Return what the state before says of its failure."""
    error = event.get("error") or {}
    cause = str(error.get("Cause") or error.get("Error") or "its execution in Step Functions says why")
    try:
        told = json.loads(cause)
    except ValueError:
        return cause
    return str(told.get("FailureReason", cause)) if isinstance(told, dict) else cause


@redact_errors
def handler(event: dict[str, Any], context: object) -> dict[str, Any]:
    """Lambda entry point: wire the real dependencies, then delegate."""
    return record_trials(event, *_deps(), datetime.now(UTC))
