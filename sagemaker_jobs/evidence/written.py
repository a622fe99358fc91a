"""Writes the evidence of a new model into its folder."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from headrace.ml.evidence.documents import EVIDENCE, IMPORTANCE, SHAP
from sagemaker_jobs.evidence.cross_validation import cross_validation_of
from sagemaker_jobs.evidence.importance import importance_of
from sagemaker_jobs.evidence.job import Trained
from sagemaker_jobs.evidence.leakage import leakage_of
from sagemaker_jobs.evidence.learning_curve import learning_of
from sagemaker_jobs.evidence.shap_values import shap_of
from sagemaker_jobs.learners.registry import find_learner
from sagemaker_jobs.model_folder import write_json


def write_evidence(trained: Trained, folder: Path) -> list[dict[str, Any]]:
    """Write ``evidence.json``, ``importance.json`` and, if asked for, ``shap.json``; return the importances; the evaluation judges by them."""
    estimator = trained.recipe.estimator
    leakage = leakage_of(trained)
    for finding in leakage["findings"] if leakage else ():
        print(f"Leakage: {finding['sentence']}.")  # noqa: T201 - the job's log
    framework = "scikit-learn" if trained.stream else find_learner(estimator).framework
    document = {
        "leakage": leakage,
        "learning": learning_of(trained, framework),
        "cross_validation": cross_validation_of(trained),
    }
    write_json(folder / EVIDENCE, document)
    importance = importance_of(trained, folder)
    write_json(folder / IMPORTANCE, importance)
    if (explained := shap_of(trained)) is not None:
        write_json(folder / SHAP, explained)
    features: list[dict[str, Any]] = importance["features"]
    return features
