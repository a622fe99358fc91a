"""What a search tries of each estimator unless the pipeline file says otherwise.

Plain documents, as `headrace.ml.search_space` reads them: the templates are made from them as well, without the jobs' code.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from headrace.config.estimators import NETWORKS

Document = Mapping[str, Any]


def _continuous(low: float, high: float, scale: str = "linear") -> Document:
    return {"kind": "continuous", "low": low, "high": high, "scale": scale}


def _integer(low: int, high: int, scale: str = "linear") -> Document:
    return {"kind": "integer", "low": low, "high": high, "scale": scale}


_BOOSTING: dict[str, Document] = {
    "learning_rate": _continuous(0.02, 0.3, "log"),
    "max_leaf_nodes": _integer(8, 128, "log"),
    "min_samples_leaf": _integer(5, 100, "log"),
    "l2_regularization": _continuous(1e-6, 10.0, "log"),
    "max_features": _continuous(0.3, 1.0),
}
_FOREST: dict[str, Document] = {
    "n_estimators": _integer(100, 500),
    "min_samples_leaf": _integer(1, 20, "log"),
    "max_features": _continuous(0.1, 1.0),
}
_SGD: dict[str, Document] = {"alpha": _continuous(1e-7, 1e-2, "log")}
_XGBOOST: dict[str, Document] = {
    "learning_rate": _continuous(0.02, 0.3, "log"),
    "max_depth": _integer(3, 10),
    "min_child_weight": _continuous(0.5, 20.0, "log"),
    "subsample": _continuous(0.5, 1.0),
    "colsample_bytree": _continuous(0.4, 1.0),
    "reg_lambda": _continuous(1e-2, 10.0, "log"),
}
_NETWORK: dict[str, Document] = {
    "hidden_layers": _integer(1, 4),
    "hidden_units": _integer(32, 512, "log"),
    "dropout": _continuous(0.0, 0.5),
    "learning_rate": _continuous(3e-4, 1e-2, "log"),
    "weight_decay": _continuous(1e-5, 0.1, "log"),
}

_SPACES: dict[tuple[str, bool], Mapping[str, Document]] = {
    ("hist_gradient_boosting", True): _BOOSTING,
    ("hist_gradient_boosting", False): _BOOSTING,
    ("random_forest", True): _FOREST,
    ("random_forest", False): _FOREST,
    ("linear", True): {"alpha": _continuous(1e-3, 1e3, "log")},
    ("linear", False): {"C": _continuous(1e-3, 1e2, "log")},
    ("sgd", True): _SGD,
    ("sgd", False): _SGD,
    ("xgboost", True): _XGBOOST,
    ("xgboost", False): _XGBOOST,
    **{(name, regression): _NETWORK for name in NETWORKS for regression in (True, False)},
}


def default_search_space(estimator: str, problem: str) -> Mapping[str, Document]:
    """Return the ranges of an estimator's hyperparameters; empty if none are declared here.

    Examples
    --------
    >>> default_search_space("linear", "binary")
    {'C': {'kind': 'continuous', 'low': 0.001, 'high': 100.0, 'scale': 'log'}}
    """
    return _SPACES.get((estimator, problem == "regression"), {})
