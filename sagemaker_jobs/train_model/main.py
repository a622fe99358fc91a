"""The training job: rows and a specification in, a model and what is known about it out."""

from __future__ import annotations

import base64
import csv
import io
import json
import platform
from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
from threadpoolctl import threadpool_limits

from headrace.config.features import OwnStep
from headrace.ml.arrays import Floats
from headrace.ml.hyperparameter_text import read_hyperparameters
from headrace.ml.metrics import Predictions, measure
from sagemaker_jobs.augmentation.rows import augment_part
from sagemaker_jobs.cluster import ALONE, Cluster, read_cluster
from sagemaker_jobs.engine_choice import choose_engine
from sagemaker_jobs.engines import SKOPS, load_predictor
from sagemaker_jobs.estimators import fit
from sagemaker_jobs.evidence.job import Trained
from sagemaker_jobs.evidence.written import write_evidence
from sagemaker_jobs.failures import JobError
from sagemaker_jobs.group_columns import group_columns
from sagemaker_jobs.learners.interface import Report
from sagemaker_jobs.learners.registry import check_learns_together, find_learner
from sagemaker_jobs.memory import check_memory
from sagemaker_jobs.model import Model, Predictor, as_documents, schema_document
from sagemaker_jobs.model_files import load_model, save_model
from sagemaker_jobs.model_folder import SCHEMA, write_json, write_manifest
from sagemaker_jobs.packages import package_versions
from sagemaker_jobs.part_stream import PartStream
from sagemaker_jobs.parts import Part, PartFiles, answer_part, read_part
from sagemaker_jobs.paths import MlPaths
from sagemaker_jobs.recipe import Recipe
from sagemaker_jobs.spec import Spec, read_spec
from sagemaker_jobs.streamed_fit import fit_streamed
from sagemaker_jobs.termination import terminable
from sagemaker_jobs.train_model.decision import with_chosen_threshold
from sagemaker_jobs.train_model.monitoring import write_monitoring

_ROWS_FOR_TRAIN_METRICS = 10_000
_TRIAL = "_tuning_objective_metric"
"""The hyperparameter by which SageMaker tells a job that it is one of a search."""


def main(paths: MlPaths, environ: Mapping[str, str]) -> None:
    """Train as SageMaker asks: channels ``train``, ``validation`` and ``spec`` in, ``/opt/ml/model`` out."""
    spec = read_spec(paths.channel("spec"))
    group_columns(spec)  # Groups that cannot be compared are told before anything is learned.
    hyperparameters = read_hyperparameters({**spec.pipeline.training.hyperparameters, **_given(paths)})
    cluster = read_cluster(paths, environ)
    check_learns_together(spec.pipeline.training.estimator, cluster)
    with terminable():
        rows = read_rows(paths, _given_to(spec, hyperparameters))
        metrics = train_model(
            spec, hyperparameters, rows, paths.model, checkpoints=paths.checkpoints, cluster=cluster
        )
    for name, value in metrics.get("validation", {}).items():
        print(f"validation:{name}={value:.10g};")  # noqa: T201 - MetricDefinitions read it from the log


@dataclass(frozen=True)
class Rows:
    """What a model is trained on.

    Parameters
    ----------
    train, validation : Part
        The rows; if there is a stream, some of them, evenly spread.
    channels : Path
        Folder of the files that they were read from.
    stream : PartStream or None
        All training rows, for an estimator that reads them piece by piece.
    is_trial : bool
        Whether the training is one of many that a search makes: then the model is only compared with others.
    """

    train: Part
    validation: Part
    channels: Path
    stream: PartStream | None = None
    is_trial: bool = False

    @property
    def count(self) -> int:
        """How many training rows there are."""
        return self.stream.rows if self.stream else self.train.rows


def read_rows(paths: MlPaths, spec: Spec) -> Rows:
    """Read the channels ``train`` and ``validation``, or some of their rows if the estimator reads them piece by piece.

    Raises
    ------
    JobError
        If rows cannot be read, or are more than the instance's memory holds.
    """
    train, validation = (paths.channel(name) for name in ("train", "validation"))
    if spec.pipeline.training.estimator == "sgd":
        stream = PartStream.of(train, spec)
        return Rows(stream.sample(), PartStream.of(validation, spec).sample(), train.parent, stream)
    check_memory(PartFiles.of(train, spec, spec.schema), spec.pipeline)
    return Rows(
        read_part(train, spec), read_part(validation, spec), train.parent, is_trial=_TRIAL in _given(paths)
    )


def train_model(
    spec: Spec,
    hyperparameters: Mapping[str, Any],
    rows: Rows,
    folder: Path,
    *,
    checkpoints: Path | None = None,
    cluster: Cluster = ALONE,
) -> dict[str, dict[str, float]]:
    """Fit a model, write it to `folder` and return its metrics by part.

    The files are ``model.skops``, ``model.onnx`` if that answers the same, ``schema.json``, ``metrics.json``, those that the
    model will be watched by (`write_monitoring`), the evidence that it is sound (`write_evidence`), ``threshold.json`` if one is
    chosen, ``sample.json`` (a real row and its answer) and ``manifest.json`` (a checksum for each, where the model comes from, and
    which engine serves it). The same rows, hyperparameters and seed give the same bytes. Learners that keep checkpoints do so in
    `checkpoints`, if there is such a folder. Of several hosts the first one writes the model; the others help to fit it, and write
    and return nothing.

    Raises
    ------
    JobError
        If there are too few rows, or they cannot be learned.
    """
    train, validation = rows.train, rows.validation
    if rows.count < 2:  # noqa: PLR2004 - a mean is not a model
        raise JobError(f"the training part has {rows.count} rows")
    training = spec.pipeline.training
    recipe = Recipe(
        spec.pipeline.problem,
        training.estimator,
        spec.schema,
        training.seed,
        hyperparameters,
        spec.pipeline.features,
        spec.pipeline.metric,
        checkpoints,
        cluster,
    )
    model = Model(recipe.problem, recipe.schema, _fitted(recipe, rows), spec.steps)
    if not cluster.leads:
        return {}
    folder.mkdir(parents=True, exist_ok=True)
    save_model(model.pipeline, folder)
    held_out = validation if validation.rows else train
    engine = choose_engine(model, held_out, folder)
    served = with_chosen_threshold(engine.predictor, validation, engine.answers, spec, folder)
    metrics = _metrics(served, train, held_out, engine.answers)
    write_json(folder / SCHEMA, schema_document(served))
    write_json(
        folder / "metrics.json", {"rows": {"train": rows.count, "validation": validation.rows}, **metrics}
    )
    trained = Trained(
        spec,
        recipe,
        model,
        served,
        train,
        held_out,
        validation,
        rows.channels,
        rows.stream,
    )
    if not rows.is_trial:
        _write_further(trained, engine.answers, folder)
    write_json(folder / "sample.json", sample(served, held_out))
    write_manifest(
        folder, {**_origin(spec, recipe, streamed=rows.stream is not None), "engine": engine.as_dict()}
    )
    # What cannot be loaded must fail here, not in the endpoint.
    load_model(folder)
    if engine.name != SKOPS:
        load_predictor(folder)
    print(f"The model is served by {engine.name}: {engine.why}.")  # noqa: T201 - the job's log
    return metrics


def _write_further(trained: Trained, answers: Floats, folder: Path) -> None:
    """Write what a model needs that is judged, and a trial does not: evidence, and what it will be watched by."""
    importance = write_evidence(trained, folder)
    with threadpool_limits(1):  # blocks of rows are small: threads would wait for each other
        write_monitoring(
            trained.served,
            trained.train,
            answers,
            folder,
            seed=trained.recipe.seed,
            stream=trained.stream,
            importance=importance,
        )


def _fitted(recipe: Recipe, rows: Rows) -> Any:
    if rows.stream:
        return fit_streamed(recipe, rows.stream, rows.train, rows.validation)
    varied = augment_part(
        rows.train, recipe.features.augment, recipe.schema, np.random.default_rng(recipe.seed)
    )
    return fit(recipe, varied, rows.validation, report=_printer(recipe.metric))


def _printer(metric: str) -> Report:
    """Return what prints the decisive metric as a tuning job's MetricDefinitions read it, once in each round."""

    def report(_step: int, value: float) -> None:
        print(f"validation:{metric}={value:.10g};", flush=True)  # noqa: T201 - the job's log

    return report


def sample(model: Predictor, part: Part) -> dict[str, Any]:
    """Return one real row, as JSON and as CSV with a header, and the answer to it."""
    first = part.first(1)
    row = {name: _plain(values[0]) for name, values in first.columns.items()}
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(row)
    writer.writerow("" if cell is None else cell for cell in row.values())
    answer = as_documents(model.predict(first.columns).tolist(), model.classes, model.threshold)[0]
    return {"row": row, "csv": text.getvalue(), "prediction": answer}


def _given_to(spec: Spec, hyperparameters: Mapping[str, Any]) -> Spec:
    """Return the specification with the job's hyperparameters: a trial's forest takes memory by its own number of trees."""
    training = spec.pipeline.training.model_copy(update={"hyperparameters": dict(hyperparameters)})
    return replace(spec, pipeline=spec.pipeline.model_copy(update={"training": training}))


def _given(paths: MlPaths) -> dict[str, str]:
    """Return the job's hyperparameters without those by which AWS's managed containers find the script."""
    given = json.loads(paths.hyperparameters.read_text()) if paths.hyperparameters.is_file() else {}
    return {name: value for name, value in given.items() if not name.startswith("sagemaker_")}


def _plain(cell: Any) -> Any:
    """Return a typed cell as JSON has it."""
    if cell is None or (isinstance(cell, float | np.datetime64) and bool(np.isnan(cell))):
        return None
    if isinstance(cell, np.datetime64):
        return str(cell)
    if isinstance(cell, bytes):
        return base64.b64encode(cell).decode()
    return cell if isinstance(cell, str) else float(cell)


def _metrics(model: Predictor, train: Part, held_out: Part, answers: Floats) -> dict[str, dict[str, float]]:
    answered = {
        "train": answer_part(model, train.first(_ROWS_FOR_TRAIN_METRICS)),
        "validation": Predictions(held_out.target, answers, model.classes, model.threshold),
    }
    measured = {name: measure(model.problem, predictions) for name, predictions in answered.items()}
    return {
        name: {metric: value for metric, value in values.items() if np.isfinite(value)}
        for name, values in measured.items()
    }


def _origin(spec: Spec, recipe: Recipe, *, streamed: bool) -> dict[str, Any]:
    return {
        "pipeline": spec.pipeline.name,
        "problem": recipe.problem,
        "estimator": recipe.estimator,
        "hyperparameters": dict(recipe.hyperparameters),
        "seed": recipe.seed,
        "own_steps": [step.step for step in recipe.features.steps if isinstance(step, OwnStep)],
        "content_hash": spec.content_hash,
        **({"window": spec.window.as_dict()} if spec.window else {}),
        "code_version": spec.code_version,
        "python": platform.python_version(),
        "machine": platform.machine(),
        "packages": package_versions(() if streamed else find_learner(recipe.estimator).packages),
    }
