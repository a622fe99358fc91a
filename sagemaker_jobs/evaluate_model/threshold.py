"""What the chosen threshold is worth on rows that neither the model nor the threshold was made from."""

from __future__ import annotations

import math
from dataclasses import replace
from pathlib import Path
from typing import Any

from headrace.config.evaluation import Evaluation
from headrace.ml.metrics import BY_LABELS, Predictions, measure
from sagemaker_jobs.model_folder import THRESHOLD, read_json
from sagemaker_jobs.train_model.decision import rule_of


def threshold_record(folder: Path, evaluation: Evaluation, unseen: Predictions) -> dict[str, Any] | None:
    """Return how the threshold was chosen, and what it does to the test part; None if there is none.

    Parameters
    ----------
    folder : Path
        Of the model.
    evaluation : Evaluation
        Block of the pipeline file.
    unseen : Predictions
        The model's answers to the test part, by its threshold.

    Returns
    -------
    dict
        ``value``, ``by``, ``low``, ``high`` and ``chosen_on`` as the training job wrote them; ``metrics`` of the labels on the test
        part, and ``metrics_at_half`` of the labels that would be answered without a threshold; ``objective`` and
        ``objective_at_half``: the mean cost of a row, or what else was chosen by, on the test part.
    """
    if unseen.threshold is None or not (folder / THRESHOLD).is_file() or not len(unseen.truth):
        return None
    at_half = replace(unseen, threshold=None)
    record = {
        **read_json(folder / THRESHOLD),
        "metrics": _by_labels(unseen),
        "metrics_at_half": _by_labels(at_half),
    }
    if evaluation.threshold is None:
        return record
    rule = rule_of(evaluation.threshold)
    return {**record, "objective": rule.worth_of(unseen), "objective_at_half": rule.worth_of(at_half)}


def _by_labels(predictions: Predictions) -> dict[str, float]:
    found = measure("binary", predictions)
    return {name: value for name, value in found.items() if name in BY_LABELS and math.isfinite(value)}
