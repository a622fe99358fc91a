"""The engine by which a model is judged, which is the one that will serve it."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

from threadpoolctl import threadpool_limits

from sagemaker_jobs.engines import ONNX, SKOPS, load_predictor
from sagemaker_jobs.model import Predictor
from sagemaker_jobs.model_folder import MANIFEST, read_json
from sagemaker_jobs.onnx_export.parity import MOST_COMPARED, compare
from sagemaker_jobs.part_stream import PartStream
from sagemaker_jobs.parts import PartFiles
from sagemaker_jobs.spec import Spec


@dataclass(frozen=True)
class JudgedEngine:
    """A model in its engine.

    Parameters
    ----------
    predictor : Predictor
        What answers.
    about : dict
        ``name`` and ``why``, and ``parity`` on the rows of the training and of the test part, if there is a graph.
    """

    predictor: Predictor
    about: dict[str, Any]


def judge_engine(folder: Path, spec: Spec, test: Path) -> JudgedEngine:
    """Load a model, and compare its graph with scikit-learn once more: on rows that the training has never seen.

    A graph that answers them otherwise does not serve, although the training has chosen it.

    Parameters
    ----------
    folder : Path
        Of the model.
    spec : Spec
        What is predicted.
    test : Path
        Folder of the test part; 20,000 of its rows are compared, evenly spread.

    Raises
    ------
    JobError
        If the model cannot be loaded, or the test part cannot be read.
    """
    predictor = load_predictor(folder)
    about = read_json(folder / MANIFEST).get("engine")
    if about is None:
        return JudgedEngine(predictor, {"name": SKOPS, "why": "its training knew no other"})
    files = PartFiles.of(test, spec, predictor.schema)
    if about["name"] != ONNX or not files.rows:
        return JudgedEngine(predictor, about)
    reference = load_predictor(folder, SKOPS)
    with threadpool_limits(1):  # as in the training
        found = compare(reference, predictor, [PartStream(files).sample(MOST_COMPARED).columns])
    parity = {**about["parity"], "test": found.as_dict()}
    if found.holds:
        return JudgedEngine(predictor, {**about, "parity": parity})
    why = (
        f"its graph answers {found.rows} test rows otherwise, {found.other_labels} of them with another label"
    )
    return JudgedEngine(reference, {"name": SKOPS, "why": why, "parity": parity})
