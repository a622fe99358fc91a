"""The hyperparameters that estimators have, so that a misspelt one is found before anything is deployed."""

from __future__ import annotations

from headrace.config.estimators import NETWORKS

_BOOSTING = frozenset(
    "early_stopping interaction_cst l2_regularization learning_rate loss max_bins max_depth max_features max_iter "
    "max_leaf_nodes min_samples_leaf n_iter_no_change scoring tol validation_fraction".split()
)
_FOREST = frozenset(
    "bootstrap ccp_alpha criterion max_depth max_features max_leaf_nodes max_samples min_impurity_decrease "
    "min_samples_leaf min_samples_split min_weight_fraction_leaf n_estimators oob_score".split()
)
_RIDGE = frozenset("alpha fit_intercept max_iter positive solver tol".split())
_LOGISTIC = frozenset(
    "C class_weight dual fit_intercept intercept_scaling l1_ratio max_iter penalty solver tol".split()
)
_SGD = frozenset(
    "alpha average epsilon eta0 fit_intercept l1_ratio learning_rate loss max_iter n_iter_no_change penalty power_t tol".split()
)
_XGBOOST = frozenset(
    "colsample_bylevel colsample_bynode colsample_bytree early_stopping_rounds gamma grow_policy learning_rate max_bin "
    "max_cat_threshold max_cat_to_onehot max_delta_step max_depth max_leaves min_child_weight n_estimators reg_alpha "
    "reg_lambda subsample".split()
)
_NETWORK = frozenset(
    "batch_size dropout embedding_size epochs filters hidden_layers hidden_units learning_rate patience picture "
    "weight_decay".split()
)

_KNOWN: dict[tuple[str, bool], frozenset[str]] = {
    ("hist_gradient_boosting", True): _BOOSTING | {"quantile"},
    ("hist_gradient_boosting", False): _BOOSTING | {"class_weight"},
    ("random_forest", True): _FOREST,
    ("random_forest", False): _FOREST | {"class_weight"},
    ("linear", True): _RIDGE,
    ("linear", False): _LOGISTIC,
    ("sgd", True): _SGD,
    ("sgd", False): _SGD,
    ("xgboost", True): _XGBOOST | {"objective"},
    ("xgboost", False): _XGBOOST,
    **{(name, regression): _NETWORK for name in NETWORKS for regression in (True, False)},
}


_STEPS = {"xgboost": "n_estimators", **dict.fromkeys(NETWORKS, "epochs")}


def steps_hyperparameter(estimator: str) -> str | None:
    """Return by which name is said how many rounds or epochs an estimator learns; None if it does not report after each.

    Examples
    --------
    >>> steps_hyperparameter("torch"), steps_hyperparameter("linear")
    ('epochs', None)
    """
    return _STEPS.get(estimator)


def known_hyperparameters(estimator: str, problem: str) -> frozenset[str] | None:
    """Return the names that `training.hyperparameters` may have, which are scikit-learn's, or XGBoost's own.

    Those of networks are `sagemaker_jobs.learners.networks.hyperparameters`.

    Left out is what the file says elsewhere (the seed, the kinds of columns) and what only tells how to compute.

    What an estimator of the user's own has, its class says, in the job: None.

    Examples
    --------
    >>> sorted(known_hyperparameters("linear", "regression"))
    ['alpha', 'fit_intercept', 'max_iter', 'positive', 'solver', 'tol']
    """
    return _KNOWN.get((estimator, problem == "regression"))
