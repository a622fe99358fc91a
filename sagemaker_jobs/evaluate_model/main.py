"""The evaluation job: models and untouched rows in, ``evaluation.json``, ``curves.json`` and ``performance.json`` out."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from headrace.ml.supply_chain.variables import KEY
from sagemaker_jobs.evaluate_model.comparison import evaluate_model
from sagemaker_jobs.evaluate_model.evidence import evidence_of
from sagemaker_jobs.evaluate_model.judged_engine import judge_engine
from sagemaker_jobs.evaluate_model.performance import performance_of
from sagemaker_jobs.evaluate_model.trial import compared_with_trial
from sagemaker_jobs.evaluate_model.unpacked import checksum, unpack
from sagemaker_jobs.model_folder import MANIFEST, read_json, verify, write_json
from sagemaker_jobs.paths import MlPaths
from sagemaker_jobs.signature import SIGNED, check_champion
from sagemaker_jobs.spec import read_spec


def main(paths: MlPaths, environ: Mapping[str, str]) -> None:
    """Evaluate as SageMaker asks: ``/opt/ml/processing/input/{challenger,champion,test,recency,spec}`` in."""
    spec = read_spec(paths.processing_input("spec"))
    # What the training has just written: nothing is signed yet, and the only claim about it is its own manifest.
    unpacked = unpack(paths.processing_input("challenger"))
    challenger = unpacked.folder
    verify(challenger)
    champion = _champion(paths, environ, spec.pipeline.name)
    test, recency = (paths.processing_input(name) for name in ("test", "recency"))
    judged = judge_engine(challenger, spec, test)
    evaluation = evaluate_model(spec, test, judged.predictor, challenger, champion, recency)
    curves = evaluation.pop("curves")
    evidence = evidence_of(spec, challenger, test, judged.predictor, evaluation)
    performance = performance_of(spec, judged.predictor, test)
    trial = compared_with_trial(challenger, paths.processing_input("trial"))
    archive = unpacked.archive and unpacked.archive.as_dict()
    about = {
        **trial,
        "engine": judged.about,
        "model": read_json(challenger / MANIFEST),
        "archive": archive,
    }
    write_json(paths.processing_output / "evaluation.json", {**evaluation, **evidence, **about})
    write_json(paths.processing_output / "curves.json", curves)
    write_json(paths.processing_output / "performance.json", performance.as_dict())
    print(_sentence(evaluation))  # noqa: T201 - the job's log
    if trial and not trial["trial"]["same_bytes"]:
        print("The model has other bytes than the trial with the same hyperparameters.")  # noqa: T201
    print(f"The model is {evidence['verdict']['sentence']}.")  # noqa: T201
    for finding in evidence["leakage"]:
        print(f"Leakage: {finding['sentence']}.")  # noqa: T201


def _champion(paths: MlPaths, environ: Mapping[str, str], pipeline: str) -> Path | None:
    """Return the folder of the model in service, if there is one, whose archive has been verified."""
    folder = paths.processing_input("champion")
    if not folder.is_dir() or not any(folder.iterdir()):
        return None
    signed = paths.processing_input("champion_signature") / SIGNED
    if KEY in environ:
        check_champion(signed, environ, checksum(folder), pipeline)
    return unpack(folder).folder


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
