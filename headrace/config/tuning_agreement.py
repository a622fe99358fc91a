"""What must hold in the block `training.tuning`, and between it, the estimator and SageMaker's quotas."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from headrace.config.hyperparameters import known_hyperparameters, steps_hyperparameter
from headrace.config.tuning import MOST_SEARCHED, MOST_TRIALS, Searched, Tuning
from headrace.config.tuning_plan import combinations, searched, tuning_plan

if TYPE_CHECKING:
    from headrace.config.agreement import Finding
    from headrace.config.pipeline import Pipeline

_BLOCK = ("training", "tuning")
Found = tuple[str, str, bool]
"""The field, what is wrong with it, and whether it is."""


def tuning_disagreements(pipeline: Pipeline) -> list[Finding]:
    """Return what does not fit; nothing without the block."""
    tuning = pipeline.training.tuning
    if tuning is None:
        return []
    of_search = [finding for name, one in tuning.search.items() for finding in _searched(pipeline, name, one)]
    if of_search:
        return of_search
    found = [*_space(pipeline, tuning), *_trials(pipeline, tuning), *_steps(pipeline, tuning)]
    return [((*_BLOCK, field), text) for field, text, wrong in found if wrong]


def _searched(pipeline: Pipeline, name: str, one: Searched) -> Iterator[Finding]:
    """Yield what is wrong with one hyperparameter."""
    training = pipeline.training
    known = known_hyperparameters(training.estimator, pipeline.problem)
    low, high = one.min, one.max
    ends = low is not None and high is not None
    grid = training.tuning is not None and training.tuning.strategy == "grid"
    found = [
        (
            f"{training.estimator} of a {pipeline.problem} problem has no such hyperparameter; it has: "
            f"{', '.join(sorted(known or ()))}",
            known is not None and name not in known,
        ),
        (
            "is searched, but `training.hyperparameters` fixes it: leave it out of one of them",
            name in training.hyperparameters,
        ),
        ("has neither values nor both `min` and `max`", one.is_range and not ends),
        ("has values and a range: name one of them", bool(one.values) and (low, high) != (None, None)),
        ("a value comes twice", len({(type(value), value) for value in one.values}) < len(one.values)),
        (f"goes from {low} to {high}: `min` must be less than `max`", ends and _not_below(low, high)),
        (
            f"begins at {low}: a logarithmic scale begins above 0",
            one.scale == "log" and low is not None and low <= 0,
        ),
        (
            "is a range, and grid tries listed values: list them, or take another strategy",
            grid and one.is_range,
        ),
    ]
    yield from (((*_BLOCK, "search", name), text) for text, wrong in found if wrong)


def _not_below(low: float | None, high: float | None) -> bool:
    return low is not None and high is not None and low >= high


def _space(pipeline: Pipeline, tuning: Tuning) -> Iterator[Found]:
    """Yield what is wrong with all hyperparameters together."""
    search = searched(pipeline, tuning)
    yield (
        "search",
        f"is left out, and {pipeline.training.estimator} declares nothing to search that "
        "`training.hyperparameters` does not fix: name what is tried",
        not search,
    )
    yield (
        "search",
        f"names {len(search)} hyperparameters, and SageMaker searches at most {MOST_SEARCHED}",
        len(search) > MOST_SEARCHED,
    )
    if tuning.strategy != "grid":
        return
    count = combinations(search)
    yield (
        "search",
        f"has {count} combinations, and SageMaker trains at most {MOST_TRIALS}: list fewer values",
        count > MOST_TRIALS,
    )
    yield (
        "trials",
        f"is {tuning.trials}, but grid tries all {count} combinations: leave it out",
        tuning.trials is not None and tuning.trials != count,
    )


def _trials(pipeline: Pipeline, tuning: Tuning) -> Iterator[Found]:
    """Yield what is wrong with the number of trials, and with what they begin with."""
    plan = tuning_plan(pipeline)
    trials = plan.trials if plan else 0
    yield "parallel", f"is more than the {trials} trials", tuning.parallel > trials
    yield (
        "warm_start",
        f"is for bayesian and random search, not for {tuning.strategy}",
        tuning.warm_start and tuning.strategy in ("grid", "hyperband"),
    )
    yield (
        "warm_start",
        f"counts the {trials} trials of the former tuning, too, and SageMaker trains at most {MOST_TRIALS} together",
        tuning.warm_start and 2 * trials > MOST_TRIALS,
    )


def _steps(pipeline: Pipeline, tuning: Tuning) -> Iterator[Found]:
    """Yield what is wrong with whatever looks at a trial while it runs."""
    estimator, hyperband = pipeline.training.estimator, tuning.strategy == "hyperband"
    once = f"{estimator} reports the metric once, at its end"
    steps = steps_hyperparameter(estimator)
    silent = steps is None
    longest = tuning.max_steps
    learned = pipeline.training.hyperparameters.get(steps or "")
    yield (
        "max_steps",
        f"is {longest}, and `training.hyperparameters` has {steps}: {learned}: a trial of more steps would be ended before "
        f"its model is written; leave {steps} out, max_steps says it",
        hyperband and longest is not None and isinstance(learned, int) and learned > longest,
    )
    yield (
        "search",
        f"has {steps}, which hyperband decides by max_steps: leave it out",
        hyperband and steps in tuning.search,
    )
    yield "strategy", f"is hyperband, which ends trials by their steps, but {once}", hyperband and silent
    yield (
        "early_stopping",
        f"ends trials by their steps, but {once}",
        tuning.early_stopping and silent and not hyperband,
    )
    yield (
        "early_stopping",
        "is needless: hyperband ends trials by itself",
        tuning.early_stopping and hyperband,
    )
    yield (
        "max_steps",
        "is left out: hyperband must know how many rounds or epochs a trial takes",
        hyperband and longest is None,
    )
    yield "max_steps", f"is for hyperband, not for {tuning.strategy}", longest is not None and not hyperband
    yield "min_steps", f"is for hyperband, not for {tuning.strategy}", tuning.min_steps > 1 and not hyperband
    yield (
        "min_steps",
        f"is not less than max_steps ({longest})",
        hyperband and longest is not None and tuning.min_steps >= longest,
    )
