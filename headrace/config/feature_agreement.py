"""What must hold between the steps of `features` and the rest of a pipeline file."""

from __future__ import annotations

from typing import TYPE_CHECKING

from headrace.config.estimators import NETWORKS
from headrace.config.features import Hashing, TargetMean, Tfidf, Tokens

if TYPE_CHECKING:
    from collections.abc import Iterator

    from headrace.config.agreement import Finding
    from headrace.config.pipeline import Pipeline

_TREES = ("hist_gradient_boosting", "random_forest", "xgboost")


def feature_disagreements(pipeline: Pipeline) -> Iterator[Finding]:
    """Yield what is wrong between the steps and the other fields, in the order of the steps."""
    hidden = {pipeline.target: "the target", pipeline.id: "the id"}
    hidden |= dict.fromkeys(pipeline.ignore, "ignored")
    estimator = pipeline.training.estimator
    for place, step in enumerate(pipeline.features.steps):
        where = ("features", "steps", place)
        for name in step.columns:
            if name in hidden:
                yield (*where, "columns"), f"{name!r} is {hidden[name]}, which no model sees"
        if isinstance(step, Tfidf | Hashing) and step.components == 0 and estimator in (*_TREES, *NETWORKS):
            yield (
                (*where, "components"),
                f"{estimator} reads no sparse numbers: leave it out, or name 1 to 1000",
            )
        if isinstance(step, Tokens) and estimator not in NETWORKS:
            yield (
                (*where, "step"),
                f"numbers words for networks, and {estimator} is none: use tfidf or hashing",
            )
        if isinstance(step, TargetMean) and estimator == "sgd":
            yield (*where, "step"), "needs all rows at once, and sgd reads the rows piece by piece"
