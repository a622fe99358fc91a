"""The names of `training.estimator`, and what each needs beside the lean installation."""

from __future__ import annotations

import difflib
import re
from typing import Annotated

from pydantic import AfterValidator, WithJsonSchema

NETWORKS = ("torch", "keras")
"""Those that are neural networks."""

ESTIMATORS = ("hist_gradient_boosting", "random_forest", "linear", "sgd", "xgboost", *NETWORKS)
"""Those that are built in; the first is the default."""

OWN_PREFIX = "own."
_OWN = re.compile(r"own\.[a-z][a-z0-9_]{0,62}")

EXTRAS = {"xgboost": ("xgboost",), "torch": ("torch",), "keras": ("keras",)}
"""Files of ``sagemaker_jobs/extras`` that an estimator needs to learn; none of them is needed to answer."""


def is_own(estimator: str) -> bool:
    """Tell whether an estimator is a file of the user's own.

    Examples
    --------
    >>> is_own("own.nearest"), is_own("linear")
    (True, False)
    """
    return estimator.startswith(OWN_PREFIX)


def _known(name: str) -> str:
    if name in ESTIMATORS or _OWN.fullmatch(name):
        return name
    close = difflib.get_close_matches(name, ESTIMATORS, n=1)
    meant = f" (did you mean {close[0]}?)" if close else ""
    raise ValueError(
        f"{name!r} is no estimator{meant}: it is one of {', '.join(ESTIMATORS)}, or own.<file> of "
        "pipelines/estimators/<file>.py"
    )


EstimatorName = Annotated[
    str,
    AfterValidator(_known),
    WithJsonSchema(
        {"anyOf": [{"enum": list(ESTIMATORS)}, {"type": "string", "pattern": f"^{_OWN.pattern}$"}]}
    ),
]
"""An estimator's name, checked."""
