"""Compares a new model with the one in service, on rows that neither has seen."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np

from headrace.ml.arrays import Flags
from headrace.ml.evaluation.bootstrap import better_by
from headrace.ml.evaluation.labels import per_class
from headrace.ml.evaluation.measured import intervals_of, measure_models, values_of
from headrace.ml.evaluation.tables import confusion_table
from headrace.ml.metrics import Predictions, direction
from headrace.ml.recency import HELD_OUT, LEARNED, RECENT
from sagemaker_jobs.evaluate_model.fairness import fairness_of
from sagemaker_jobs.evaluate_model.judged_answers import Champion, answer_test, ask_champion
from sagemaker_jobs.evaluate_model.plots import plots_of
from sagemaker_jobs.evaluate_model.recency_marks import read_marks
from sagemaker_jobs.evaluate_model.threshold import threshold_record
from sagemaker_jobs.model import Predictor
from sagemaker_jobs.model_folder import read_json
from sagemaker_jobs.spec import Spec


def evaluate_model(
    spec: Spec,
    test: Path,
    model: Predictor,
    folder: Path,
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
    folder : Path
        Where it lies, with the training job's metrics and how its threshold was chosen.
    champion : Path or None
        Folder of the model in service, if there is one.
    recency : Path, optional
        Folder that marks the rows of `test` as `headrace.ml.recency` does; without it none is recent.

    Returns
    -------
    dict
        ``rows``, ``metric``, ``direction``; ``challenger`` and ``champion``: value by metric; ``champion_problem``: why the
        model in service could not answer; ``learned_rows``: rows left out because the model in service may have learned
        from them; ``measured``: each model's metrics with their limits, and the improvement's; ``intervals``: the middle 95 %
        of the deciding metric over resampled rows, and of the improvement on the same rows; ``holdout`` and ``recent``: the
        same on the old holdout and on the rows that came since; ``per_class`` and ``confusion`` of the challenger's labels;
        ``threshold``: how it was chosen and what it does, or None; ``fairness``: by column how groups are treated; ``train``: the challenger's metrics on its training rows,
        and ``gap``: how much worse the deciding one is on the test part;
        ``curves``: what `headrace.ml.evaluation.curves` says of both models on these rows.

    Raises
    ------
    JobError
        If a model cannot be loaded or there are no rows.
    """
    answers = answer_test(model, test, spec)
    other = ask_champion(champion, spec, test, model) if champion else Champion()
    marks = read_marks(recency, len(answers.truth)) if champion else np.full(len(answers.truth), HELD_OUT)
    trained = read_json(folder / "metrics.json").get("train", {})
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
        **_by_label(answers.rows(unseen)),
        "threshold": threshold_record(folder, spec.pipeline.evaluation, answers.rows(unseen)),
        "fairness": fairness_of(spec, test, answers, unseen),
        "content_hash": spec.content_hash,
        "curves": plots_of(spec, answers, other.predictions, unseen),
    }


def _judged(
    spec: Spec, challenger: Predictions, champion: Predictions | None, chosen: Flags
) -> dict[str, Any]:
    """Return how many rows were chosen, and what the models are worth on them."""
    if not chosen.any():
        return {"rows": 0, "challenger": {}, "champion": None, "intervals": {}}
    models = [model.rows(chosen) for model in (challenger, champion) if model is not None]
    measured = measure_models(spec.pipeline.problem, models, spec.pipeline.training.seed)
    return {
        "rows": int(chosen.sum()),
        "challenger": values_of(measured["challenger"]),
        "champion": values_of(measured["champion"]) if champion is not None else None,
        "intervals": intervals_of(measured, spec.pipeline.metric),
        "measured": measured,
    }


def _by_label(challenger: Predictions) -> dict[str, Any]:
    """Return how well the challenger tells each label; nothing in a regression, or without rows."""
    if not challenger.classes or not len(challenger.truth):
        return {}
    return {"per_class": per_class(challenger), "confusion": confusion_table(challenger)}


def _gap(metric: str, train: Mapping[str, float], test: Mapping[str, float]) -> float | None:
    """Return how much worse the metric is on the test part than on the training rows."""
    if metric not in train or metric not in test:
        return None
    return better_by(metric, train[metric], test[metric])
