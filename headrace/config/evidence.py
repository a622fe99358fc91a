"""What is checked before a figure is believed: leaks, folds, a learning curve, explanations."""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal

from pydantic import Field

from headrace.config.block import Block, Column

if TYPE_CHECKING:
    from headrace.config.agreement import Finding
    from headrace.config.pipeline import Pipeline

_TREES = ("hist_gradient_boosting", "random_forest", "xgboost")


class Leakage(Block):
    """What happens when a column gives the target away, or rows of the test part are in training."""

    policy: Literal["warn", "block", "off"] = Field(
        "warn",
        description="Say it, refuse the model, or do not look. What only makes a figure doubtful is said in either case.",
    )
    max_auc: float = Field(
        0.98,
        gt=0.5,
        le=1,
        description="A single column that tells labels apart so well is a leak, as ROC AUC.",
    )
    max_r2: float = Field(
        0.98,
        gt=0,
        le=1,
        description="A single column that explains such a share of a number's variance is one.",
    )
    max_duplicate_share: float = Field(
        0.01,
        ge=0,
        le=1,
        description="So many of the test rows may have features that a training row has, too.",
    )
    allow: tuple[Column, ...] = Field(
        (), description="Columns that are in order, however well they predict: they are not looked at."
    )


class CrossValidation(Block):
    """Fits again and again, each time on other rows; left out, nothing is."""

    folds: int = Field(
        5, ge=2, le=50, description="How many folds; each is answered by a model of the others."
    )
    repeats: int = Field(1, ge=1, le=20, description="How often rows are dealt to folds anew.")
    by: Literal["random", "stratified", "group", "time"] | None = Field(
        None,
        description="How rows are dealt; by time a fold is answered by a model of all before it. None: as `split.by`.",
    )
    over: Literal["seen", "all"] = Field(
        "seen",
        description="Training and validation rows, or all, the test part included, to compare with published figures.",
    )


def fold_kind(pipeline: Pipeline) -> str:
    """Return how rows are dealt to folds.

    Examples
    --------
    >>> from headrace.config.pipeline import Pipeline
    >>> fold_kind(Pipeline(name="bike", problem="regression", target="y", evaluation={"cross_validation": {}}))
    'random'
    """
    block = pipeline.evaluation.cross_validation
    named = block.by if block else None
    return named or ("random" if pipeline.split.by == "column" else pipeline.split.by)


def evidence_disagreements(pipeline: Pipeline) -> list[Finding]:
    """Return what does not fit between these blocks and the others."""
    evaluation, split = pipeline.evaluation, pipeline.split
    leakage, folds = evaluation.leakage, evaluation.cross_validation
    estimator, kind = pipeline.training.estimator, fold_kind(pipeline)
    unseen = {pipeline.target: "the target", **dict.fromkeys(pipeline.ignore, "ignored")}
    found: list[tuple[tuple[str, ...], str, bool]] = [
        (("shap",), f"explains trees, and {estimator} has none", evaluation.shap and estimator not in _TREES),
        (
            ("leakage", "allow"),
            "is named, but `leakage.policy` is off",
            leakage.policy == "off" and bool(leakage.allow),
        ),
        *(
            (("leakage", "allow"), f"{name!r} is {unseen[name]}, which is no feature", True)
            for name in leakage.allow
            if name in unseen
        ),
        (
            ("learning_curve",),
            "fits in memory, and sgd is for rows that do not fit: leave it out, or choose linear",
            evaluation.learning_curve is True and estimator == "sgd",
        ),
    ]
    if folds is not None:
        found += [
            (
                ("cross_validation", "by"),
                "is group, but no `split.group` is named",
                kind == "group" and not split.group,
            ),
            (
                ("cross_validation", "by"),
                "is time, but no `time` column is named",
                kind == "time" and not pipeline.time,
            ),
            (
                ("cross_validation", "by"),
                "is stratified, which deals label by label, and a regression has none: use random",
                kind == "stratified" and pipeline.problem == "regression",
            ),
            (
                ("cross_validation", "repeats"),
                "deals anew, and by time there is one order only: leave it out",
                kind == "time" and folds.repeats > 1,
            ),
            (
                ("cross_validation",),
                "fits in memory, and sgd is for rows that do not fit: leave it out, or choose linear",
                estimator == "sgd",
            ),
        ]
    return [(("evaluation", *path), text) for path, text, wrong in found if wrong]
