"""Evaluations of made-up models, with every section that there can be."""

import numpy as np

from headrace.ml.evaluation.curves import curves_of
from headrace.ml.metrics import DEFAULT_METRIC, Predictions, direction, measure


def binary(rows, seed=1, digits=None, skill=1.5):
    rng = np.random.default_rng(seed)
    truth = np.random.default_rng(0).random(rows) < 0.3
    scores = 1 / (1 + np.exp(-(skill * truth + rng.normal(size=rows) - 1)))
    scores = scores if digits is None else np.round(scores, digits)
    labels = np.where(truth, "yes", "no")
    return Predictions(labels, np.column_stack([1 - scores, scores]), ("no", "yes"))


def multiclass(rows, labels, seed=1, skill=0.5):
    rng = np.random.default_rng(seed)
    truth = np.random.default_rng(0).integers(0, labels, rows)
    chances = rng.dirichlet(np.ones(labels), rows)
    chances[np.arange(rows), truth] += skill
    names = tuple(sorted(f"label {index:02d}" for index in range(labels)))
    return Predictions(np.array(names)[truth], chances / chances.sum(1, keepdims=True), names)


def regression(rows, seed=1, noise=10.0):
    predicted = np.random.default_rng(0).gamma(2.0, 50.0, rows)
    rng = np.random.default_rng(seed)
    return Predictions(predicted + rng.normal(0, 10, rows), predicted + rng.normal(0, noise, rows))


def evaluation_of(problem, challenger, champion=None):
    metric = DEFAULT_METRIC[problem]
    found = {"challenger": measure(problem, challenger)}
    if champion is not None:
        found["champion"] = measure(problem, champion)
    interval = {name: [value[metric] * 0.97, value[metric] * 1.03] for name, value in found.items()}
    part = {
        "rows": len(challenger.truth),
        "challenger": found["challenger"],
        "champion": found.get("champion"),
        "intervals": {
            "coverage": 0.95,
            **interval,
            "improvement": [0.01, 0.05] if champion is not None else None,
        },
    }
    return {
        "problem": problem,
        "metric": metric,
        "direction": direction(metric),
        **part,
        "champion_problem": None,
        "learned_rows": 12 if champion is not None else 0,
        "holdout": part,
        "recent": {"rows": 0, "challenger": {}, "champion": None, "intervals": {}},
        "train": found["challenger"],
        "gap": 0.01,
        "content_hash": "ab" * 32,
        "engine": {"name": "onnx", "why": "its graph answers the same"},
    }


def evidence(column="temperature", groups=("f", "m")):
    """What further checks add to an evaluation."""
    return {
        "per_class": {
            "no": {"precision": {"value": 0.9, "low": 0.88, "high": 0.92}, "recall": 0.8, "support": 1400},
            "yes": {"precision": {"value": 0.7, "low": 0.65, "high": 0.75}, "recall": 0.6, "support": 600},
        },
        "threshold": {
            "value": 0.37,
            "low": 0.31,
            "high": 0.42,
            "by": "cost",
            "chosen_on": {"part": "validation", "rows": 360, "positive": 90},
            "metrics": {"f1": 0.71},
            "metrics_at_half": {"f1": 0.64},
            "objective": 1.25,
            "objective_at_half": 1.5,
        },
        "fairness": {
            "sex": {
                "groups": {name: {"rows": 500, "selection_rate": 0.3, "recall": 0.6} for name in groups},
                "gaps": {
                    "equalised_odds": {
                        "value": 0.04,
                        "low": 0.01,
                        "high": 0.09,
                        "lowest": groups[0],
                        "highest": groups[1],
                    },
                    "accuracy": {"value": None, "low": None, "high": None},
                },
            }
        },
        "leakage": [
            {"check": "single_feature", "column": column, "sentence": f"{column} alone gives the answer away"}
        ],
        "cross_validation": {
            "folds": 5,
            "f1": {"mean": 0.7, "low": 0.66, "high": 0.74, "values": [0.7, 0.68, 0.72]},
        },
        "learning_curve": [
            {"rows": rows, "train": 0.99 - rows / 1e5, "validation": 0.8 + rows / 2e4}
            for rows in (500, 1000, 2000)
        ],
        "verdict": {"state": "sound", "sentence": "More rows would still help: the curve has not flattened."},
        "importance": [
            {"feature": column, "mean": 0.2, "low": 0.17, "high": 0.23},
            {"feature": "hour", "mean": 0.05, "low": 0.03, "high": 0.07},
            {"feature": "noise", "mean": -0.001, "low": -0.004, "high": 0.002},
        ],
        "shap": [{"feature": column, "mean_abs": 1.2}, {"feature": "hour", "mean_abs": 0.3}],
    }


def report_of(problem, challenger, champion=None, *, promote=True, why="rmse 42 on 900 unseen rows", **more):
    draws = np.random.default_rng(3).normal(0.03, 0.02, 500) if champion is not None else None
    models = {"challenger": challenger, **({} if champion is None else {"champion": champion})}
    return {
        "pipeline": "bike",
        "run": "headrace-bike-260131-120000-0a1b2c3d",
        "promote": promote,
        "why": why,
        "evaluation": {**evaluation_of(problem, challenger, champion), **more},
        "curves": curves_of(problem, models, improvement=draws),
        "snapshot": {
            "rows": {"train": 5000, "validation": 700, "test": 2000},
            "rows_seen": 7712,
            "window": "all rows are learned from",
            "content_hash": "ab" * 32,
            "manifest_uri": "s3://artifacts/snapshots/abababababababab/manifest.json",
        },
        "trained": {
            "problem": problem,
            "estimator": "hist_gradient_boosting",
            "hyperparameters": {"max_iter": 200, "learning_rate": 0.1},
            "seed": 7,
            "python": "3.11.7",
        },
    }
