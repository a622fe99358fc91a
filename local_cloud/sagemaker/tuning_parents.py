"""Warm start: what a tuning job learns from earlier ones, and which of them it may not have as parents.

References
----------
.. [1] SageMaker developer guide, "Run a Warm Start Hyperparameter Tuning Job".
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from local_cloud.sagemaker.errors import invalid
from local_cloud.sagemaker.records import Record, Records
from local_cloud.sagemaker.tuning_checks import trial_limit
from local_cloud.sagemaker.tuning_search import Knowledge

NOUN = "HyperParameterTuningJob"
_MOST_CHANGES, _MOST_JOBS, _BEST_OF_EACH = 10, 750, 3
_ENDED = ("Completed", "Stopped", "Failed")
_KINDS = ("IntegerParameterRanges", "ContinuousParameterRanges", "CategoricalParameterRanges")


def check_parents(records: Records, request: Mapping[str, Any]) -> None:
    """Raise AWS's refusal of a ``WarmStartConfig``, if there is one."""
    if "WarmStartConfig" not in request:
        return
    config = request["HyperParameterTuningJobConfig"]
    if config["Strategy"] not in ("Bayesian", "Random"):
        raise invalid(f"Warm start is not supported for the {config['Strategy']} strategy.")
    parents = parents_of(records, request)
    for parent in parents:
        _check_parent(parent, request)
    jobs = trial_limit(config) + sum(len(parent["_trials"]) for parent in parents)
    if jobs > _MOST_JOBS:
        raise invalid(
            f"With those of all parents, there would be {jobs} training jobs; at most {_MOST_JOBS} may be."
        )


def parents_of(records: Records, request: Mapping[str, Any]) -> list[Record]:
    """Return the records of a tuning job's parents."""
    named = request.get("WarmStartConfig", {}).get("ParentHyperParameterTuningJobs", [])
    return [records.get(NOUN, parent["HyperParameterTuningJobName"]) for parent in named]


def knowledge(parents: Sequence[Record], warm_start: str | None) -> Knowledge:
    """Return what the parents' own trials tell a search.

    On identical data, objectives count as if they were measured now. On other data they cannot be compared, but what was
    best there is tried first.
    """
    measured = [trial for parent in parents for trial in _measured(parent)]
    if warm_start == "IdenticalDataAndAlgorithm":
        return Knowledge(measured=measured)
    best = [point for parent in parents for point, _ in _by_objective(parent)[:_BEST_OF_EACH]]
    return Knowledge(promising=best)


def _measured(parent: Record) -> list[tuple[Mapping[str, str], float]]:
    static = parent["TrainingJobDefinition"].get("StaticHyperParameters", {})
    return [
        ({**static, **trial["TunedHyperParameters"]}, trial["_objective"])
        for trial in parent["_trials"]
        if trial.get("_objective") is not None
    ]


def _by_objective(parent: Record) -> list[tuple[Mapping[str, str], float]]:
    objective = parent["HyperParameterTuningJobConfig"]["HyperParameterTuningJobObjective"]
    return sorted(_measured(parent), key=lambda trial: trial[1], reverse=objective["Type"] == "Maximize")


def _check_parent(parent: Record, request: Mapping[str, Any]) -> None:
    name, status = parent[f"{NOUN}Name"], parent[f"{NOUN}Status"]
    if status not in _ENDED:
        raise invalid(f"The parent hyperparameter tuning job {name} must have ended, and is {status}.")
    ours, theirs = request["HyperParameterTuningJobConfig"], parent["HyperParameterTuningJobConfig"]
    objective = "HyperParameterTuningJobObjective"
    if ours[objective] != theirs[objective]:
        raise invalid(
            f"The objective metric must be the same as in the parent hyperparameter tuning job {name}."
        )
    if len(_names(request)) != len(_names(parent)):
        raise invalid(
            f"The number of static and tunable hyperparameters ({len(_names(request))}) must be the same as in the "
            f"parent hyperparameter tuning job {name} ({len(_names(parent))})."
        )
    for hyperparameter, kind in _kinds(request).items():
        if _kinds(parent).get(hyperparameter, kind) != kind:
            raise invalid(f"The type of {hyperparameter} differs from that in the parent tuning job {name}.")
    if (changes := _changes(request, parent)) > _MOST_CHANGES:
        raise invalid(
            f"{changes} changes of static hyperparameters from the parent tuning job {name}; at most "
            f"{_MOST_CHANGES} are allowed."
        )


def _static(job: Mapping[str, Any]) -> dict[str, str]:
    given = job["TrainingJobDefinition"].get("StaticHyperParameters", {})
    return {name: value for name, value in given.items() if not name.startswith("_")}


def _kinds(job: Mapping[str, Any]) -> dict[str, str]:
    ranges = job["HyperParameterTuningJobConfig"].get("ParameterRanges", {})
    return {item["Name"]: kind for kind in _KINDS for item in ranges.get(kind, [])}


def _names(job: Mapping[str, Any]) -> set[str]:
    return {*_static(job), *_kinds(job)}


def _changes(job: Mapping[str, Any], parent: Mapping[str, Any]) -> int:
    """Count what AWS counts: tunable ones made static, by their values, and static values changed, as two each."""
    ranges = parent["HyperParameterTuningJobConfig"].get("ParameterRanges", {})
    sizes = {item["Name"]: len(item["Values"]) for item in ranges.get("CategoricalParameterRanges", [])}
    made_static = sum(sizes.get(name, 1) for name in _static(job) if name in _kinds(parent))
    theirs = _static(parent)
    return made_static + 2 * sum(1 for name, v in _static(job).items() if theirs.get(name, v) != v)
