"""The evaluation of a model as the content of a SageMaker model card."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from typing import Any

from headrace.ml.evaluation.card_metrics import (
    Document,
    Metric,
    confusion_metric,
    curve_metric,
    grouped,
    importance_metrics,
    label_metrics,
    simple_metrics,
)
from headrace.ml.pages.markup import shortened

MOST_CHARACTERS = 100_000
"""Of `ModelCardContent` in the API of SageMaker."""

_NAME, _LINE, _TEXT, _OBSERVATION = 63, 1024, 2048, 2096
_SETTING = 255
_MOST_SETTINGS, _MOST_METRICS, _MOST_DETAILS = 100, 50, 30
_RISKS = {"high": "High", "medium": "Medium", "low": "Low", "unknown": "Unknown"}


def model_card(report: Document) -> dict[str, Any]:
    """Return the content of the card.

    Parameters
    ----------
    report : mapping
        As `render_evaluation` takes it, and where they are known ``about``: what people say of the model (``purpose``,
        ``owner``, ``risk``, ``risk_reason``, ``intended_uses``, ``out_of_scope``, ``factors``, ``ethics``, ``caveats``);
        ``model_data_url``, ``image_uri``, ``training_job``; ``page_uri``: where the page is.

    Returns
    -------
    dict
        As AWS's schema of a model package's card has it [1]_, which that of a model card of its own takes too. Texts are cut
        to the schema's lengths.

    References
    ----------
    .. [1] Amazon SageMaker Developer Guide, "View the Details of a Model Version", section "Model package model card schema".

    Examples
    --------
    >>> report = {"pipeline": "bike", "run": "r1", "promote": True, "why": "rmse 4 on 90 rows", "about": {"risk": "low"}}
    >>> model_card(report)["intended_uses"]
    {'risk_rating': 'Low'}
    """
    about = report.get("about") or {}
    evaluation = report.get("evaluation") or {}
    sections = {
        "model_overview": _said(
            model_creator=_cut(about.get("owner"), _LINE),
            model_artifact=_places(report.get("model_data_url")),
        ),
        "intended_uses": _intended_uses(about),
        "training_details": _training(report, evaluation),
        "evaluation_details": list(_evaluations(report, evaluation)),
        "additional_information": _additional(report, about, evaluation),
    }
    return {name: section for name, section in sections.items() if section}


def card_text(card: Mapping[str, Any]) -> str:
    """Return a card as the API takes it: on one line of at most 100,000 characters.

    Of a longer one the hyperparameters are left out, then groups of metrics, the last ones first, until it fits.

    Raises
    ------
    ValueError
        If its texts alone are longer, which those of a pipeline file cannot be.
    """
    text = _written(card)
    shorter: dict[str, Any] = json.loads(text)
    while len(text) > MOST_CHARACTERS:
        settings = shorter.get("training_details", {}).get("training_job_details", {})
        groups = [
            each["metric_groups"]
            for each in shorter.get("evaluation_details", [])
            if each.get("metric_groups")
        ]
        if settings.pop("user_provided_hyper_parameters", None) is None:
            if not groups:
                raise ValueError(
                    f"the model card has {len(text)} characters, and {MOST_CHARACTERS} are possible"
                )
            groups[-1].pop()
        text = _written(shorter)
    return text


def _written(part: Any) -> str:
    return json.dumps(part, separators=(",", ":"), allow_nan=False)


def _intended_uses(about: Document) -> dict[str, Any]:
    uses, others = about.get("intended_uses"), about.get("out_of_scope")
    told = [uses, f"Not intended: {others}" if others else None]
    return _said(
        purpose_of_model=_cut(about.get("purpose"), _TEXT),
        intended_uses=_cut("\n\n".join(filter(None, told)), _TEXT),
        factors_affecting_model_efficiency=_cut(about.get("factors"), _TEXT),
        risk_rating=_RISKS[str(about.get("risk") or "unknown")],
        explanations_for_risk_rating=_cut(about.get("risk_reason"), _TEXT),
    )


def _training(report: Document, evaluation: Document) -> dict[str, Any]:
    snapshot, trained = report.get("snapshot") or {}, report.get("trained") or {}
    metric, lower = evaluation.get("metric"), evaluation.get("direction") == "lower"
    settings = list((trained.get("hyperparameters") or {}).items())[:_MOST_SETTINGS]
    jobs = _said(
        training_datasets=_places(*(snapshot.get(f"{part}_uri") for part in ("train", "validation"))),
        training_environment=_said(container_image=_places(report.get("image_uri"))),
        user_provided_training_metrics=[
            {"name": each["name"], "value": each["value"]}
            for each in simple_metrics(evaluation.get("train") or {})[:_MOST_METRICS]
        ],
        user_provided_hyper_parameters=[
            {"name": _cut(name, _SETTING), "value": _cut(value, _SETTING) or "none"}
            for name, value in settings
        ],
    )
    objective = {
        "function": {"function": "Minimize" if lower else "Maximize", "facet": _cut(metric, _NAME)},
        "notes": "the metric by which models are judged",
    }
    told = [snapshot.get("window"), (evaluation.get("verdict") or {}).get("sentence")]
    return _said(
        objective_function=objective if metric else None,
        training_observations=_cut("; ".join(filter(None, told)), _LINE),
        training_job_details=jobs,
    )


def _evaluations(report: Document, evaluation: Document) -> Iterator[dict[str, Any]]:
    datasets = _places((report.get("snapshot") or {}).get("test_uri"))
    if evaluation.get("rows"):
        yield _said(
            name="Rows that no model has learned from",
            evaluation_observation=_cut(report["why"], _OBSERVATION),
            datasets=datasets,
            metadata={"rows": str(evaluation["rows"])},
            metric_groups=list(_groups(report, evaluation)),
        )
    for key, name in (("holdout", "Old holdout"), ("recent", "Recent rows")):
        part = evaluation.get(key) or {}
        if part.get("rows") and part["rows"] != evaluation.get("rows"):
            groups = list(_both(part, evaluation))
            yield _said(
                name=name, datasets=datasets, metadata={"rows": str(part["rows"])}, metric_groups=groups
            )
    validated = evaluation.get("cross_validation") or {}
    if found := simple_metrics(validated):
        yield _said(
            name="Cross-validation", metric_groups=[{"name": "Mean over the folds", "metric_data": found}]
        )
    for column, fairness in list((evaluation.get("fairness") or {}).items())[:10]:
        if groups := list(grouped(fairness)):
            yield _said(name=_cut(f"Groups by {column}", _NAME), metric_groups=groups)


def _groups(report: Document, evaluation: Document) -> Iterator[dict[str, Any]]:
    """Yield all that is known of the new model, and the metrics of the one in service."""
    curves = report.get("curves") or {}
    yield from _both(evaluation, evaluation)
    for name, metrics in (
        ("Label by label", label_metrics(evaluation.get("per_class"))),
        ("Confusion", confusion_metric((curves.get("confusion") or {}).get("challenger"))),
        ("Curves", curve_metric(curves)),
        ("Importance", importance_metrics(evaluation)),
    ):
        if metrics:
            yield {"name": name, "metric_data": metrics}


def _both(part: Document, evaluation: Document) -> Iterator[dict[str, Any]]:
    for model, name in (("challenger", "New model"), ("champion", "Model in service")):
        measured = {**(part.get(model) or {}), **_known(part, model, evaluation.get("metric"))}
        if found := simple_metrics(measured):
            yield {"name": name, "metric_data": found}


def _known(part: Document, model: str, metric: Any) -> dict[str, Any]:
    """Return the metrics of which intervals are known."""
    known = dict((part.get("measured") or {}).get(model) or {})
    interval = (part.get("intervals") or {}).get(model)
    value = (part.get(model) or {}).get(metric)
    if interval and value is not None:
        known.setdefault(str(metric), {"value": value, "low": interval[0], "high": interval[1]})
    return known


def _additional(report: Document, about: Document, evaluation: Document) -> dict[str, Any]:
    trained, snapshot = report.get("trained") or {}, report.get("snapshot") or {}
    findings = len(evaluation.get("leakage") or [])
    leaks = f"{findings} findings of the leakage checks are in the report." if findings else None
    details: dict[str, Metric] = {
        "pipeline": report["pipeline"],
        "problem": evaluation.get("problem"),
        "estimator": trained.get("estimator"),
        "seed": trained.get("seed"),
        "run": report["run"],
        "training job": report.get("training_job"),
        "hash of the rows": snapshot.get("content_hash"),
        "manifest of the rows": snapshot.get("manifest_uri"),
        "promoted": "yes" if report["promote"] else "no",
        "report": report.get("page_uri"),
        "label": "the second of two labels in alphabetical order is the positive one"
        if evaluation.get("problem") == "binary"
        else None,
    }
    told = [about.get("caveats"), leaks]
    return _said(
        ethical_considerations=_cut(about.get("ethics"), _TEXT),
        caveats_and_recommendations=_cut("\n\n".join(filter(None, told)), _TEXT),
        custom_details={
            name: _cut(value, _LINE)
            for name, value in list(details.items())[:_MOST_DETAILS]
            if value is not None
        },
    )


def _said(**fields: Any) -> dict[str, Any]:
    """Return the fields that say something."""
    return {name: value for name, value in fields.items() if value not in (None, "", [], {})}


def _cut(text: Any, most: int) -> str:
    return "" if text is None else shortened(str(text), most)


def _places(*uris: Any) -> list[str]:
    return [_cut(uri, _LINE) for uri in uris if uri]
