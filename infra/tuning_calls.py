"""The arguments of the call that searches hyperparameters."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from headrace.config.hyperparameters import steps_hyperparameter
from headrace.config.pipeline import Pipeline
from headrace.config.tuning import Tuning
from headrace.config.tuning_plan import Document, TuningPlan, objective, tuning_plan
from infra.pipeline_tags import tag_list

_STRATEGIES = {"bayesian": "Bayesian", "random": "Random", "grid": "Grid", "hyperband": "Hyperband"}
_SCALES = {"auto": "Auto", "linear": "Linear", "log": "Logarithmic"}
# One for the metric of the finished model, which is told after the last step; and hyperband stops a trial that has reached
# its most steps, which no trial must before it has written its model.
_BEYOND_THE_LAST_STEP = 2
_OF_A_TRIAL = (
    "RoleArn",
    "AlgorithmSpecification",
    "InputDataConfig",
    "OutputDataConfig",
    "ResourceConfig",
    "StoppingCondition",
    "EnableNetworkIsolation",
    "EnableInterContainerTrafficEncryption",
    "VpcConfig",
    "EnableManagedSpotTraining",
    "CheckpointConfig",
    "RetryStrategy",
)


def tuning_calls(pipeline: Pipeline, train: Mapping[str, Any]) -> list[dict[str, Any]]:
    """Return the arguments of a search from nothing, and where the file asks for it those of a search that begins warm.

    Parameters
    ----------
    pipeline : Pipeline
        With the block `training.tuning`; without it nothing is returned.
    train : mapping
        The arguments of a single training job: a trial has the same but for what is searched.

    References
    ----------
    .. [1] SageMaker API reference, "CreateHyperParameterTuningJob".
    """
    tuning, plan = pipeline.training.tuning, tuning_plan(pipeline)
    if tuning is None or plan is None:
        return []
    cold = {
        "HyperParameterTuningJobName": "{% $tuning_job & $string($states.context.State.RetryCount) %}",
        "HyperParameterTuningJobConfig": _config(pipeline, tuning, plan),
        "TrainingJobDefinition": {
            **{name: train[name] for name in _OF_A_TRIAL if name in train},
            "StaticHyperParameters": {
                name: value
                for name, value in {**_steps(pipeline, tuning), **train["HyperParameters"]}.items()
                if name not in plan.search
            },
        },
        "Tags": tag_list(pipeline, run="{% $guard.run %}"),
    }
    if not tuning.warm_start:
        return [cold]
    # The rows have changed since, so it is not the same data and algorithm.
    parents = [{"HyperParameterTuningJobName": "{% $tuning_parent %}"}]
    warm = {"WarmStartType": "TransferLearning", "ParentHyperParameterTuningJobs": parents}
    return [cold, {**cold, "WarmStartConfig": warm}]


def _config(pipeline: Pipeline, tuning: Tuning, plan: TuningPlan) -> dict[str, Any]:
    return {
        "Strategy": _STRATEGIES[tuning.strategy],
        **_of_strategy(tuning),
        "HyperParameterTuningJobObjective": objective(pipeline),
        "ResourceLimits": {
            "MaxNumberOfTrainingJobs": plan.trials,
            "MaxParallelTrainingJobs": tuning.parallel,
            "MaxRuntimeInSeconds": plan.minutes * 60,
        },
        "ParameterRanges": dict(_ranges(plan.search)),
        "TrainingJobEarlyStoppingType": "Auto" if tuning.early_stopping else "Off",
        **_completion(tuning),
        "RandomSeed": pipeline.training.seed,
    }


def _of_strategy(tuning: Tuning) -> dict[str, Any]:
    if tuning.strategy != "hyperband" or tuning.max_steps is None:
        return {}
    steps = {"MinResource": tuning.min_steps, "MaxResource": tuning.max_steps + _BEYOND_THE_LAST_STEP}
    return {"StrategyConfig": {"HyperbandStrategyConfig": steps}}


def _steps(pipeline: Pipeline, tuning: Tuning) -> dict[str, str]:
    """Return how many rounds or epochs a trial learns: one of more would be ended before it has written its model."""
    name = steps_hyperparameter(pipeline.training.estimator)
    return {name: str(tuning.max_steps)} if name and tuning.max_steps is not None else {}


def _completion(tuning: Tuning) -> dict[str, Any]:
    if tuning.target_value is None:
        return {}
    return {"TuningJobCompletionCriteria": {"TargetObjectiveMetricValue": tuning.target_value}}


def _ranges(search: Mapping[str, Document]) -> Iterator[tuple[str, list[dict[str, Any]]]]:
    """Yield the ranges by their kind."""
    for kind, name in (
        ("integer", "IntegerParameterRanges"),
        ("continuous", "ContinuousParameterRanges"),
        ("choice", "CategoricalParameterRanges"),
    ):
        found = [_range(key, one) for key, one in search.items() if one["kind"] == kind]
        if found:
            yield name, found


def _range(name: str, one: Document) -> dict[str, Any]:
    if one["kind"] == "choice":
        return {"Name": name, "Values": [str(value) for value in one["values"]]}
    return {
        "Name": name,
        "MinValue": str(one["low"]),
        "MaxValue": str(one["high"]),
        "ScalingType": _SCALES[one["scale"]],
    }
