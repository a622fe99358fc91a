"""What MLflow is told of a training. Pure."""

from __future__ import annotations

import json
import math
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

BATCH = 100
"""MLflow takes so many parameters, and so many tags, at a time."""

_LONGEST_TAG, _LONGEST_PARAM = 5000, 6000
_BY_HASH = ("objects", "files")
"""Lists of the provenance that are long: their hash is a tag, and the whole is in the file."""


@dataclass(frozen=True)
class Run:
    """One run.

    Parameters
    ----------
    name : str
        Of the training's jobs.
    status : str
        ``FINISHED`` or ``FAILED``.
    started_ms, ended_ms : int
        Milliseconds since the epoch.
    params, tags : mapping of str to str
        As MLflow shows them.
    metrics : mapping of str to float
        Finite values by name.
    """

    name: str
    status: str
    started_ms: int
    ended_ms: int
    params: Mapping[str, str]
    tags: Mapping[str, str]
    metrics: Mapping[str, float]


def run_of(
    detail: Mapping[str, Any],
    provenance: Mapping[str, Any],
    evaluation: Mapping[str, Any],
    folder: str,
    now: datetime,
) -> Run:
    """Return the run of a training that has ended.

    Parameters
    ----------
    detail : mapping
        Of the event: ``run``, ``outcome``, ``why``, ``reason``, ``started_at``, ``model_package_arn``.
    provenance, evaluation : mapping
        What the judge and the evaluation have written; empty of a training that failed before.
    folder : str
        Where they are, as an S3 URI with a slash at its end.
    """
    training = provenance.get("training") or {}
    given = {"estimator": training.get("estimator"), "seed": training.get("seed")}
    params = {**given, **(training.get("hyperparameters") or {})}
    return Run(
        name=detail["run"],
        status="FAILED" if detail["outcome"] == "failed" else "FINISHED",
        started_ms=_ms(detail.get("started_at"), now),
        ended_ms=_ms(None, now),
        params={name: _text(value)[:_LONGEST_PARAM] for name, value in params.items() if value is not None},
        tags={name: text[:_LONGEST_TAG] for name, text in _tags(detail, provenance, folder) if text},
        metrics=dict(_metrics(provenance, evaluation)),
    )


def _tags(detail: Mapping[str, Any], provenance: Mapping[str, Any], folder: str) -> Iterator[tuple[str, str]]:
    for name in ("run", "outcome", "why", "model_package_arn"):
        yield f"headrace.{name}", _text(detail.get(name) or "")
    yield "mlflow.note.content", _text(detail.get("why") or "")
    if commit := (provenance.get("code") or {}).get("commit"):
        yield "mlflow.source.git.commit", commit
    if provenance:
        yield "headrace.provenance", f"{folder}provenance.json"
        yield "headrace.evaluation", f"{folder}evaluation.json"
        yield "headrace.report", f"{folder}report.html"
    for section in ("data", "code", "image", "environment", "model", "parent", "reason", "approval"):
        yield from _flat(f"headrace.{section}", provenance.get(section))


def _flat(name: str, value: Any) -> Iterator[tuple[str, str]]:
    if isinstance(value, Mapping):
        for key, item in value.items():
            if key not in _BY_HASH:
                yield from _flat(f"{name}.{key.replace('/', '.')}", item)
    elif value not in (None, ""):
        yield name, _text(value)


def _metrics(provenance: Mapping[str, Any], evaluation: Mapping[str, Any]) -> Iterator[tuple[str, float]]:
    parts = {"": provenance.get("metrics"), "train_": evaluation.get("train")}
    for prefix, metrics in parts.items():
        for name, value in (metrics or {}).items():
            if isinstance(value, int | float) and math.isfinite(value):
                yield f"{prefix}{name}", float(value)


def _ms(at: str | None, now: datetime) -> int:
    return round((datetime.fromisoformat(at) if at else now).timestamp() * 1000)


def _text(value: Any) -> str:
    return value if isinstance(value, str) else json.dumps(value, sort_keys=True)
