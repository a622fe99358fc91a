"""Hyperparameters as SageMaker passes them, which is as text, and as people read them."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

_OF_THE_PLATFORM = ("sagemaker_", "_tuning_")
"""What the names begin with that containers and tuning jobs add, such as ``_tuning_objective_metric``."""
_WORDS = {"True": True, "False": False, "None": None}


def read_hyperparameters(given: Mapping[str, Any]) -> dict[str, Any]:
    """Return hyperparameters as values; SageMaker passes all as text, and its own among them.

    Examples
    --------
    >>> read_hyperparameters({"max_iter": "200", "early_stopping": "False", "loss": "poisson", "sagemaker_region": '"x"'})
    {'max_iter': 200, 'early_stopping': False, 'loss': 'poisson'}
    >>> read_hyperparameters({"alpha": "0.1", "_tuning_objective_metric": "validation:rmse"})
    {'alpha': 0.1}
    """
    return {name: value_of(value) for name, value in given.items() if not name.startswith(_OF_THE_PLATFORM)}


def value_of(given: Any) -> Any:
    """Return the value that a text is: a number, true, false, none, or the text itself.

    Examples
    --------
    >>> [value_of(text) for text in ("12", "1e-05", "True", "sqrt")]
    [12, 1e-05, True, 'sqrt']
    """
    if not isinstance(given, str):
        return given
    if given in _WORDS:
        return _WORDS[given]
    try:
        return json.loads(given)
    except ValueError:
        return given


def in_words(hyperparameters: Mapping[str, Any]) -> str:
    """Return hyperparameters in one line, by their names; numbers with four digits.

    Examples
    --------
    >>> in_words({"max_leaf_nodes": 31, "learning_rate": 0.0512345, "loss": "poisson"})
    'learning_rate=0.05123 loss=poisson max_leaf_nodes=31'
    """
    return " ".join(f"{name}={_short(value)}" for name, value in sorted(hyperparameters.items()))


def _short(value: Any) -> str:
    return f"{value:.4g}" if isinstance(value, float) else str(value)
