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


def write_monitoring(model: Model, train: Part | PartStream, held_out: Part, folder: Path) -> None:
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
    """
    profile = baseline(model, train, held_out)
    cleaning = {"cleaning": [step.as_dict() for step in model.steps]} if model.steps else {}
    write_json(folder / BASELINE, profile.as_dict() | cleaning)
    for name, document in zip(FURTHER, (statistics(profile), constraints(profile)), strict=True):
        write_json(folder / name, document)


def baseline(model: Model, train: Part | PartStream, held_out: Part) -> Profile:
    """Profile the training features and the answers to rows that were not trained on."""
    values = model.predict(held_out.columns)
    answers = np.asarray(model.classes)[np.argmax(values, axis=1)] if model.classes else values
    first = train.sample() if isinstance(train, PartStream) else train
    profile = profile_frame(
        first.columns, model.schema, predictions=answers, scores=_scores(values, model.classes)
    )
    return _profile_of_all(train, profile, model) if isinstance(train, PartStream) else profile


def _profile_of_all(stream: PartStream, sample: Profile, model: Model) -> Profile:
    """Profile a stream batch by batch, in the bins of some of its rows."""
    batches = [profile_frame(batch.columns, model.schema, like=sample) for batch in stream.batches()]
    features = merge_profiles(batches)
    return replace(sample, rows=features.rows, features=features.features)


def _scores(values: Floats, classes: Any) -> Floats | None:
    """Return the probability of the positive class, or of the class that is answered; None in a regression."""
    if not classes:
        return None
    scores: Floats = values[:, _POSITIVE] if len(classes) == _TWO_CLASSES else values.max(axis=1)
    return scores
