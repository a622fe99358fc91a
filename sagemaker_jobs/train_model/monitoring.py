"""What a model will be watched by: the distributions of the rows that it has learnt, and of its answers."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np

from headrace.ml.arrays import Floats
from headrace.ml.calibration import Calibration, block_slices, calibrate
from headrace.ml.model_monitor import constraints, statistics
from headrace.ml.monitoring_documents import BASELINE, FURTHER
from headrace.ml.predictions import labels_of
from headrace.ml.profile import Profile, merge_profiles, profile_frame
from headrace.ml.profile_joint import joint_of
from sagemaker_jobs.model import Predictor
from sagemaker_jobs.model_folder import write_json
from sagemaker_jobs.part_stream import PartStream
from sagemaker_jobs.parts import Part

_POSITIVE = 1
_TWO_CLASSES = 2


def write_monitoring(
    model: Predictor,
    train: Part,
    answers: Floats,
    folder: Path,
    *,
    seed: int,
    stream: PartStream | None = None,
    importance: Sequence[Mapping[str, Any]] = (),
) -> None:
    """Write ``baseline.json``, and Model Monitor's ``statistics.json`` and ``constraints.json``.

    Parameters
    ----------
    model : Predictor
        The fitted model.
    train : Part
        What it was fitted to, in the order of time if the pipeline names a time column; if there is a stream, some of it.
    answers : ndarray
        To rows that show how it answers: it has not learnt them by heart.
    folder : Path
        Of the model.
    seed : int
        By it rows are chosen, if rows have weights.
    stream : PartStream or None
        All that it was fitted to, if that was read piece by piece.
    importance : sequence of mapping
        Of the columns, as ``importance.json`` has them: a column that drifts is told with its weight.
    """
    profile, calibration = baseline(model, train, answers, np.random.default_rng(seed), stream)
    cleaning = {"cleaning": [step.as_dict() for step in model.steps]} if model.steps else {}
    classes = {"classes": list(model.classes)} if model.classes else {}
    threshold = {} if model.threshold is None else {"threshold": model.threshold}
    calibrated = {"calibration": calibration.as_dict()}
    weighed = {"importance": list(importance)} if importance else {}
    extra = calibrated | cleaning | classes | threshold | weighed
    write_json(folder / BASELINE, profile.as_dict() | extra)
    for name, document in zip(FURTHER, (statistics(profile), constraints(profile)), strict=True):
        write_json(folder / name, document)


def baseline(
    model: Predictor, train: Part, values: Floats, rng: np.random.Generator, stream: PartStream | None = None
) -> tuple[Profile, Calibration]:
    """Profile the training features and the answers to rows that were not trained on; learn how their own windows vary."""
    answers = _Answers(
        labels_of(values, model.classes, model.threshold) if model.classes else values,
        _scores(values, model.classes),
    )
    first = recent_share(train, rng)
    profile = profile_frame(
        first.columns,
        model.schema,
        predictions=answers.predictions,
        scores=answers.scores,
        jointly=stream is None,
    )
    if stream is not None:
        # How columns go together is said in the bins' final counts, so not by the sample, nor by each batch.
        profile = _profile_of_all(stream, profile, model, rng)
        profile = replace(profile, joint=joint_of(first.columns, profile.features, is_reference=True))
    return profile, _calibrated(profile, first, answers, model)


@dataclass(frozen=True)
class _Answers:
    predictions: Any
    scores: Floats | None

    def part(self, rows: slice) -> dict[str, Any]:
        return {
            "predictions": self.predictions[rows],
            "scores": None if self.scores is None else self.scores[rows],
        }


def _calibrated(profile: Profile, first: Part, answers: _Answers, model: Predictor) -> Calibration:
    """Learn from consecutive rows, and from consecutive answers."""
    parts = ({name: cells[cut] for name, cells in first.columns.items()} for cut in block_slices(first.rows))
    rows = [profile_frame(part, model.schema, like=profile, ordered=False) for part in parts]
    cuts = block_slices(len(answers.predictions))
    answered = [profile_frame({}, [], like=profile, ordered=False, **answers.part(cut)) for cut in cuts]
    by_rows, by_answers = calibrate(profile, rows), calibrate(profile, answered)
    return replace(by_rows, columns={**by_rows.columns, **by_answers.columns})


def recent_share(part: Part, rng: np.random.Generator) -> Part:
    """Return rows in the shares in which they counted: each stays with the chance of its weight, which is 1 for the newest.

    Traffic is compared with them, and traffic is like what counted most.
    """
    if part.weights is None:
        return part
    return part.chosen(rng.random(part.rows) < part.weights)


def _profile_of_all(
    stream: PartStream, sample: Profile, model: Predictor, rng: np.random.Generator
) -> Profile:
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
