"""What a file of an estimator of the user's own declares, read without running it."""

from __future__ import annotations

import ast
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from headrace.config.estimators import OWN_PREFIX, is_own
from headrace.config.tuning_plan import on_a_grid
from headrace.ml.search_space import SearchSpaceError, read_search_space, search_space_documents

_ATTRIBUTE = "search_space"


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
        return search_space_documents(read_search_space(ast.literal_eval(value)))
    except SearchSpaceError as error:
        raise OwnEstimatorError(f"{file}:{value.lineno}: {_ATTRIBUTE}: {error}") from None
    except (ValueError, TypeError, AttributeError):
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


def _as_searched(document: Mapping[str, Any]) -> Any:
    """Return a range as `training.tuning.search` has it: ends that are no whole numbers make it one of any numbers."""
    if document["kind"] == "choice":
        return list(document["values"])
    kind = int if document["kind"] == "integer" else float
    return {"min": kind(document["low"]), "max": kind(document["high"]), "scale": document["scale"]}
