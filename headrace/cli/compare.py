"""`headrace compare`: two versions of a pipeline's models, side by side."""

from __future__ import annotations

import argparse
from collections.abc import Iterator, Mapping
from typing import Any

from headrace.cli.running_pipeline import deployed
from headrace.cli.screen import Commands, add_command, add_pipeline, say, show, show_table
from headrace.cli.versions import add_version, ask_about_versions

_SECTIONS = ("data", "training", "code", "image", "environment", "parent", "reason", "approval")
_NO_CHANGE = ("objects_sha256", "manifest", "hyperparameters_sha256", "format")
_TEXT_SHOWN = 70


def add_commands(commands: Commands) -> None:
    """Add the command."""
    command = add_command(
        commands,
        "compare",
        compare,
        "show what two model versions differ in: parameters, data, code, metrics",
    )
    add_pipeline(command)
    add_version(command, "a", "the one to compare with")
    add_version(command, "b", "the other")


def compare(arguments: argparse.Namespace) -> None:
    """Compare two versions."""
    from headrace.aws.model_versions import ModelVersions  # noqa: PLC0415 - boto3 takes its time

    versions = ModelVersions(deployed(arguments.pipeline))
    one, other = (
        ask_about_versions(lambda version=version: versions.documents(version))  # type: ignore[misc]
        for version in (arguments.a, arguments.b)
    )
    signatures = [
        ask_about_versions(lambda version=version: versions.signature(version))  # type: ignore[misc]
        for version in (arguments.a, arguments.b)
    ]
    found = {**comparison(one, other), "signatures": dict(zip(("a", "b"), signatures, strict=True))}
    if arguments.json:
        show({"a": arguments.a, "b": arguments.b, **found}, as_json=True)
        return
    names = [f"v{arguments.a}", f"v{arguments.b}"]
    show_table(
        ["metric", *names],
        [[row["metric"], _measured(row["a"]), _measured(row["b"])] for row in found["metrics"]],
        title=f"{arguments.pipeline}: {names[0]} and {names[1]}",
    )
    show_table(
        ["what differs", *names],
        [[row["what"], _short(row["a"]), _short(row["b"])] for row in found["differs"]],
    )
    say(found["rows"])
    for name, signature in zip(names, signatures, strict=True):
        say(f"signature of {name}: {signature}")


def comparison(
    one: tuple[Mapping[str, Any], Mapping[str, Any]], other: tuple[Mapping[str, Any], Mapping[str, Any]]
) -> dict[str, Any]:
    """Return what differs between two versions, of each its provenance and its evaluation.

    Returns
    -------
    dict
        ``metrics``: of all that either was measured by, with intervals where there are; ``differs``: what is not the same in
        both, by its path in the provenance; ``rows``: whether the metrics were measured on the same rows.
    """
    flat = [dict(_flat(document)) for document, _ in (one, other)]
    names = list(dict.fromkeys([*flat[0], *flat[1]]))
    measured = [_metrics(*each) for each in (one, other)]
    metrics = list(dict.fromkeys([*measured[0], *measured[1]]))
    return {
        "metrics": [
            {"metric": name, "a": measured[0].get(name), "b": measured[1].get(name)} for name in metrics
        ],
        "differs": [
            {"what": name, "a": flat[0].get(name), "b": flat[1].get(name)}
            for name in names
            if flat[0].get(name) != flat[1].get(name)
        ],
        "rows": _rows(one[1], other[1]),
    }


def _flat(document: Mapping[str, Any]) -> Iterator[tuple[str, Any]]:
    """Yield what is worth comparing of a provenance, by its path."""
    for section in _SECTIONS:
        for name, value in (document.get(section) or {}).items():
            if name in _NO_CHANGE or name == "objects":
                continue
            if isinstance(value, Mapping):
                yield from ((f"{section}: {name}: {key}", item) for key, item in value.items())
            else:
                yield f"{section}: {name}", value


def _metrics(provenance: Mapping[str, Any], evaluation: Mapping[str, Any]) -> dict[str, dict[str, Any]]:
    """Return the metrics of a model, each with its interval if it was computed."""
    found: dict[str, dict[str, Any]] = {
        name: {"value": value, "low": None, "high": None}
        for name, value in (provenance.get("metrics") or {}).items()
    }
    interval = (evaluation.get("intervals") or {}).get("challenger")
    if interval and evaluation.get("metric") in found:
        found[evaluation["metric"]] |= {"low": interval[0], "high": interval[1]}
    for name, measured in ((evaluation.get("measured") or {}).get("challenger") or {}).items():
        found[name] = {key: measured.get(key) for key in ("value", "low", "high")}
    return found


def _rows(one: Mapping[str, Any], other: Mapping[str, Any]) -> str:
    counts = [evaluation.get("rows") for evaluation in (one, other)]
    if None in counts:
        return "not both have an evaluation, so their metrics say nothing about each other"
    if one.get("content_hash") == other.get("content_hash"):
        return f"both were measured on the same {counts[0]} rows"
    return (
        f"measured on {counts[0]} and on {counts[1]} rows of different snapshots: the gate compares a model with the one in "
        "service on the same rows"
    )


def _measured(value: Mapping[str, Any] | None) -> str:
    """Tell a metric, with its 95 % interval.

    Examples
    --------
    >>> _measured({"value": 42.0, "low": 40.13, "high": 44.2}), _measured(None)
    ('42 (95 %: 40.13 to 44.2)', 'not measured')
    """
    if value is None or value["value"] is None:
        return "not measured"
    told = f"{value['value']:.4g}"
    if value["low"] is None or value["high"] is None:
        return told
    return f"{told} (95 %: {value['low']:.4g} to {value['high']:.4g})"


def _short(value: Any) -> str:
    text = "none" if value is None else str(value)
    return text if len(text) <= _TEXT_SHOWN else f"{text[:_TEXT_SHOWN]}…"
