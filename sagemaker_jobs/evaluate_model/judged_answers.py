"""What the new model and the one in service say about the rows of the test part."""

from __future__ import annotations

import math
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from headrace.ml.metrics import Predictions, measure
from sagemaker_jobs.engines import load_predictor
from sagemaker_jobs.failures import JobError
from sagemaker_jobs.model import Predictor
from sagemaker_jobs.part_stream import PartStream
from sagemaker_jobs.parts import MissingColumnError, PartFiles, answer_part
from sagemaker_jobs.spec import Spec


@dataclass(frozen=True)
class Champion:
    """What the model in service said about the test part, or why it could not say anything."""

    predictions: Predictions | None = None
    problem: str | None = None


def answer_test(model: Predictor, test: Path, spec: Spec) -> Predictions:
    """Answer the test part batch by batch: there may be more of it than memory holds."""
    stream = PartStream(PartFiles.of(test, spec, model.schema))
    answers = [answer_part(model, batch) for batch in stream.batches()]
    if not answers:
        raise JobError("the test part has no rows")
    return Predictions(
        np.concatenate([each.truth for each in answers]),
        np.concatenate([each.values for each in answers]),
        model.classes,
        model.threshold,
    )


def ask_champion(folder: Path, spec: Spec, test: Path, challenger: Predictor) -> Champion:
    """Let the model in service answer, if it still can."""
    champion = load_predictor(folder)
    if champion.problem != challenger.problem:
        return Champion(
            problem=f"it is a {champion.problem} model, and the pipeline is {challenger.problem} now"
        )
    try:
        answers = answer_test(champion, test, spec)
    except MissingColumnError as error:
        return Champion(problem=f"it needs the column {', '.join(map(repr, error.names))}, which is gone")
    if champion.problem == "binary" and champion.classes != challenger.classes:
        return Champion(problem="it knows other labels than the data has now")
    unknown = set(answers.truth) - set(champion.classes) if champion.classes else set()
    if unknown and not math.isfinite(measure(champion.problem, answers)[spec.pipeline.metric]):
        return Champion(problem=f"it does not know {len(unknown)} of the labels that the data has now")
    return Champion(answers)
