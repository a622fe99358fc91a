"""Compares a new model with the one in service, on rows that neither has seen."""

from __future__ import annotations

import math
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np

from headrace.ml.arrays import Flags
from headrace.ml.metrics import Predictions, direction, measure
from headrace.ml.recency import HELD_OUT, LEARNED, RECENT
from sagemaker_jobs.evaluate_model.bootstrap import COVERAGE, better_by, interval, resampled
from sagemaker_jobs.evaluate_model.judged_answers import Champion, answer_test, ask_champion
from sagemaker_jobs.evaluate_model.recency_marks import read_marks
from sagemaker_jobs.model import Predictor
from sagemaker_jobs.spec import Spec


def evaluate_model(
    spec: Spec,
    test: Path,
    model: Predictor,
    training: Mapping[str, Any],
    champion: Path | None,
    recency: Path | None = None,
) -> dict[str, Any]:
    """Measure both models on the test part: on what both were judged by or might have been, and on what came since.

    Parameters
    ----------
    spec : Spec
        What is predicted, and by which metric it is judged.
    test : Path
        Folder with the untouched rows.
    model : Predictor
        The new model, the challenger.
    training : mapping
        Its metrics of the training job, by part.
    champion : Path or None
        Folder of the model in service, if there is one.
    recency : Path, optional
        Folder that marks the rows of `test` as `headrace.ml.recency` does; without it none is recent.

    Returns
    -------
    dict
        ``rows``, ``metric``, ``direction``; ``challenger`` and ``champion``: value by metric; ``champion_problem``: why the
        model in service could not answer; ``learned_rows``: rows left out because the model in service may have learned
        from them; ``holdout`` and ``recent``: rows, metrics and intervals on the old holdout and on the rows that came
        since; ``train``: the challenger's metrics on its training rows, and ``gap``: how much worse the metric is on the
        test part; ``intervals``: the middle 95 % of the metric over resampled rows, and of the improvement on the same rows.

    Raises
    ------
    JobError
        If a model cannot be loaded or there are no rows.
    """
    answers = answer_test(model, test, spec)
    other = ask_champion(champion, spec, test, model) if champion else Champion()
    marks = read_marks(recency, len(answers.truth)) if champion else np.full(len(answers.truth), HELD_OUT)
    trained = training.get("train", {})
    metric = spec.pipeline.metric
    unseen, held_out = marks != LEARNED, marks == HELD_OUT
    judged = _judged(spec, answers, other.predictions, unseen)
    same = held_out.sum() == unseen.sum()
    return {
        "problem": model.problem,
        "metric": metric,
        "direction": direction(metric),
        **judged,
        "champion_problem": other.problem,
        "learned_rows": int((marks == LEARNED).sum()),
        "holdout": judged if same else _judged(spec, answers, other.predictions, held_out),
        "recent": _judged(spec, answers, other.predictions, marks == RECENT),
        "train": trained,
        "gap": _gap(metric, trained, judged["challenger"]),
        "content_hash": spec.content_hash,
    }


def _judged(
    spec: Spec, challenger: Predictions, champion: Predictions | None, chosen: Flags
) -> dict[str, Any]:
    """Return how many rows were chosen, and what the models are worth on them."""
    if not chosen.any():
        return {"rows": 0, "challenger": {}, "champion": None, "intervals": {}}
    models = [model.rows(chosen) for model in (challenger, champion) if model is not None]
    found = [_finite(measure(spec.pipeline.problem, model)) for model in models]
    return {
        "rows": int(chosen.sum()),
        "challenger": found[0],
        "champion": found[1] if champion is not None else None,
        "intervals": _intervals(spec, *models),
    }


def _intervals(spec: Spec, *models: Predictions) -> dict[str, Any]:
    metric, problem = spec.pipeline.metric, spec.pipeline.problem
    values = resampled(problem, metric, list(models), spec.pipeline.training.seed)
    found = {"coverage": COVERAGE, "challenger": interval(values[:, 0])}
    if len(models) == 1:
        return found
    better = better_by(metric, values[:, 0], values[:, 1])
    return {**found, "champion": interval(values[:, 1]), "improvement": interval(better)}


def _gap(metric: str, train: Mapping[str, float], test: Mapping[str, float]) -> float | None:
    """Return how much worse the metric is on the test part than on the training rows."""
    if metric not in train or metric not in test:
        return None
    return better_by(metric, train[metric], test[metric])


def _finite(metrics: Mapping[str, float]) -> dict[str, float]:
    return {name: value for name, value in metrics.items() if math.isfinite(value)}
