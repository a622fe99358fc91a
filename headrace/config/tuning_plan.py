"""What a tuning comes to: the ranges that are searched, how many trials, how long, at what price."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from headrace.config.limits import METRICS
from headrace.config.scale import longest_run_s, longest_wait_s
from headrace.config.search_spaces import default_search_space
from headrace.config.tuning import MOST_MINUTES, Searched, Tuning

if TYPE_CHECKING:
    from headrace.config.pipeline import Pipeline

Document = Mapping[str, Any]
"""A range, as `headrace.ml.search_space` reads it; the scale may be ``auto``, which is SageMaker's to decide."""

_TRIALS = 20
_START_UP_MINUTES = 10
"""What a trial's instance takes to come, at most as a rule; it counts in a tuning job's run time, not in its trials'."""
_MINUTES_PER_HOUR = 60
_S_PER_MINUTE, _S_PER_HOUR = 60, 3600
_DIRECTIONS = {"lower": "Minimize", "higher": "Maximize"}


@dataclass(frozen=True)
class TuningPlan:
    """What a tuning comes to at most.

    Parameters
    ----------
    search : mapping
        Ranges by the hyperparameter's name.
    trials : int
        Models that are trained.
    minutes : int
        How long it may run.
    trial_minutes : int
        The sum of what all trials may run, on each of their instances.
    usd : float or None
        What they and the training with the best hyperparameters may cost, in US dollars; None if the price of the instance is not known.
    """

    search: Mapping[str, Document]
    trials: int
    minutes: int
    trial_minutes: int
    usd: float | None


def tuning_plan(pipeline: Pipeline) -> TuningPlan | None:
    """Return what the tuning of each training comes to; None if nothing is tuned.

    Examples
    --------
    >>> from headrace.config.pipeline import Pipeline
    >>> tuning = {"trials": 25, "parallel": 10}
    >>> plan = tuning_plan(Pipeline(name="bike", problem="regression", target="cnt", training={"tuning": tuning}))
    >>> plan.trials, plan.minutes, plan.trial_minutes, plan.usd
    (25, 210, 1500, 3.0)
    """
    training, tuning = pipeline.training, pipeline.training.tuning
    if tuning is None:
        return None
    trials = trials_of(pipeline)
    rounds = math.ceil(trials / tuning.parallel)
    run, wait = (_minutes(seconds(training, trials + 1)) for seconds in (longest_run_s, longest_wait_s))
    minutes = tuning.max_minutes or min(MOST_MINUTES, rounds * (wait + _START_UP_MINUTES))
    running = min(trials * run, tuning.parallel * minutes) * training.instances
    hourly = training.hourly_usd
    paid = running + run * training.instances
    usd = None if hourly is None else round(paid * hourly / _MINUTES_PER_HOUR, 2)
    return TuningPlan(searched(pipeline, tuning), trials, minutes, running, usd)


def objective(pipeline: Pipeline) -> dict[str, str]:
    """Return what trials are compared by, as SageMaker has it: the metric that a training job tells of its validation rows.

    Examples
    --------
    >>> from headrace.config.pipeline import Pipeline
    >>> objective(Pipeline(name="bike", problem="regression", target="cnt"))
    {'Type': 'Minimize', 'MetricName': 'validation:rmse'}
    """
    direction = METRICS[pipeline.problem][pipeline.metric]
    return {"Type": _DIRECTIONS[direction], "MetricName": f"validation:{pipeline.metric}"}


def trials_of(pipeline: Pipeline) -> int:
    """Return how many models a training makes to choose from; 1 if nothing is tuned."""
    tuning = pipeline.training.tuning
    if tuning is None:
        return 1
    return combinations(searched(pipeline, tuning)) if tuning.strategy == "grid" else tuning.trials or _TRIALS


def fits_of(pipeline: Pipeline) -> int:
    """Return how many training jobs a training has: the trials, and one with what they have found."""
    return trials_of(pipeline) + (pipeline.training.tuning is not None)


def longest_job_s(pipeline: Pipeline) -> int:
    """Return how long each job of a training may run, in seconds, be it a trial, the only training job or the evaluation."""
    return longest_run_s(pipeline.training, fits_of(pipeline))


def longest_fit_minutes(pipeline: Pipeline) -> int:
    """Return how long the training job with all waiting for instances may take, with a tuning before it."""
    plan = tuning_plan(pipeline)
    return (plan.minutes if plan else 0) + _minutes(longest_wait_s(pipeline.training, fits_of(pipeline)))


def most_usd(pipeline: Pipeline) -> float | None:
    """Return what the jobs of one training may cost at most, at on-demand prices, in US dollars; None if that is not known.

    Examples
    --------
    >>> from headrace.config.pipeline import Pipeline
    >>> most_usd(Pipeline(name="bike", problem="regression", target="cnt", training={"usd_per_hour": 1.0}))
    2.0
    """
    training, plan, evaluation_s = pipeline.training, tuning_plan(pipeline), longest_job_s(pipeline)
    hourly = training.hourly_usd
    if hourly is None:
        return None
    fit_s = evaluation_s * training.instances + (plan.trial_minutes * _S_PER_MINUTE if plan else 0)
    return round((fit_s + evaluation_s) * hourly / _S_PER_HOUR, 2)


def _minutes(seconds: int) -> int:
    return math.ceil(seconds / _S_PER_MINUTE)


def searched(pipeline: Pipeline, tuning: Tuning) -> dict[str, Document]:
    """Return the ranges: those of the file, else those that the estimator declares and the file does not fix."""
    training = pipeline.training
    declared = default_search_space(training.estimator, pipeline.problem)
    if tuning.search:
        return {name: _document(one, declared.get(name)) for name, one in tuning.search.items()}
    left = {name: one for name, one in declared.items() if name not in training.hyperparameters}
    return {name: on_a_grid(one) for name, one in left.items()} if tuning.strategy == "grid" else left


def combinations(search: Mapping[str, Document]) -> int:
    """Count the combinations of listed values; ranges count as one.

    Examples
    --------
    >>> combinations({"a": {"kind": "choice", "values": [1, 2, 3]}, "b": {"kind": "choice", "values": ["x", "y"]}})
    6
    """
    return math.prod(len(one.get("values", (None,))) for one in search.values())


def on_a_grid(document: Document) -> Document:
    """Return the ends of a range and its middle as a choice; the middle of a logarithmic range is the geometric mean.

    Examples
    --------
    >>> on_a_grid({"kind": "continuous", "low": 0.01, "high": 1.0, "scale": "log"})["values"]
    (0.01, 0.1, 1.0)
    >>> on_a_grid({"kind": "integer", "low": 8, "high": 128, "scale": "linear"})["values"]
    (8, 68, 128)
    """
    if document["kind"] == "choice":
        return document
    low, high = document["low"], document["high"]
    middle = math.sqrt(low * high) if document["scale"] == "log" else (low + high) / 2
    whole = document["kind"] == "integer"
    middle = round(middle) if whole else float(f"{middle:.6g}")
    return {"kind": "choice", "values": tuple(dict.fromkeys((low, middle, high)))}


def _document(one: Searched, declared: Document | None) -> Document:
    if not one.is_range:
        return {"kind": "choice", "values": one.values}
    known = declared if declared and declared["kind"] != "choice" else {}
    whole = isinstance(one.min, int) and isinstance(one.max, int)
    scale = known.get("scale", "auto") if one.scale == "auto" else one.scale
    kind = known.get("kind", "integer" if whole else "continuous")
    return {"kind": kind, "low": one.min, "high": one.max, "scale": scale}
