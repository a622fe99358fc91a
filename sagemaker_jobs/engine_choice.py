"""Chooses the engine of a new model: ONNX Runtime if its answers are scikit-learn's, else scikit-learn, and says why."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

from threadpoolctl import threadpool_limits

from headrace.ml.arrays import Floats
from headrace.ml.privacy.redaction import write_traced
from sagemaker_jobs.engines import ONNX, ONNX_FILE, SKOPS, OnnxModel
from sagemaker_jobs.model import Model, Predictor
from sagemaker_jobs.onnx_export.hostile_rows import hostile_rows
from sagemaker_jobs.onnx_export.parity import MOST_COMPARED, compare, compare_answers
from sagemaker_jobs.parts import Part, answer_part

_EXACT = 1e-12  # to which differences are told
_EXPORTERS = ("onnx", "onnxruntime")


@dataclass(frozen=True)
class Choice:
    """The engine that will serve a model.

    Parameters
    ----------
    predictor : Predictor
        The model in that engine.
    answers : ndarray
        Its answers to all rows that were held out; nobody need ask for them again.
    name : {"onnx", "skops"}
        Of the engine.
    why : str
        One sentence.
    parity : dict
        How far the graph's answers are from scikit-learn's, on rows that were held out and on hostile ones; empty if there
        is no graph.
    """

    predictor: Predictor
    answers: Floats
    name: str
    why: str
    parity: dict[str, Any]

    def as_dict(self) -> dict[str, Any]:
        """Return what the manifest says about it."""
        return {"name": self.name, "why": self.why, **({"parity": self.parity} if self.parity else {})}


def choose_engine(model: Model, held_out: Part, folder: Path) -> Choice:
    """Export a model, compare its answers with those of the graph, and write ``model.onnx`` if they are the same.

    Parameters
    ----------
    model : Model
        The fitted pipeline.
    held_out : Part
        Rows to compare by: the first 20,000 of them, and hostile variants of the first few.
    folder : Path
        Of the model.
    """
    try:
        graph, served = _exported(model)
    except _NotPossibleError as error:
        return Choice(model, answer_part(model, held_out).values, SKOPS, str(error), {})
    answers = served.predict(held_out.columns)
    parity, holds = _parity(model, served, held_out, answers)
    if not holds:
        why = f"its graph answers otherwise: {_told(parity)}"
        return Choice(model, answer_part(model, held_out).values, SKOPS, why, parity)
    (folder / ONNX_FILE).write_bytes(graph)
    return Choice(served, answers, ONNX, f"its graph answers as scikit-learn does: {_told(parity)}", parity)


class _NotPossibleError(Exception):
    """There is no graph; the text says why."""


def _exported(model: Model) -> tuple[bytes, OnnxModel]:
    try:
        # AWS's own container has no ONNX; training there goes on without.
        from sagemaker_jobs.onnx_export.export import export_onnx  # noqa: PLC0415
        from sagemaker_jobs.onnx_export.graph import NotExportableError  # noqa: PLC0415
    except ModuleNotFoundError as error:
        if error.name not in _EXPORTERS:
            raise
        raise _NotPossibleError(f"this container has no {error.name}") from None
    try:
        graph = export_onnx(model.pipeline, model.schema)
        return graph, OnnxModel(model.problem, model.schema, model.classes, model.steps, graph)
    except NotExportableError as error:
        raise _NotPossibleError(str(error)) from None
    except Exception as error:  # A model that can be served must not be lost for want of a faster engine.
        write_traced(error)
        raise _NotPossibleError(
            f"its export failed ({type(error).__name__}; the training's log says more)"
        ) from None


def _parity(model: Model, served: OnnxModel, held_out: Part, answers: Floats) -> tuple[dict[str, Any], bool]:
    # One thread: in answering, scikit-learn's trees wait for each other more than they work.
    with threadpool_limits(1):
        real = compare_answers(model, held_out.first(MOST_COMPARED).columns, answers[:MOST_COMPARED])
        hostile = compare(model, served, list(hostile_rows(held_out.columns, model.schema)))
    return {"held_out": real.as_dict(), "hostile": hostile.as_dict()}, real.holds and hostile.holds


def _told(parity: dict[str, Any]) -> str:
    rows = {name: found["rows"] for name, found in parity.items()}
    labels = sum(found["other_labels"] for found in parity.values())
    differences = [found["difference"] for found in parity.values()]
    largest = "one no number" if None in differences else f"at most {max(*differences, _EXACT):.0e} apart"
    return f"{rows['held_out']} held-out and {rows['hostile']} hostile rows, {labels} other labels, {largest}"
