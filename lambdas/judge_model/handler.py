"""Judge a new model by its evaluation, and say what the registry is to remember of it."""

from __future__ import annotations

import os
from collections.abc import Mapping
from functools import cache
from typing import Any

import boto3

from headrace.aws.artifacts import Artifacts
from headrace.aws.image_digest import ImageDigests
from headrace.aws.logs import function_logger
from headrace.aws.object_versions import ObjectVersions
from headrace.aws.registry import property_text
from headrace.config.bundle import bundled_pipeline
from headrace.config.pipeline import Pipeline
from headrace.ml.evaluation.fairness_words import gap_in_short
from headrace.ml.evidence.findings import in_short, leakage_refusal
from headrace.ml.gate import Decision, decide
from headrace.ml.privacy.redaction import redact_errors
from lambdas.judge_model.facts import Sources, find_facts
from lambdas.judge_model.provenance import properties, provenance
from lambdas.judge_model.report import Written, write_report
from lambdas.judge_model.rule import fairness_measure, gate_rule
from lambdas.judge_model.settings import Settings

logger = function_logger()

_PROPERTIES_LIMIT = 43
"""SageMaker takes 50; the report is one more, and decisions on the version add who made them, when and why."""


@cache
def _deps() -> tuple[Pipeline, Settings, Sources]:
    settings, client = Settings.from_environ(os.environ), boto3.client("s3")
    sources = Sources(
        Artifacts(client, settings.artifacts_bucket),
        ObjectVersions(client),
        ImageDigests(boto3.client("ecr")),
    )
    return bundled_pipeline(), settings, sources


def judge_model(
    event: Mapping[str, Any], pipeline: Pipeline, settings: Settings, sources: Sources
) -> dict[str, Any]:
    """Answer with ``promote``, ``why``, the new model's ``metrics`` and the ``metadata`` to register it with.

    What was not proven is refused: no evaluation, or a model in service that nobody compared with. Where the model comes
    from is written beside the evaluation, of a refused model, too.
    """
    folder = f"evaluations/{event['run']}"
    evaluation = sources.documents.load(f"{folder}/evaluation.json") or {}
    decision = _decide(event, pipeline, evaluation)
    metrics = _numbers(evaluation.get("challenger"))
    facts = find_facts(event, settings, sources, evaluation.get("model") or {})
    document = provenance(event, pipeline, facts, decision, metrics)
    sources.documents.store(f"{folder}/provenance.json", document)
    origin = properties(document, f"s3://{settings.artifacts_bucket}/{folder}/provenance.json")
    written = write_report(
        event, pipeline, decision, evaluation, document, settings.artifacts_bucket, sources.documents
    )
    told = {"promote": decision.promote, "metrics": metrics, "report": written.page_uri}
    logger.info(decision.why, extra=told)
    return {
        "promote": decision.promote,
        "why": decision.why,
        "metrics": metrics,
        "champion_metrics": _numbers(evaluation.get("champion")),
        "measured": _measured(evaluation, pipeline.metric),
        "metadata": {**_metadata(event, pipeline, origin, evaluation), **_page(written)},
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
    event: Mapping[str, Any], pipeline: Pipeline, origin: Mapping[str, str], evaluation: Mapping[str, Any]
) -> dict[str, str]:
    """Return the model package's properties: where the model comes from, and how good it was."""
    cause = {f"reason:{name}": text for name, text in (event.get("cause") or {}).items() if text}
    tuning = (event.get("training") or {}).get("tuning") or {}
    metrics = _numbers(evaluation.get("challenger"))
    decisive = {f"metric:{pipeline.metric}": metrics[pipeline.metric]} if pipeline.metric in metrics else {}
    measured = {**decisive, **{f"metric:{name}": value for name, value in metrics.items()}}
    said = {
        "reason": event["reason"],
        **cause,
        **origin,
        **{f"tuning:{name}": text for name, text in tuning.items()},
        **_repeated(evaluation),
        **_engine(evaluation),
        **_decision(evaluation, pipeline),
        **_evidence(evaluation),
        **_measured(evaluation, pipeline.metric),
        **{name: f"{value:.6g}" for name, value in measured.items()},
    }
    return {name: property_text(str(value)) for name, value in list(said.items())[:_PROPERTIES_LIMIT]}


def _decision(evaluation: Mapping[str, Any], pipeline: Pipeline) -> dict[str, str]:
    """Return from which probability on it answers the positive label, and how far groups are apart, if that was asked for."""
    measure, found = fairness_measure(pipeline), {}
    if threshold := evaluation.get("threshold"):
        found["threshold"] = f"{threshold['value']:.6g} by {threshold['by']}"
    for column, groups in (evaluation.get("fairness") or {}).items():
        found[f"fairness:{property_text(column)}"] = gap_in_short(groups, measure)
    return found


def _evidence(evaluation: Mapping[str, Any]) -> dict[str, str]:
    """Return the verdict, and what was found of leaks, in a few words."""
    verdict, leaks = evaluation.get("verdict") or {}, evaluation.get("leakage") or ()
    said = {"verdict": verdict["sentence"]} if verdict else {}
    return {**said, **({"leakage": in_short(leaks)} if leaks else {})}


def _repeated(evaluation: Mapping[str, Any]) -> dict[str, str]:
    """Return whether the model has the bytes of the trial by which its hyperparameters were chosen, after a search."""
    trial = evaluation.get("trial")
    return {"tuning:same_bytes": "yes" if trial["same_bytes"] else "no"} if trial else {}


def _engine(evaluation: Mapping[str, Any]) -> dict[str, str]:
    """Return which engine answers, and why; the deployment reads the first."""
    engine = evaluation.get("engine") or {}
    return {"engine": engine["name"], "engine:why": engine["why"]} if engine else {}


@redact_errors
def handler(event: dict[str, Any], context: object) -> dict[str, Any]:
    """Lambda entry point: wire the real dependencies, then delegate."""
    return judge_model(event, *_deps())
