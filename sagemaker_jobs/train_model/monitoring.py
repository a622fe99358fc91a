"""What a model will be watched by: the distributions of the rows that it has learnt, and of its answers."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np

from headrace.ml.arrays import Floats
from headrace.ml.model_monitor import constraints, statistics
from headrace.ml.monitoring_documents import BASELINE, FURTHER
from headrace.ml.profile import Profile, merge_profiles, profile_frame
from sagemaker_jobs.model import Model
from sagemaker_jobs.model_files import write_json
from sagemaker_jobs.part_stream import PartStream
from sagemaker_jobs.parts import Part

_POSITIVE = 1
_TWO_CLASSES = 2


def write_monitoring(
    model: Model, train: Part | PartStream, held_out: Part, folder: Path, *, seed: int
) -> None:
    """Write ``baseline.json``, and Model Monitor's ``statistics.json`` and ``constraints.json``.

    Parameters
    ----------
    model : Model
        The fitted model.
    train : Part or PartStream
        What it was fitted to, in the order of time if the pipeline names a time column.
    held_out : Part
        Rows whose answers show how a model answers: it has not learnt them by heart.
    folder : Path
        Of the model.
    seed : int
        By it rows are chosen, if rows have weights.
    """
    profile = baseline(model, train, held_out, np.random.default_rng(seed))
    cleaning = {"cleaning": [step.as_dict() for step in model.steps]} if model.steps else {}
    classes = {"classes": list(model.classes)} if model.classes else {}
    write_json(folder / BASELINE, profile.as_dict() | cleaning | classes)
    for name, document in zip(FURTHER, (statistics(profile), constraints(profile)), strict=True):
        write_json(folder / name, document)


def baseline(model: Model, train: Part | PartStream, held_out: Part, rng: np.random.Generator) -> Profile:
    """Profile the training features and the answers to rows that were not trained on."""
    values = model.predict(held_out.columns)
    answers = np.asarray(model.classes)[np.argmax(values, axis=1)] if model.classes else values
    first = recent_share(train.sample() if isinstance(train, PartStream) else train, rng)
    profile = profile_frame(
        first.columns, model.schema, predictions=answers, scores=_scores(values, model.classes)
    )
    return _profile_of_all(train, profile, model, rng) if isinstance(train, PartStream) else profile


def recent_share(part: Part, rng: np.random.Generator) -> Part:
    """Return rows in the shares in which they counted: each stays with the chance of its weight, which is 1 for the newest.

    Traffic is compared with them, and traffic is like what counted most.
    """
    if part.weights is None:
        return part
    return part.chosen(rng.random(part.rows) < part.weights)


def _profile_of_all(stream: PartStream, sample: Profile, model: Model, rng: np.random.Generator) -> Profile:
    """Profile a stream batch by batch, in the bins of some of its rows."""
    batches = (recent_share(batch, rng).columns for batch in stream.batches())
    features = merge_profiles([profile_frame(batch, model.schema, like=sample) for batch in batches])
    return replace(sample, rows=features.rows, features=features.features)


def _scores(values: Floats, classes: Any) -> Floats | None:
    """Return the probability of the positive class, or of the class that is answered; None in a regression."""
    if not classes:
        return None
    scores: Floats = values[:, _POSITIVE] if len(classes) == _TWO_CLASSES else values.max(axis=1)
    return scores
