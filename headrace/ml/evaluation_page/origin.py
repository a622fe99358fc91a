"""Where a model comes from: rows, training, trials of a tuning, provenance."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from typing import Any

from headrace.ml.evaluation_page.models import value
from headrace.ml.pages.document import draw_facts
from headrace.ml.pages.markup import Markup, element, shortened
from headrace.ml.pages.table import draw_rows, draw_table
from headrace.ml.pages.words import count

_MOST_TRIALS = 50
_MOST_FACTS = 80
_LONGEST = 300
_SHOWN_ABOVE = frozenset({"format", "pipeline", "run", "metric", "metrics", "gate", "training"})
"""Of a provenance: what other sections have."""

Document = Mapping[str, Any]


def draw_data(report: Document) -> Markup | None:
    """Return which rows the model was made and judged from."""
    snapshot = report.get("snapshot") or {}
    facts = {f"{part} rows": count(rows) for part, rows in (snapshot.get("rows") or {}).items()}
    if snapshot.get("rows_seen") is not None:
        facts["accepted rows"] = count(snapshot["rows_seen"])
    told = {
        "Which rows": snapshot.get("window"),
        "Hash of the rows": snapshot.get("content_hash"),
        "Manifest": snapshot.get("manifest_uri"),
    }
    if not (facts or any(told.values())):
        return None
    return element("section", element("h2", "Data"), draw_facts(facts), _lines(told))


def draw_training(report: Document) -> Markup | None:
    """Return what learned, and how it was set."""
    trained = report.get("trained") or {}
    hyperparameters = trained.get("hyperparameters") or {}
    facts = {
        name.replace("_", " "): str(trained[name])
        for name in ("problem", "framework", "seed", "python")
        if trained.get(name) is not None
    }
    engine = (report.get("evaluation") or {}).get("engine") or {}
    if engine.get("name"):
        facts["answered by"] = str(engine["name"])
    if not trained:
        return None
    rows = [
        (shortened(str(name), 80), [shortened(value(set_to), 80)]) for name, set_to in hyperparameters.items()
    ]
    return element(
        "section",
        element("h2", "How it was trained"),
        draw_facts(facts),
        _lines({"Estimator": trained.get("estimator"), "Why this engine": engine.get("why")}),
        draw_rows(["hyperparameter", "value"], rows[:_MOST_FACTS])
        if rows
        else element("p", "All hyperparameters are the estimator's defaults.", class_="note"),
    )


def draw_trials(report: Document) -> Markup | None:
    """Return the trials of a tuning, the best first."""
    tuning = report.get("tuning") or {}
    trials = _best_first(tuning)
    if not trials:
        return None
    rows = [(_trial_name(trial, tuning), _trial(trial)) for trial in trials[:_MOST_TRIALS]]
    metric = str(tuning.get("metric") or (report.get("evaluation") or {}).get("metric"))
    more = len(trials) - len(rows)
    strategy = f"{tuning['strategy']} search; " if tuning.get("strategy") else ""
    note = f"{strategy}{metric} on the validation rows" + (f"; and {more} more trials" if more > 0 else "")
    return draw_table("Trials of the tuning", ["trial", metric, "status", "hyperparameters"], rows, note)


def _best_first(tuning: Document) -> list[Document]:
    """Return the trials by their objective; those without one come last."""
    sign = 1.0 if tuning.get("better") == "lower" else -1.0
    return sorted(
        tuning.get("trials") or [],
        key=lambda trial: math.inf if trial.get("objective") is None else sign * trial["objective"],
    )


def _trial_name(trial: Document, tuning: Document) -> str:
    name = shortened(str(trial.get("job") or ""), _LONGEST)
    return f"{name} (best)" if name and name == tuning.get("best") else name


def _trial(trial: Document) -> list[str]:
    settings = ", ".join(
        f"{name} {value(each)}" for name, each in (trial.get("hyperparameters") or {}).items()
    )
    return [value(trial.get("objective")), str(trial.get("status") or ""), shortened(settings, _LONGEST)]


def draw_provenance(report: Document) -> Markup | None:
    """Return by what the model can be made again."""
    provenance = {
        name: found for name, found in (report.get("provenance") or {}).items() if name not in _SHOWN_ABOVE
    }
    facts = list(_flat(provenance))[:_MOST_FACTS]
    if not facts:
        return None
    return draw_table("Provenance", ["", ""], [(name, [shortened(text, _LONGEST)]) for name, text in facts])


def _flat(document: Document, above: str = "") -> Iterator[tuple[str, str]]:
    """Yield what a document says, the names of inner ones after those of outer ones.

    Examples
    --------
    >>> list(_flat({"code": {"commit": "ab12", "dirty": False, "git_says": ""}, "files": ["a", "b"], "parent": None}))
    [('code: commit', 'ab12'), ('code: dirty', 'no'), ('files', '2')]
    >>> list(_flat({"model": {"files": {"model_card.json": "12cd"}}, "reason": {"reason": "drift"}}))
    [('model: files: model_card.json', '12cd'), ('reason', 'drift')]
    """
    for name, found in document.items():
        shown = name if "." in name else name.replace("_", " ")
        title = above if shown == above else f"{above}: {shown}".removeprefix(": ")
        if isinstance(found, Mapping):
            yield from _flat(found, title)
        elif isinstance(found, list | tuple):
            yield title, count(len(found))
        elif isinstance(found, bool):
            yield title, "yes" if found else "no"
        elif found not in (None, ""):
            yield title, value(found) if isinstance(found, float) else str(found)


def _lines(told: Mapping[str, Any]) -> list[Markup]:
    return [
        element("p", f"{name}: ", element("code", shortened(str(text), _LONGEST)))
        for name, text in told.items()
        if text
    ]
