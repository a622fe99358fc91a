"""What a file of an estimator of the user's own declares, read without running it."""

from __future__ import annotations

import ast
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from headrace.config.estimators import OWN_PREFIX, is_own
from headrace.config.tuning_plan import on_a_grid

_ATTRIBUTE = "search_space"
_NUMBERS = {"integer": int, "continuous": float}


class OwnEstimatorError(ValueError):
    """There is no such file, or what it declares cannot be read; the text says which and what to do.

    Parameters
    ----------
    text : str
        What is wrong, and what to do.
    where : tuple of str
        The field of the pipeline file that leads to it.
    """

    def __init__(self, text: str, where: tuple[str, ...] = ("training", "tuning")) -> None:
        super().__init__(text)
        self.where = where


def with_own_search(document: Mapping[str, Any], folder: Path) -> Mapping[str, Any]:
    """Return a pipeline file's document with the search space that its own estimator declares, if it leaves it out.

    From then on it is as if the pipeline file had named it: nobody needs the estimator's file to know what is tried.

    Parameters
    ----------
    document : mapping
        Of the pipeline file, not checked yet.
    folder : Path
        With the files of own estimators, ``pipelines/estimators``.

    Raises
    ------
    OwnEstimatorError
        If the estimator has no file in the folder, or its search space cannot be read.
    """
    training = document.get("training")
    if not isinstance(training, dict):
        return document
    estimator, tuning = training.get("estimator"), training.get("tuning")
    if not isinstance(estimator, str) or not is_own(estimator):
        return document
    file = folder / f"{estimator.removeprefix(OWN_PREFIX)}.py"
    if not file.is_file():
        known = ", ".join(sorted(path.stem for path in folder.glob("[!_]*.py"))) or "none"
        raise OwnEstimatorError(
            f"{estimator!r} would be {file}, which does not exist; there are: {known}",
            ("training", "estimator"),
        )
    if not isinstance(tuning, dict) or tuning.get("search"):
        return document
    fixed = training.get("hyperparameters") or {}
    declared = {name: one for name, one in own_search_space(file).items() if name not in fixed}
    if tuning.get("strategy") == "grid":
        declared = {name: dict(on_a_grid(one)) for name, one in declared.items()}
    search = {name: _as_searched(one) for name, one in declared.items()}
    return {**document, "training": {**training, "tuning": {**tuning, "search": search}}}


def own_search_space(file: Path) -> dict[str, dict[str, Any]]:
    """Return the attribute ``search_space`` of the class in a file, as `headrace.ml.search_space` writes it; empty without one.

    Raises
    ------
    OwnEstimatorError
        If the file is not Python, or the attribute is not written out in numbers, texts, lists and dicts.
    """
    try:
        module = ast.parse(file.read_text(encoding="utf-8"))
    except (SyntaxError, UnicodeDecodeError, OSError) as error:
        raise OwnEstimatorError(f"{file} cannot be read: {error}") from None
    value = _attribute(module)
    if value is None:
        return {}
    try:
        return {name: _range(one) for name, one in dict(ast.literal_eval(value)).items()}
    except (ValueError, TypeError, KeyError, AttributeError):
        raise OwnEstimatorError(
            f"{file}:{value.lineno}: {_ATTRIBUTE} is read without running the file: write it out as "
            '{"depth": {"kind": "integer", "low": 2, "high": 8}}, or say training.tuning.search'
        ) from None


def _attribute(module: ast.Module) -> ast.expr | None:
    classes = [node for node in module.body if isinstance(node, ast.ClassDef) and node.name[0] != "_"]
    for node in (statement for found in classes for statement in found.body):
        targets = node.targets if isinstance(node, ast.Assign) else [getattr(node, "target", None)]
        if any(isinstance(target, ast.Name) and target.id == _ATTRIBUTE for target in targets):
            value: ast.expr | None = getattr(node, "value", None)
            return value
    return None


def _range(document: Mapping[str, Any]) -> dict[str, Any]:
    """Return a range in full; whether its ends are in order is checked with all of the pipeline file."""
    if document["kind"] == "choice":
        return {"kind": "choice", "values": tuple(document["values"])}
    number = _NUMBERS[document["kind"]]
    low, high = number(document["low"]), number(document["high"])
    return {"kind": document["kind"], "low": low, "high": high, "scale": document.get("scale", "linear")}


def _as_searched(document: Mapping[str, Any]) -> Any:
    """Return a range as `training.tuning.search` has it, where ends of type float make it one of any numbers."""
    if document["kind"] == "choice":
        return list(document["values"])
    return {"min": document["low"], "max": document["high"], "scale": document["scale"]}
