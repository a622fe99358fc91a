"""What is written down of a search for hyperparameters. Pure: from what SageMaker tells of it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

from headrace.aws.tuning_jobs import ran_s, ranges
from headrace.config.prices import cost_usd
from headrace.ml.hyperparameter_text import read_hyperparameters, value_of

FEW_ROWS = 500
"""Fewer validation rows than that tell good trials from lucky ones poorly."""
_ADDED = "_tuning_objective_metric"
_SCALES = {"Auto": "auto", "Linear": "linear", "Logarithmic": "log", "ReverseLogarithmic": "reverse log"}


def document(
    job: Mapping[str, Any], trials: Sequence[Mapping[str, Any]], hourly_usd: float | None, now: datetime
) -> dict[str, Any]:
    """Return ``trials.json`` without what SageMaker does not know.

    Parameters
    ----------
    job : mapping
        As ``DescribeHyperParameterTuningJob`` answers.
    trials : sequence of mapping
        As ``ListTrainingJobsForHyperParameterTuningJob`` answers.
    hourly_usd : float or None
        What an hour of a trial costs on all its instances, in US dollars.
    now : datetime
        In UTC.
    """
    config = job["HyperParameterTuningJobConfig"]
    objective = config["HyperParameterTuningJobObjective"]
    records = [record(trial, hourly_usd, now) for trial in trials]
    costs = [one["cost_usd"] for one in records if one["cost_usd"] is not None]
    return {
        "tuning_job": job["HyperParameterTuningJobName"],
        "status": job["HyperParameterTuningJobStatus"],
        "strategy": config["Strategy"].lower(),
        "metric": objective["MetricName"].partition(":")[2],
        "better": "lower" if objective["Type"] == "Minimize" else "higher",
        "seed": config.get("RandomSeed"),
        "searched": {one["Name"]: _told(one) for one in ranges(config)},
        "fixed": read_hyperparameters(job["TrainingJobDefinition"].get("StaticHyperParameters", {})),
        "best": _best(job, records, objective["Type"]),
        "seconds": sum(one["seconds"] for one in records),
        "cost_usd": round(sum(costs), 6) if costs or not records else None,
        "trials": records,
    }


def _best(job: Mapping[str, Any], records: Sequence[Mapping[str, Any]], better: str) -> str | None:
    """Return the best trial that has come to its end: SageMaker's own choice may have been ended before its model was written."""
    ended = {one["job"]: one["objective"] for one in records if one["status"] == "Completed"}
    chosen: str | None = job.get("BestTrainingJob", {}).get("TrainingJobName")
    if chosen is None or chosen in ended:
        return chosen
    measured = {name: value for name, value in ended.items() if value is not None}
    choose = min if better == "Minimize" else max
    return choose(measured, key=measured.__getitem__, default=None)


def record(trial: Mapping[str, Any], hourly_usd: float | None, now: datetime) -> dict[str, Any]:
    """Return what is written down of one trial."""
    seconds = round(ran_s(trial, now))
    final = trial.get("FinalHyperParameterTuningJobObjectiveMetric", {})
    return {
        "job": trial["TrainingJobName"],
        "status": trial["TrainingJobStatus"],
        "objective": final.get("Value"),
        "hyperparameters": read_hyperparameters(trial["TunedHyperParameters"]),
        "seconds": seconds,
        "cost_usd": cost_usd(seconds, hourly_usd),
        "created_at": trial["CreationTime"].isoformat(),
        **({"failure": trial["FailureReason"]} if trial.get("FailureReason") else {}),
    }


def given(job: Mapping[str, Any], trials: Sequence[Mapping[str, Any]], best: str) -> dict[str, str]:
    """Return the hyperparameters of a tuning job's best trial as SageMaker was given them, without what it adds to trials itself."""
    tuned = next(trial["TunedHyperParameters"] for trial in trials if trial["TrainingJobName"] == best)
    texts = job["TrainingJobDefinition"].get("StaticHyperParameters", {})
    own = {name: text for name, text in texts.items() if name != _ADDED}
    return {**own, **tuned}


def warnings(found: Mapping[str, Any], validation_rows: int) -> list[str]:
    """Return what makes the choice of the best trial less sure, for people."""
    rows = f"the trials were compared on {validation_rows} validation rows, on which luck weighs much"
    failed = sum(one["status"] == "Failed" for one in found["trials"])
    of_them = f"{failed} of {len(found['trials'])} trials failed"
    return [text for text, told in ((rows, validation_rows < FEW_ROWS), (of_them, failed > 0)) if told]


def failures(found: Mapping[str, Any]) -> str:
    """Return why trials failed, each reason once; "" if none did."""
    return "; ".join(dict.fromkeys(one["failure"] for one in found["trials"] if "failure" in one))


def _told(one: Mapping[str, Any]) -> Any:
    """Return a range as the pipeline file has it."""
    if "Values" in one:
        return [value_of(text) for text in one["Values"]]
    ends = {"min": value_of(one["MinValue"]), "max": value_of(one["MaxValue"])}
    return {**ends, "scale": _SCALES[one.get("ScalingType", "Auto")]}
