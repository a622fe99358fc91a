"""What must hold between what learns, where it learns, and the rest of a pipeline file."""

from __future__ import annotations

from typing import TYPE_CHECKING

from headrace.config.extras import training_extras
from headrace.config.hyperparameters import known_hyperparameters
from headrace.config.images import MANAGED

if TYPE_CHECKING:
    from collections.abc import Iterator

    from headrace.config.agreement import Finding
    from headrace.config.pipeline import Pipeline


def training_disagreements(pipeline: Pipeline) -> Iterator[Finding]:
    """Yield hyperparameters that the estimator does not have, and an image that lacks what it needs."""
    training = pipeline.training
    known = known_hyperparameters(training.estimator, pipeline.problem)
    for name in training.hyperparameters:
        if known is not None and name not in known:
            yield (
                ("training", "hyperparameters", name),
                f"{training.estimator} of a {pipeline.problem} problem has no such hyperparameter; "
                f"it has: {', '.join(sorted(known))}",
            )
    extras = training_extras(pipeline)
    if pipeline.image == MANAGED and extras:
        yield (
            ("image",),
            f"is managed, and AWS's scikit-learn image has no {', '.join(extras)}, which the training needs: leave `image` out",
        )
