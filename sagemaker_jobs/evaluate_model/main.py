"""The evaluation job: models and untouched rows in, ``evaluation.json`` and ``performance.json`` out."""

from __future__ import annotations

import math
import tarfile
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from headrace.ml.metrics import Predictions, direction, measure
from sagemaker_jobs.evaluate_model.bootstrap import COVERAGE, better_by, interval, resampled
from sagemaker_jobs.evaluate_model.performance import performance_of
from sagemaker_jobs.failures import JobError
from sagemaker_jobs.model import Model, answer_part
from sagemaker_jobs.model_files import MANIFEST, load_model, read_json, write_json
from sagemaker_jobs.part_stream import PartStream
from sagemaker_jobs.parts import MissingColumnError, PartFiles
from sagemaker_jobs.paths import MlPaths
from sagemaker_jobs.spec import Spec, read_spec


@dataclass(frozen=True)
class Champion:
    """What the model in service said about the test part, or why it could not say anything."""

    predictions: Predictions | None = None
    problem: str | None = None


def main(paths: MlPaths, environ: Mapping[str, str]) -> None:
    """Evaluate as SageMaker asks: ``/opt/ml/processing/input/{challenger,champion,test,spec}`` in."""
    spec = read_spec(paths.processing_input("spec"))
    challenger = unpack(paths.processing_input("challenger"))
    in_service = paths.processing_input("champion")
    champion = unpack(in_service) if in_service.is_dir() and any(in_service.iterdir()) else None
    test, model = paths.processing_input("test"), load_model(challenger)
    evaluation = evaluate_model(spec, test, model, read_json(challenger / "metrics.json"), champion)
    write_json(paths.processing_output / "evaluation.json", evaluation)
    write_json(paths.processing_output / "performance.json", performance_of(spec, model, test).as_dict())
    print(_sentence(evaluation))  # noqa: T201 - the job's log


def evaluate_model(
    spec: Spec, test: Path, model: Model, training: Mapping[str, Any], champion: Path | None
) -> dict[str, Any]:
    """Measure both models on the test part.

    Parameters
    ----------
    spec : Spec
        What is predicted, and by which metric it is judged.
    test : Path
        Folder with the untouched rows.
    model : Model
        The new model, the challenger.
    training : mapping
        Its metrics of the training job, by part.
    champion : Path or None
        Folder of the model in service, if there is one.

    Returns
    -------
    dict
        ``rows``, ``metric``, ``direction``; ``challenger`` and ``champion``: value by metric; ``champion_problem``: why the
        model in service could not answer; ``train``: the challenger's metrics on its training rows, and ``gap``: how much
        worse the metric is on the test part; ``intervals``: the middle 95 % of the metric over resampled rows, and of the
        improvement on the same rows.

    Raises
    ------
    JobError
        If a model cannot be loaded or there are no rows.
    """
    answers = _answers(model, test, spec)
    other = _ask_champion(champion, spec, test, model) if champion else Champion()
    trained = training.get("train", {})
    metrics = _finite(measure(model.problem, answers))
    metric = spec.pipeline.metric
    return {
        "problem": model.problem,
        "metric": metric,
        "direction": direction(metric),
        "rows": len(answers.truth),
        "challenger": metrics,
        "champion": _finite(measure(model.problem, other.predictions)) if other.predictions else None,
        "champion_problem": other.problem,
        "train": trained,
        "gap": _gap(metric, trained, metrics),
        "intervals": _intervals(spec, answers, other.predictions),
        "content_hash": spec.content_hash,
    }


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


def _answers(model: Model, test: Path, spec: Spec) -> Predictions:
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


def _ask_champion(folder: Path, spec: Spec, test: Path, challenger: Model) -> Champion:
    champion = load_model(folder)
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


def _intervals(spec: Spec, challenger: Predictions, champion: Predictions | None) -> dict[str, Any]:
    metric, problem = spec.pipeline.metric, spec.pipeline.problem
    models = [challenger] if champion is None else [challenger, champion]
    values = resampled(problem, metric, models, spec.pipeline.training.seed)
    found = {"coverage": COVERAGE, "challenger": interval(values[:, 0])}
    if champion is None:
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
    metric, rows = evaluation["metric"], evaluation["rows"]
    measured = [
        f"{name} {evaluation[name].get(metric)}" for name in ("challenger", "champion") if evaluation[name]
    ]
    return f"{metric} on {rows} unseen rows: {', '.join(measured)}"
