"""Judge a new model by its evaluation, and say what the registry is to remember of it."""

from __future__ import annotations

import hashlib
import json
import os
import re
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from typing import Any, Protocol

import boto3
from aws_lambda_powertools import Logger

from headrace.aws.artifacts import Artifacts
from headrace.config.bundle import bundled_pipeline
from headrace.config.pipeline import Pipeline
from headrace.ml.evaluation.fairness_words import gap_in_words
from headrace.ml.evidence.findings import in_short, leakage_refusal
from headrace.ml.gate import Decision, decide
from lambdas.judge_model.report import Written, write_report
from lambdas.judge_model.rule import fairness_measure, gate_rule

logger = Logger()

_PROPERTIES_LIMIT = 49  # of 50: the report is one more
_PROPERTY_LIMIT = 256
_REFUSED = re.compile(r"[^\w .:/=+\-@]")


class Documents(Protocol):
    """What this function needs from storage."""

    def load(self, key: str) -> dict[str, Any] | None:
        """Return the JSON document at `key`, or None if there is none."""
        ...

    def put(self, key: str, body: bytes, *, content_type: str = ...) -> None:
        """Write bytes."""
        ...


@dataclass(frozen=True)
class Settings:
    """Environment this function is deployed with."""

    artifacts_bucket: str
    code_version: str

    @classmethod
    def from_environ(cls, environ: Mapping[str, str]) -> Settings:
        """Read the variables; ``KeyError`` names a missing one."""
        return cls(artifacts_bucket=environ["ARTIFACTS_BUCKET"], code_version=environ["CODE_VERSION"])


@cache
def _deps() -> tuple[Pipeline, Settings, Artifacts]:
    settings = Settings.from_environ(os.environ)
    return bundled_pipeline(), settings, Artifacts(boto3.client("s3"), settings.artifacts_bucket)


def judge_model(
    event: Mapping[str, Any], pipeline: Pipeline, settings: Settings, documents: Documents
) -> dict[str, Any]:
    """Answer with ``promote``, ``why``, the new model's ``metrics`` and the ``metadata`` to register it with.

    What was not proven is refused: no evaluation, or a model in service that nobody compared with.
    """
    evaluation = documents.load(f"evaluations/{event['run']}/evaluation.json") or {}
    decision = _decide(event, pipeline, evaluation)
    metrics = _numbers(evaluation.get("challenger"))
    written = write_report(event, pipeline, decision, evaluation, settings.artifacts_bucket, documents)
    told = {"promote": decision.promote, "metrics": metrics, "report": written.page_uri}
    logger.info(decision.why, extra=told)
    return {
        "promote": decision.promote,
        "why": decision.why,
        "metrics": metrics,
        "champion_metrics": _numbers(evaluation.get("champion")),
        "measured": _measured(evaluation, pipeline.metric),
        "metadata": {**_metadata(event, pipeline, settings, evaluation), **_page(written)},
        **({"card": written.card} if pipeline.card and pipeline.card.in_registry else {}),
    }


def _page(written: Written) -> dict[str, str]:
    """Return where the page is, for the registry."""
    return {} if written.page_uri is None else {"report": written.page_uri}


def _decide(event: Mapping[str, Any], pipeline: Pipeline, evaluation: Mapping[str, Any]) -> Decision:
    compared = evaluation.get("champion") is not None or evaluation.get("champion_problem")
    if event["has_champion"] and not compared:
        return Decision(False, "refused: the new model was not compared with the one in service")
    policy = pipeline.evaluation.leakage.policy
    if refusal := leakage_refusal(evaluation.get("leakage") or (), policy):
        return Decision(False, f"refused: {refusal}")
    return decide(evaluation, gate_rule(pipeline), reason=event["reason"])


def _numbers(metrics: object) -> dict[str, float]:
    if not isinstance(metrics, Mapping):
        return {}
    return {str(name): value for name, value in metrics.items() if isinstance(value, int | float)}


def _measured(evaluation: Mapping[str, Any], metric: str) -> dict[str, str]:
    """Return what both models are worth on each part that has rows, for people."""
    found = {}
    for name in ("holdout", "recent"):
        part = evaluation.get(name) or {}
        new, old = (_numbers(part.get(model)).get(metric) for model in ("challenger", "champion"))
        if new is not None:
            beside = "" if old is None else f" / {old:.4g} of the model in service"
            found[name] = f"{metric} {new:.4g} on {part['rows']} rows{beside}"
    return found


def _metadata(
    event: Mapping[str, Any], pipeline: Pipeline, settings: Settings, evaluation: Mapping[str, Any]
) -> dict[str, str]:
    """Return the model package's properties: where the model comes from, and how good it was."""
    training = event.get("training") or {}
    hyperparameters = json.dumps(
        training.get("hyperparameters", pipeline.training.hyperparameters), sort_keys=True
    )
    origin = {
        "content_hash": event["content_hash"],
        "run": event["run"],
        "code_version": settings.code_version,
        "training_job": event["training_job"],
        "reason": event["reason"],
        **{f"reason:{name}": text for name, text in (event.get("cause") or {}).items() if text},
        "estimator": pipeline.training.estimator,
        "seed": str(pipeline.training.seed),
        "hyperparameters_sha256": hashlib.sha256(hyperparameters.encode()).hexdigest(),
        **{f"tuning:{name}": text for name, text in (training.get("tuning") or {}).items()},
        "learned_from": event["learned_from"],
        **_engine(evaluation),
        **_decision(evaluation, pipeline),
        **_evidence(evaluation),
    }
    metrics = _numbers(evaluation.get("challenger"))
    measured = {f"metric:{name}": f"{value:.6g}" for name, value in metrics.items()}
    parts = _measured(evaluation, pipeline.metric)
    properties = list({**origin, **parts, **measured}.items())[:_PROPERTIES_LIMIT]
    return {name: _taken(str(value))[:_PROPERTY_LIMIT] for name, value in properties}


def _decision(evaluation: Mapping[str, Any], pipeline: Pipeline) -> dict[str, str]:
    """Return from which probability on it answers the positive label, and how far groups are apart, if that was asked for."""
    measure, found = fairness_measure(pipeline), {}
    if threshold := evaluation.get("threshold"):
        found["threshold"] = f"{threshold['value']:.6g} by {threshold['by']}"
    for column, groups in (evaluation.get("fairness") or {}).items():
        told = gap_in_words(column, groups, measure)
        found[f"fairness:{_taken(column)}"] = told or "too few rows to compare groups"
    return found


def _evidence(evaluation: Mapping[str, Any]) -> dict[str, str]:
    """Return the verdict, and what was found of leaks, in a few words."""
    verdict, leaks = evaluation.get("verdict") or {}, evaluation.get("leakage") or ()
    said = {"verdict": verdict["sentence"]} if verdict else {}
    return {**said, **({"leakage": in_short(leaks)} if leaks else {})}


def _engine(evaluation: Mapping[str, Any]) -> dict[str, str]:
    """Return which engine answers, and why; the deployment reads the first."""
    engine = evaluation.get("engine") or {}
    return {"engine": engine["name"], "engine:why": engine["why"]} if engine else {}


def _taken(text: str) -> str:
    """Replace what SageMaker refuses in a property: it takes letters, digits, spaces and some punctuation.

    Examples
    --------
    >>> _taken("température, season (v2)")
    'température_ season _v2_'
    """
    return _REFUSED.sub("_", text)


def handler(event: dict[str, Any], context: object) -> dict[str, Any]:
    """Lambda entry point: wire the real dependencies, then delegate."""
    return judge_model(event, *_deps())
