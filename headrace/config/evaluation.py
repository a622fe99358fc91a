"""When a new model is good enough, and from which probability on a label is answered."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Literal

from annotated_types import Len
from pydantic import Field

from headrace.config.block import Block, Column
from headrace.config.evidence import CrossValidation, Leakage
from headrace.config.limits import METRICS
from headrace.config.quality import Edges

if TYPE_CHECKING:
    from headrace.config.agreement import Finding
    from headrace.config.pipeline import Pipeline

_COSTS = ("false_positive_cost", "false_negative_cost")


class Threshold(Block):
    """From which probability on the positive label is answered, chosen on the validation part."""

    by: Literal["cost", "f_beta", "youden", "recall_at", "precision_at"] = Field(
        description="What is best: the lowest cost; the highest F-beta; the highest sensitivity + specificity; the best "
        "precision at a recall, or the best recall at a precision, of `at_least`."
    )
    false_positive_cost: float | None = Field(
        None, ge=0, description="Cost: of a negative row that is answered positive, in any unit."
    )
    false_negative_cost: float | None = Field(
        None, ge=0, description="Cost: of a positive row that is answered negative, in the same unit."
    )
    beta: float | None = Field(
        None, gt=0, le=100, description="F-beta: how many times as much recall counts as precision; none: 1."
    )
    at_least: float | None = Field(
        None, gt=0, le=1, description="The recall or the precision that must be reached."
    )


class Fairness(Block):
    """How differently groups of rows are treated."""

    columns: Annotated[tuple[Column, ...], Len(1, 10)] = Field(
        description="By whose values rows are grouped: features, or columns of `ignore` that no model sees."
    )
    edges: dict[Column, Edges] = Field(
        default_factory=dict,
        description="Ascending ends of the ranges in which a number of `columns` is cut.",
    )
    measure: (
        Literal[
            "equalised_odds",
            "equal_opportunity",
            "demographic_parity",
            "accuracy",
            "f1_macro",
            "mean_error",
            "rmse",
        ]
        | None
    ) = Field(
        None,
        description="Which gap between groups counts. binary: equalised_odds, equal_opportunity, demographic_parity, accuracy; "
        "multiclass: accuracy, f1_macro; regression: mean_error, rmse. The first is the default.",
    )
    max_gap: float | None = Field(
        None, ge=0, description="The largest gap that is let in, as a share, or in the target's unit."
    )
    min_rows: int = Field(
        50,
        ge=10,
        description="A figure of a group counts if it is of so many rows; smaller groups are named.",
    )
    gate: bool = Field(False, description="Whether a larger gap than `max_gap` refuses a model.")


FAIRNESS_MEASURES: dict[str, tuple[str, ...]] = {
    "binary": ("equalised_odds", "equal_opportunity", "demographic_parity", "accuracy"),
    "multiclass": ("accuracy", "f1_macro"),
    "regression": ("mean_error", "rmse"),
}
"""What may be compared between groups, by problem; the first is the default."""


class Evaluation(Block):
    """When a new model is good enough."""

    metric: str | None = Field(
        None,
        description="What decides, on the test part. "
        + "; ".join(f"{problem}: {', '.join(names)}" for problem, names in METRICS.items())
        + ". The first is the default.",
    )
    max_value: float | None = Field(
        None, description="A larger value is refused; for errors, in the metric's unit."
    )
    min_value: float | None = Field(None, description="A smaller value is refused; for scores.")
    floors: dict[str, float] = Field(
        default_factory=dict,
        description="What further metrics must reach: at least this if higher is better, at most this if lower is.",
    )
    min_improvement: float = Field(
        0.0,
        ge=0,
        description="How much better than the model in service a new one must be, in the metric's unit.",
    )
    beyond_luck: bool = Field(
        False,
        description="Whether it must be better on resampled rows, too: the 95 % interval of the difference lies above "
        "`min_improvement`.",
    )
    min_recent_rows: int = Field(
        100,
        ge=10,
        description="The old holdout and the rows that came since are judged apart if each has so many.",
    )
    old_tolerance: float = Field(
        0.25,
        ge=0,
        le=1,
        description="How much worse a new model may be on the old holdout, as a share of the metric of the one in "
        "service.",
    )
    threshold: Threshold | None = Field(
        None,
        description="From which probability on the positive label is answered; left out, the more probable one is.",
    )
    fairness: Fairness | None = Field(
        None, description="Groups of rows that are to be treated alike; left out, none are compared."
    )
    leakage: Leakage = Field(
        default_factory=Leakage,
        description="Columns that give the target away, and rows that are in two parts.",
    )
    cross_validation: CrossValidation | None = Field(
        None, description="Fits again and again, each time on other rows; left out, nothing is."
    )
    learning_curve: Literal["auto"] | bool = Field(
        "auto",
        description="Whether to fit on a quarter and half of the rows, too; auto: up to 20,000 rows.",
    )
    shap: bool = Field(
        False,
        description="Whether to say how much each column moves single answers; for estimators that grow trees.",
    )


def evaluation_disagreements(pipeline: Pipeline) -> list[Finding]:
    """Return what is wrong between the block's fields, and between them and the problem."""
    return [*_metric(pipeline), *_floors(pipeline), *_threshold(pipeline), *_fairness(pipeline)]


def _metric(pipeline: Pipeline) -> list[Finding]:
    evaluation, metric, allowed = pipeline.evaluation, pipeline.metric, METRICS[pipeline.problem]
    if metric not in allowed:
        fit = f"{metric!r} does not fit {pipeline.problem}; it is one of {', '.join(allowed)}"
        return [(("evaluation", "metric"), fit)]
    if evaluation.max_value is not None and allowed[metric] == "higher":
        return [(("evaluation", "max_value"), f"{metric} is better when higher: use min_value")]
    if evaluation.min_value is not None and allowed[metric] == "lower":
        return [(("evaluation", "min_value"), f"{metric} is better when lower: use max_value")]
    bounds = {"min_value": evaluation.min_value, "max_value": evaluation.max_value}
    return [
        (("evaluation", field), f"is {bound:g}, and {never}")
        for field, bound in bounds.items()
        if bound is not None and (never := _out_of_reach(metric, allowed[metric], bound))
    ]


def _out_of_reach(metric: str, better: str, bound: float) -> str:
    """Say why no model can meet a bound; "" if one can. All scores end at 1, all errors at 0.

    Examples
    --------
    >>> _out_of_reach("recall", "higher", 80), _out_of_reach("rmse", "lower", 80)
    ('recall is at most 1: every model would be refused', '')
    """
    if better == "higher":
        return f"{metric} is at most 1: every model would be refused" if bound > 1 else ""
    return f"{metric} is at least 0: every model would be refused" if bound < 0 else ""


def _floors(pipeline: Pipeline) -> list[Finding]:
    allowed = METRICS[pipeline.problem]
    found = {
        name: f"is {bound:g}, and {never}"
        if name in allowed and (never := _out_of_reach(name, allowed[name], bound))
        else f"is no metric of {pipeline.problem}; it has {', '.join(allowed)}"
        for name, bound in pipeline.evaluation.floors.items()
        if name not in allowed or _out_of_reach(name, allowed[name], bound)
    }
    return [(("evaluation", "floors", name), text) for name, text in found.items()]


def _threshold(pipeline: Pipeline) -> list[Finding]:
    block, place = pipeline.evaluation.threshold, ("evaluation", "threshold")
    if block is None:
        return []
    costs = [getattr(block, name) for name in _COSTS]
    needs_at_least = block.by in ("recall_at", "precision_at")
    found = [
        (
            place,
            f"is between two labels, and the problem is {pipeline.problem}",
            pipeline.problem != "binary",
        ),
        (
            (*place, "by"),
            f"is cost, which needs {' and '.join(_COSTS)}, one of them above 0",
            block.by == "cost" and (None in costs or not any(costs)),
        ),
        ((*place, "by"), f"is {block.by}, which needs `at_least`", needs_at_least and block.at_least is None),
        *(
            ((*place, name), f"means nothing by {block.by}: leave it out", value is not None)
            for name, value in zip(_COSTS, costs, strict=True)
            if block.by != "cost"
        ),
        (
            (*place, "beta"),
            f"means nothing by {block.by}: leave it out",
            block.by != "f_beta" and block.beta is not None,
        ),
        (
            (*place, "at_least"),
            f"means nothing by {block.by}: leave it out",
            not needs_at_least and block.at_least is not None,
        ),
    ]
    return [(path, text) for path, text, wrong in found if wrong]


def _fairness(pipeline: Pipeline) -> list[Finding]:
    block, place = pipeline.evaluation.fairness, ("evaluation", "fairness")
    if block is None:
        return []
    allowed = FAIRNESS_MEASURES[pipeline.problem]
    never = {pipeline.target: "the target", pipeline.id: "the id"}
    found = [
        (
            (*place, "measure"),
            f"{block.measure} does not fit {pipeline.problem}; it is one of {', '.join(allowed)}",
            block.measure is not None and block.measure not in allowed,
        ),
        ((*place, "gate"), "is on, but no `max_gap` is named", block.gate and block.max_gap is None),
        (
            (*place, "max_gap"),
            f"is {block.max_gap}, and a gap between shares is at most 1: nothing would be refused",
            pipeline.problem != "regression" and block.max_gap is not None and block.max_gap >= 1,
        ),
        *(
            ((*place, "columns"), f"{name!r} is {never[name]}, which makes no groups", True)
            for name in block.columns
            if name in never
        ),
        *(
            ((*place, "edges", name), "is not among `columns`", name not in block.columns)
            for name in block.edges
        ),
        *(
            ((*place, "columns"), f"{name!r} is a number: name its `edges`", True)
            for name in block.columns
            if pipeline.columns.get(name) == "number" and name not in block.edges
        ),
    ]
    return [(path, text) for path, text, wrong in found if wrong]
