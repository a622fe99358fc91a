"""The content of a model package's card, checked against AWS's schema as far as its sections, lengths and kinds go.

See "Model package model card schema" in the SageMaker Developer Guide, section "View the Details of a Model Version".
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

from local_cloud.sagemaker.errors import invalid

_FIELDS: dict[str, dict[str, int | None]] = {
    "model_overview": {"model_creator": 1024, "model_artifact": None},
    "intended_uses": {
        "purpose_of_model": 2048,
        "intended_uses": 2048,
        "factors_affecting_model_efficiency": 2048,
        "risk_rating": None,
        "explanations_for_risk_rating": 2048,
    },
    "business_details": {
        "business_problem": 2048,
        "business_stakeholders": 2048,
        "line_of_business": 2048,
    },
    "training_details": {
        "objective_function": None,
        "training_observations": 1024,
        "training_job_details": None,
    },
    "additional_information": {
        "ethical_considerations": 2048,
        "caveats_and_recommendations": 2048,
        "custom_details": None,
    },
}
_EVALUATION = {
    "name": 63,
    "evaluation_observation": 2096,
    "evaluation_job_arn": 256,
    "datasets": None,
    "metadata": None,
    "metric_groups": None,
}
_METRIC = {"name": 255, "notes": 1024, "type": None, "value": None, "x_axis_name": None, "y_axis_name": None}
_KINDS = ("number", "string", "boolean", "linear_graph", "bar_chart", "matrix")
_RISKS = ("High", "Medium", "Low", "Unknown")
_MATRIX = 20


def check_model_card(request: dict[str, Any]) -> None:
    """Raise ``ValidationException`` if a package's card is not what AWS takes; a package without one is fine."""
    content = (request.get("ModelCard") or {}).get("ModelCardContent")
    if content is None:
        return
    try:
        card = json.loads(content)
    except ValueError:
        raise invalid("Model card content is not valid JSON.") from None
    if not isinstance(card, dict):
        raise invalid("Model card content is not a JSON object.")
    if complaints := list(_complaints(card)):
        raise invalid(f"Model card content does not match the schema: {'; '.join(complaints)}")


def _complaints(card: dict[str, Any]) -> Iterator[str]:
    for name, section in card.items():
        if name == "evaluation_details":
            for place, evaluation in enumerate(section):
                yield from _evaluation_complaints(evaluation, f"{name}[{place}]")
        elif name in _FIELDS:
            yield from _object_complaints(section, _FIELDS[name], name)
        else:
            yield f"extraneous key [{name}] is not permitted"
    rating = (card.get("intended_uses") or {}).get("risk_rating", "Unknown")
    if rating not in _RISKS:
        yield f"intended_uses.risk_rating: {rating} is not one of {', '.join(_RISKS)}"
    details = (card.get("additional_information") or {}).get("custom_details") or {}
    yield from _object_complaints(details, dict.fromkeys(details, 1024), "custom_details")


def _evaluation_complaints(evaluation: dict[str, Any], path: str) -> Iterator[str]:
    yield from _object_complaints(evaluation, _EVALUATION, path)
    if "name" not in evaluation:
        yield f"{path}: required key [name] not found"
    for group in evaluation.get("metric_groups", []):
        for key in ("name", "metric_data"):
            if key not in group:
                yield f"{path}.metric_groups: required key [{key}] not found"
        for metric in group.get("metric_data", []):
            yield from _metric_complaints(metric, f"{path}.metric_groups.metric_data")


def _metric_complaints(metric: dict[str, Any], path: str) -> Iterator[str]:
    yield from _object_complaints(metric, _METRIC, path)
    if metric.get("type") not in _KINDS or "name" not in metric or "value" not in metric:
        yield f"{path}: {metric.get('name')} has no name, value, or type of {', '.join(_KINDS)}"
    elif metric["type"] == "matrix" and max(map(len, [metric["value"], *metric["value"]])) > _MATRIX:
        yield f"{path}: expected maximum item count: {_MATRIX}"


def _object_complaints(found: Any, fields: dict[str, int | None], path: str) -> Iterator[str]:
    if not isinstance(found, dict):
        yield f"{path}: expected type: JSONObject"
        return
    for name, value in found.items():
        most = fields.get(name)
        if name not in fields:
            yield f"{path}: extraneous key [{name}] is not permitted"
        elif most is not None and (not isinstance(value, str) or len(value) > most):
            yield f"{path}.{name}: expected a text of at most {most} characters"
