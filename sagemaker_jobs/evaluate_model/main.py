"""The evaluation job: models and untouched rows in, ``evaluation.json`` and ``performance.json`` out."""

from __future__ import annotations

import math
import tarfile
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from headrace.ml.arrays import Flags
from headrace.ml.metrics import Predictions, direction, measure
from headrace.ml.recency import HELD_OUT, LEARNED, RECENCY, RECENT, Marks
from sagemaker_jobs.engines import load_predictor
from sagemaker_jobs.evaluate_model.bootstrap import COVERAGE, better_by, interval, resampled
from sagemaker_jobs.evaluate_model.judged_engine import judge_engine
from sagemaker_jobs.evaluate_model.performance import performance_of
from sagemaker_jobs.failures import JobError
from sagemaker_jobs.model import Predictor
from sagemaker_jobs.model_folder import MANIFEST, read_json, write_json
from sagemaker_jobs.part_stream import PartStream
from sagemaker_jobs.parts import MissingColumnError, PartFiles, answer_part
from sagemaker_jobs.paths import MlPaths
from sagemaker_jobs.spec import Spec, read_spec


@dataclass(frozen=True)
class Champion:
    """What the model in service said about the test part, or why it could not say anything."""

    predictions: Predictions | None = None
    problem: str | None = None


def main(paths: MlPaths, environ: Mapping[str, str]) -> None:
    """Evaluate as SageMaker asks: ``/opt/ml/processing/input/{challenger,champion,test,recency,spec}`` in."""
    spec = read_spec(paths.processing_input("spec"))
    challenger = unpack(paths.processing_input("challenger"))
    in_service = paths.processing_input("champion")
    champion = unpack(in_service) if in_service.is_dir() and any(in_service.iterdir()) else None
    test, recency = (paths.processing_input(name) for name in ("test", "recency"))
    judged, training = judge_engine(challenger, spec, test), read_json(challenger / "metrics.json")
    evaluation = evaluate_model(spec, test, judged.predictor, training, champion, recency)
    performance = performance_of(spec, judged.predictor, test)
    write_json(paths.processing_output / "evaluation.json", {**evaluation, "engine": judged.about})
    write_json(paths.processing_output / "performance.json", performance.as_dict())
    print(_sentence(evaluation))  # noqa: T201 - the job's log


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
    answers = _answers(model, test, spec)
    other = _ask_champion(champion, spec, test, model) if champion else Champion()
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


def read_marks(folder: Path | None, rows: int) -> Marks:
    """Read the marks of the test part, in the order of its files.

    Raises
    ------
    JobError
        If they are not one for each row.
    """
    if folder is None or not folder.is_dir():
        return np.full(rows, HELD_OUT, dtype=np.int8)
    files = sorted(folder.rglob("*.parquet"))
    try:
        marks = [pq.read_table(file, partitioning=None).column(RECENCY).to_numpy() for file in files]
    except (pa.ArrowException, KeyError, OSError) as error:
        raise JobError(f"the marks of the test part cannot be read: {error}") from None
    found: Marks = np.concatenate([*marks, np.empty(0, dtype=np.int8)])
    if len(found) != rows:
        raise JobError(f"the test part has {rows} rows, and {len(found)} marks of which are recent")
    return found


def unpack(folder: Path) -> Path:
    """Unpack ``model.tar.gz`` beside itself and return the folder with the model.

    Raises
    ------
    JobError
        If it is missing or damaged. Links, devices and paths that lead elsewhere are refused.
    """
    archive = folder / "model.tar.gz"
    if (folder / MANIFEST).is_file():
        return folder
    model = folder / "model"
    try:
        with tarfile.open(archive) as tar:
            tar.extractall(model, filter="data")
    except (OSError, tarfile.TarError) as error:
        raise JobError(f"the {folder.name} cannot be unpacked: {error}") from None
    return model


def _answers(model: Predictor, test: Path, spec: Spec) -> Predictions:
    """Answer the test part batch by batch: there may be more of it than memory holds."""
    stream = PartStream(PartFiles.of(test, spec, model.schema))
    answers = [answer_part(model, batch) for batch in stream.batches()]
    if not answers:
        raise JobError("the test part has no rows")
    return Predictions(
        np.concatenate([each.truth for each in answers]),
        np.concatenate([each.values for each in answers]),
        model.classes,
    )


def _ask_champion(folder: Path, spec: Spec, test: Path, challenger: Predictor) -> Champion:
    champion = load_predictor(folder)
    if champion.problem != challenger.problem:
        return Champion(
            problem=f"it is a {champion.problem} model, and the pipeline is {challenger.problem} now"
        )
    try:
        answers = _answers(champion, test, spec)
    except MissingColumnError as error:
        return Champion(problem=f"it needs the column {', '.join(map(repr, error.names))}, which is gone")
    if champion.problem == "binary" and champion.classes != challenger.classes:
        return Champion(problem="it knows other labels than the data has now")
    unknown = set(answers.truth) - set(champion.classes) if champion.classes else set()
    if unknown and not math.isfinite(measure(champion.problem, answers)[spec.pipeline.metric]):
        return Champion(problem=f"it does not know {len(unknown)} of the labels that the data has now")
    return Champion(answers)


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


def _sentence(evaluation: Mapping[str, Any]) -> str:
    metric = evaluation["metric"]
    parts = {"unseen": evaluation, "old holdout": evaluation["holdout"], "recent": evaluation["recent"]}
    return "; ".join(
        f"{metric} on {part['rows']} {name} rows: "
        + ", ".join(
            f"{model} {part[model].get(metric)}" for model in ("challenger", "champion") if part[model]
        )
        for name, part in parts.items()
        if part["rows"]
    )
