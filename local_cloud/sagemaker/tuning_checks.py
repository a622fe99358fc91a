"""What CreateHyperParameterTuningJob refuses beyond the shape of its request.

References
----------
.. [1] SageMaker API reference, "HyperParameterTuningJobConfig" and "HyperbandStrategyConfig".
.. [2] SageMaker developer guide, "Resource Limits for Automatic Model Tuning", "Define Hyperparameter Ranges".
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

from local_cloud.sagemaker.errors import ApiError, invalid
from local_cloud.sagemaker.tuning_space import combinations, read_space

_MOST_JOBS, _MOST_PARALLEL, _MOST_SEARCHED, _MOST_HYPERPARAMETERS = 750, 10, 30, 100
_MOST_EPOCHS = 20_000
_EPOCHS = ("epochs", "numepochs", "n-epochs", "n_epochs", "num_epochs")
OBJECTIVE = "_tuning_objective_metric"
"""The hyperparameter by which SageMaker tells training jobs what is tuned."""


def check_tuning_job(request: dict[str, Any]) -> None:
    """Raise AWS's refusal of a request, if there is one."""
    _refuse_what_is_not_here(request)
    config, definition = request["HyperParameterTuningJobConfig"], request["TrainingJobDefinition"]
    _check_objective(config, definition)
    _check_ranges(config, definition)
    _check_limits(config)
    _check_hyperband(config, definition)


def trial_limit(config: dict[str, Any]) -> int:
    """Return how many training jobs a tuning job has at most."""
    if config["Strategy"] == "Grid":
        return combinations(read_space(config.get("ParameterRanges", {})))
    return int(config["ResourceLimits"].get("MaxNumberOfTrainingJobs", _MOST_JOBS))


def hyperband_epochs(config: dict[str, Any], definition: dict[str, Any]) -> tuple[int, int | None]:
    """Return the least and the most epochs of a trial; None where the latter are not to be found out."""
    band = config.get("StrategyConfig", {}).get("HyperbandStrategyConfig", {})
    static = definition.get("StaticHyperParameters", {})
    inferred = (static[name].strip('"') for name in _EPOCHS if name in static)
    most = band.get("MaxResource") or next((int(text) for text in inferred if text.isdigit()), None)
    return band.get("MinResource", 1), most


def _refuse_what_is_not_here(request: dict[str, Any]) -> None:
    several = request.get("TrainingJobDefinitions")
    if several and request.get("TrainingJobDefinition"):
        raise invalid("TrainingJobDefinition and TrainingJobDefinitions cannot both be given.")
    if request.get("Autotune") or several:
        what = "Autotune" if request.get("Autotune") else "TrainingJobDefinitions"
        raise ApiError("UnknownOperationException", f"{what} is not available in the local cloud", 501)
    if not request.get("TrainingJobDefinition"):
        raise invalid("A training job definition is required: TrainingJobDefinition is missing.")
    definition = request["TrainingJobDefinition"]
    if not definition["AlgorithmSpecification"].get("TrainingImage"):
        raise ApiError("UnknownOperationException", "AlgorithmName is not available in the local cloud", 501)
    if ("ResourceConfig" in definition) == ("HyperParameterTuningResourceConfig" in definition):
        raise invalid("Exactly one of ResourceConfig and HyperParameterTuningResourceConfig is required.")


def _check_objective(config: dict[str, Any], definition: dict[str, Any]) -> None:
    objective = config.get("HyperParameterTuningJobObjective")
    metrics = definition["AlgorithmSpecification"].get("MetricDefinitions", [])
    if objective is None or objective["MetricName"] not in [metric["Name"] for metric in metrics]:
        raise invalid(
            "A metric is required for this hyperparameter tuning job objective. Provide a metric in the metric "
            "definitions."
        )


def _check_ranges(config: dict[str, Any], definition: dict[str, Any]) -> None:
    ranges, static = config.get("ParameterRanges", {}), definition.get("StaticHyperParameters", {})
    if ranges.get("AutoParameters"):
        raise ApiError("UnknownOperationException", "AutoParameters is not available in the local cloud", 501)
    names = [item["Name"] for kind in ranges.values() for item in kind]
    if not names:
        raise invalid("At least one hyperparameter range is required.")
    if len(names) > _MOST_SEARCHED:
        raise invalid(f"At most {_MOST_SEARCHED} hyperparameters can be searched; {len(names)} were given.")
    if len({*names, *static, OBJECTIVE}) > _MOST_HYPERPARAMETERS:
        raise invalid(
            f"A training job has at most {_MOST_HYPERPARAMETERS} hyperparameters, {OBJECTIVE} included."
        )
    for name in names:
        if names.count(name) > 1 or name in static:
            raise invalid(f"The hyperparameter {name} is defined more than once.")
    complaint = next(_complaints(ranges), None)
    if complaint:
        raise invalid(complaint)


def _complaints(ranges: dict[str, Any]) -> Iterator[str]:
    for item in ranges.get("CategoricalParameterRanges", []):
        if len(set(item["Values"])) < len(item["Values"]):
            yield f"The hyperparameter {item['Name']} has a value twice."
    for item in ranges.get("IntegerParameterRanges", []):
        yield from _number_complaints(item, whole=True)
    for item in ranges.get("ContinuousParameterRanges", []):
        yield from _number_complaints(item, whole=False)


def _number_complaints(item: dict[str, str], *, whole: bool) -> Iterator[str]:
    name, scale = item["Name"], item.get("ScalingType", "Auto")
    form = r"[+-]?\d+" if whole else r"[+-]?(\d+\.?\d*|\.\d+)([eE][+-]?\d+)?"
    for text in (item["MinValue"], item["MaxValue"]):
        if not re.fullmatch(form, text.strip()):
            yield f"The hyperparameter {name} has a bound that is no {'integer' if whole else 'number'}: {text}"
            return
    low, high = float(item["MinValue"]), float(item["MaxValue"])
    if low > high:
        yield f"The hyperparameter {name} has a minimum ({low:g}) above its maximum ({high:g})."
    if scale == "Logarithmic" and low <= 0:
        yield f"The hyperparameter {name} cannot be scaled logarithmically: its values are not all greater than 0."
    if scale == "ReverseLogarithmic" and (whole or not 0 <= low <= high < 1):
        yield (
            f"The hyperparameter {name} cannot be scaled reverse-logarithmically: that is for continuous values "
            "within 0 <= x < 1.0."
        )


def _check_limits(config: dict[str, Any]) -> None:
    strategy, limits = config["Strategy"], config["ResourceLimits"]
    ranges, given = config["ParameterRanges"], limits.get("MaxNumberOfTrainingJobs")
    if strategy == "Grid":
        if ranges.get("IntegerParameterRanges") or ranges.get("ContinuousParameterRanges"):
            raise invalid("Only categorical parameters are supported when using the Grid strategy.")
        if given not in (None, trial_limit(config)):
            raise invalid(
                f"MaxNumberOfTrainingJobs ({given}) must be equal to the number of distinct categorical combinations "
                f"({trial_limit(config)}) when using the Grid strategy."
            )
    elif given is None and not (
        limits.get("MaxRuntimeInSeconds") or config.get("TuningJobCompletionCriteria")
    ):
        raise invalid(
            "MaxNumberOfTrainingJobs is required, unless there is another criterion for completion."
        )
    _check_quota("training jobs per tuning job", trial_limit(config), _MOST_JOBS)
    _check_quota("parallel training jobs per tuning job", limits["MaxParallelTrainingJobs"], _MOST_PARALLEL)


def _check_quota(what: str, asked: int, most: int) -> None:
    if asked > most:
        raise ApiError(
            "ResourceLimitExceeded",
            f"The account-level service limit 'Number of {what}' is {most}, with a request delta of {asked}. Please "
            "contact AWS support to request an increase for this limit.",
        )


def _check_hyperband(config: dict[str, Any], definition: dict[str, Any]) -> None:
    if config["Strategy"] != "Hyperband":
        if config.get("StrategyConfig"):
            raise invalid("HyperbandStrategyConfig is only supported for the Hyperband strategy.")
        return
    if config.get("TrainingJobEarlyStoppingType", "Off") != "Off":
        raise invalid("TrainingJobEarlyStoppingType must be Off to use the Hyperband strategy.")
    least, most = hyperband_epochs(config, definition)
    if most is None:
        raise invalid(
            "MaxResource is required for the Hyperband strategy: it is neither in HyperbandStrategyConfig nor among the "
            f"static hyperparameters ({', '.join(_EPOCHS)})."
        )
    if not least <= most <= _MOST_EPOCHS:
        raise invalid(f"MaxResource ({most}) must be between MinResource ({least}) and {_MOST_EPOCHS}.")
