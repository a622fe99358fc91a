"""Reads a pipeline file and says, line by line, what is wrong with it."""

from __future__ import annotations

import difflib
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError, available_timezones

import yaml
from pydantic import BaseModel, ValidationError

from headrace.config import cleaning, features
from headrace.config.agreement import DisagreementError
from headrace.config.block import block_of, listed_blocks, named_block_of
from headrace.config.empty_blocks import empty_blocks
from headrace.config.own_estimators import OwnEstimatorError, with_own_search
from headrace.config.pipeline import Pipeline
from headrace.config.plain_yaml import PlainLoader

_SMALL = 256 * 1024


class PipelineError(Exception):
    """A pipeline file is missing or wrong; the text names the file, the line, the field and what is allowed."""


_EMPTY = "is empty, which does not switch it on: write its fields below it, or `{}: {{}}`, or leave it out"

_LONGEST_VALUE = 80
_SHAPES = {
    "model_type": "a block of fields",
    "dict_type": "a block of `name: value` lines",
    "tuple_type": "a list such as [a, b]",
}
_BOUNDS = {
    "too_short": "should have at least {min_length} entries, not {actual_length}",
    "too_long": "should have at most {max_length} entries, not {actual_length}",
}


def find_pipeline(name: str | None, root: Path) -> Pipeline:
    """Load the pipeline called `name` from ``<root>/pipelines``, or the file at that path.

    Raises
    ------
    PipelineError
        If none is named or found (the text lists those that exist), or the file is wrong.
    """
    folder = root / "pipelines"
    known = sorted(path.stem for path in folder.glob("*.yaml"))
    if not name:
        raise PipelineError(
            f"which pipeline? Name one, e.g. -c pipeline={(known or ['<name>'])[0]}{_listed(known)}"
        )
    path = Path(name) if name.endswith((".yaml", ".yml")) else folder / f"{name}.yaml"
    if not path.is_file():
        raise PipelineError(f"there is no {path}{_did_you_mean(name, known)}{_listed(known)}")
    pipeline = load_pipeline(path, folder / "estimators")
    if unknown := list(_unknown_names(pipeline, folder / "steps")):
        document = yaml.compose(_text(path), Loader=PlainLoader)
        raise PipelineError("\n".join(_told(path, document, where, text) for where, text in unknown))
    if path.parent == folder and pipeline.name != path.stem:
        raise PipelineError(f"{path}: the file is called {path.stem}, but `name` says {pipeline.name}")
    return pipeline


def _unknown_names(pipeline: Pipeline, folder: Path) -> Iterator[tuple[tuple[str | int, ...], str]]:
    """Yield where steps are named that are neither built in nor in a file of the user's own, and unknown time zones."""
    own = sorted(file.stem for file in folder.glob("[!_]*.py"))
    declared: tuple[tuple[str, tuple[Any, ...], tuple[str, ...]], ...] = (
        ("features", pipeline.features.steps, features.NAMES),
        ("cleaning", pipeline.cleaning.steps, cleaning.NAMES),
    )
    for block, steps, built_in in declared:
        for place, step in enumerate(steps):
            if step.step not in built_in and step.step not in own:
                close = _did_you_mean(step.step, [*built_in, *own])
                yield (
                    (block, "steps", place, "step"),
                    f"there is no step {step.step!r}{close}; there are {', '.join([*built_in, *own])}; "
                    f"your own would be {folder / step.step}.py",
                )
            zone = getattr(step, "time_zone", None)
            if zone and not _is_time_zone(zone):
                close = _did_you_mean(zone, sorted(available_timezones()))
                yield (block, "steps", place, "time_zone"), f"there is no time zone {zone!r}{close}"


def _is_time_zone(name: str) -> bool:
    try:
        ZoneInfo(name)
    except (ZoneInfoNotFoundError, OSError):  # OSError: the name of a folder of zones
        return False
    return True


def _told(path: Path, root: yaml.Node | None, where: tuple[str | int, ...], text: str) -> str:
    field = ".".join(map(str, where))
    line = _line_of(root, where) if root else 1
    return f"{path}:{line}: {field + ': ' if field else ''}{text}"


def load_pipeline(path: Path, estimators: Path | None = None) -> Pipeline:
    """Read and validate one pipeline file.

    Parameters
    ----------
    path : Path
        Of the file.
    estimators : Path, optional
        Folder with the estimators of the user's own; by default it lies beside the file.

    Raises
    ------
    PipelineError
        With one line per problem: ``file:line: field: what is wrong and what is allowed``.
    """
    text = _text(path)
    try:
        root = yaml.compose(text, Loader=PlainLoader)
        document = yaml.load(text, Loader=PlainLoader)
    except yaml.YAMLError as error:
        raise PipelineError(_syntax_error(path, text, error)) from None
    if not isinstance(root, yaml.MappingNode):
        raise PipelineError(
            f"{path}:1: a pipeline file is a list of `field: value` lines, such as `name: bike`"
        )
    if repeated := list(_repeated_keys(root)):
        raise PipelineError("\n".join(f"{path}:{line}: `{key}` appears twice" for key, line in repeated))
    if empty := empty_blocks(document):
        raise PipelineError("\n".join(_told(path, root, where, _EMPTY.format(where[-1])) for where in empty))
    try:
        document = with_own_search(document, estimators or path.parent / "estimators")
    except OwnEstimatorError as error:
        raise PipelineError(_told(path, root, error.where, str(error))) from None
    try:
        return Pipeline.model_validate(document)
    except ValidationError as error:
        problems = [line for found in error.errors() for line in _problems(path, root, dict(found))]
        raise PipelineError("\n".join(dict.fromkeys(problems))) from None


def _text(path: Path) -> str:
    try:
        if path.stat().st_size > _SMALL:
            raise PipelineError(f"{path}: larger than 256 KB, which is no pipeline file")
        return path.read_text(encoding="utf-8")
    except OSError as error:
        raise PipelineError(f"{path}: cannot be read: {error.strerror}") from None
    except UnicodeDecodeError:
        raise PipelineError(f"{path}: is not UTF-8 text") from None


def _syntax_error(path: Path, text: str, error: yaml.YAMLError) -> str:
    mark = getattr(error, "problem_mark", None)
    line = mark.line if mark else text.count("\n", 0, getattr(error, "position", 0))
    problem = getattr(error, "problem", None) or str(error).splitlines()[0]
    if "\\t" in problem:
        problem = "a tab cannot stand here in YAML: use spaces"
    if "but got '?'" in problem:  # a cron
        problem += ": within {} and [] put such a text in quotes"
    return f"{path}:{line + 1}: not valid YAML: {problem}"


def _repeated_keys(node: yaml.Node) -> Iterator[tuple[str, int]]:
    if isinstance(node, yaml.MappingNode):
        seen: set[str] = set()
        for key, value in node.value:
            if key.value in seen:
                yield key.value, key.start_mark.line + 1
            seen.add(key.value)
            yield from _repeated_keys(value)
    elif isinstance(node, yaml.SequenceNode):
        for item in node.value:
            yield from _repeated_keys(item)


def _problems(path: Path, root: yaml.MappingNode, found: dict[str, Any]) -> Iterator[str]:
    """Turn one of pydantic's findings into lines a person can act on."""
    error = found.get("ctx", {}).get("error")
    if isinstance(error, DisagreementError):
        findings: list[tuple[tuple[str | int, ...], str]] = [*error.findings]
    else:
        where = _locate(tuple(part for part in found["loc"] if part != "[key]"))
        findings = [(where.path, _explain(found, where))]
    for place, text in findings:
        yield _told(path, root, place, text)


@dataclass(frozen=True)
class _Place:
    """Where in the file something is wrong, and what belongs there.

    Parameters
    ----------
    path : tuple
        Names of fields, and places in lists.
    block : type
        The deepest block on the path.
    description : str
        Of the deepest field.
    one_of_many : bool
        Whether the value might have been of several kinds; pydantic then complains about each.
    """

    path: tuple[str | int, ...]
    block: type[BaseModel]
    description: str
    one_of_many: bool = False


def _locate(loc: tuple[str | int, ...]) -> _Place:
    """Follow pydantic's path, which names the kind of a block in a list behind its place there."""
    block: type[BaseModel] = Pipeline
    path: list[str | int] = []
    description, rest = "", list(loc)
    while rest:
        path.append(rest.pop(0))
        field = block.model_fields.get(str(path[-1]))
        if field is None:
            break
        description = field.description or ""
        inner, listed, named = block_of(field), listed_blocks(field), named_block_of(field)
        if inner:
            block = inner
        elif len(rest) > 1 and named:
            path.append(rest.pop(0))
            block = named
        elif len(rest) > 1 and listed:
            path.append(rest.pop(0))
            block = listed[str(rest.pop(0))] if len(listed) > 1 else next(iter(listed.values()))
        else:
            path += rest[:1]
            return _Place(tuple(path), block, description, one_of_many=len(rest) > 1)
    return _Place(tuple(path), block, description)


def _explain(found: dict[str, Any], where: _Place) -> str:
    kind, given = found["type"], found.get("input")
    description = where.description[:1].lower() + where.description[1:]
    if kind == "missing":
        return f"is missing; {description}"
    if kind == "extra_forbidden":
        allowed = sorted(where.block.model_fields)
        close = _did_you_mean(str(where.path[-1]), allowed)
        return f"there is no such field{close}; allowed: {', '.join(allowed)}"
    if kind == "value_error":
        return str(found["ctx"]["error"])
    if kind in _BOUNDS:
        return f"{_BOUNDS[kind].format(**found['ctx'])}; {description}"
    if kind.startswith("bool_"):
        kind, found = "bool_type", {**found, "msg": "should be true or false"}
    message = found["msg"].replace("Input should", "should").replace("String should", "should")
    if where.one_of_many or kind in _SHAPES:
        message = f"should be {_SHAPES.get(kind, 'a text, a number, true or false')}"
    return f"{message}, not {_in_short(given)}; {description}"


def _in_short(given: Any) -> str:
    """Return a value as the file has it, of a long one the beginning.

    Examples
    --------
    >>> _in_short(True), _in_short("maybe"), len(_in_short("a" * 1000))
    ('true', "'maybe'", 80)
    """
    text = str(given).lower() if isinstance(given, bool) else repr(given)
    return text if len(text) <= _LONGEST_VALUE else f"{text[: _LONGEST_VALUE - 2]} …"


def _line_of(root: yaml.Node, where: tuple[str | int, ...]) -> int:
    """Return the line of the field, or of the deepest block that does exist."""
    node, line = root, root.start_mark.line + 1
    for part in where:
        if isinstance(node, yaml.MappingNode):
            entry = next(((k, v) for k, v in node.value if k.value == str(part)), None)
            if entry is None:
                return line
            line, node = entry[0].start_mark.line + 1, entry[1]
        elif isinstance(node, yaml.SequenceNode) and isinstance(part, int) and part < len(node.value):
            node = node.value[part]
            line = node.start_mark.line + 1
    return line


def _did_you_mean(word: str, known: list[str]) -> str:
    close = difflib.get_close_matches(word, known, n=1)
    return f" (did you mean {close[0]}?)" if close else ""


def _listed(known: list[str]) -> str:
    return (
        f"; there are: {', '.join(known)}"
        if known
        else "; write one with `headrace init data.csv --target …`"
    )
