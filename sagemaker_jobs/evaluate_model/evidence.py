"""Brings what the training knows of a model together with what the test part says."""

from __future__ import annotations

import math
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np

from headrace.ml.evidence.documents import EVIDENCE, IMPORTANCE, SHAP
from headrace.ml.evidence.verdict import Evidence, Measured, Rival, Verdict, baseline_value, judge
from sagemaker_jobs.evidence.leakage import leaks_between
from sagemaker_jobs.model import Predictor
from sagemaker_jobs.model_folder import read_json
from sagemaker_jobs.part_stream import PartStream
from sagemaker_jobs.parts import PartFiles
from sagemaker_jobs.spec import Spec


def evidence_of(
    spec: Spec,
    challenger: Path,
    test: Path,
    model: Predictor,
    evaluation: Mapping[str, Any],
) -> dict[str, Any]:
    """Return ``leakage``, ``cross_validation``, ``learning_curve``, ``verdict``, ``importance`` and ``shap``.

    Parameters
    ----------
    spec : Spec
        What is predicted.
    challenger, test : Path
        Folders of the new model and of the untouched rows.
    model : Predictor
        The new model.
    evaluation : mapping
        How it was measured on those rows.
    """
    known = read_json(challenger / EVIDENCE) if (challenger / EVIDENCE).is_file() else {}
    files = PartFiles.of(test, spec, model.schema)
    learning = known.get("learning") or {}
    training = read_json(challenger / "metrics.json")
    return {
        "leakage": leaks_between(spec, files, known["leakage"]) if known.get("leakage") else [],
        "cross_validation": known.get("cross_validation"),
        "learning_curve": learning.get("curve", []),
        "verdict": {**_verdict(spec, files, evaluation, training, learning).as_dict(), **_further(learning)},
        "importance": _features(challenger / IMPORTANCE),
        "shap": _features(challenger / SHAP),
    }


def _features(file: Path) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = read_json(file)["features"] if file.is_file() else []
    return found


def _further(learning: Mapping[str, Any]) -> dict[str, Any]:
    return {name: learning[name] for name in ("rivals", "rounds") if learning.get(name)}


def _verdict(
    spec: Spec,
    files: PartFiles,
    evaluation: Mapping[str, Any],
    training: Mapping[str, Any],
    learning: Mapping[str, Any],
) -> Verdict:
    metric, problem = spec.pipeline.metric, spec.pipeline.problem
    test, train = evaluation["challenger"].get(metric), training.get("train", {}).get(metric)
    limits = evaluation["intervals"].get("challenger")
    if test is None or train is None or limits is None or "constant" not in learning:
        return Verdict("unknown", f"unknown: {metric} was not measured on both training and test rows")
    truth = np.concatenate([batch.target for batch in PartStream(files).batches()])
    measured = Measured(test, *limits)
    # The training rows' own luck: that of the test rows, for as many rows as there are.
    half = measured.half * math.sqrt(evaluation["rows"] / max(1, training["rows"]["train"]))
    return judge(
        Evidence(
            metric,
            Measured(train, train - half, train + half),
            measured,
            baseline_value(problem, metric, truth, learning["constant"]),
            [(point["rows"], point["validation"]) for point in learning["curve"]],
            [Rival(**rival) for rival in learning["rivals"]],
        )
    )
