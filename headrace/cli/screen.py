"""What commands print: tables for people, JSON for scripts."""

from __future__ import annotations

import argparse
import json
import sys
import textwrap
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

Run = Callable[[argparse.Namespace], None]
Commands = Any  # argparse names the type of its sub-parsers privately


class CommandError(Exception):
    """A command cannot do what was asked; the text says why and what to do."""

    exit_code = 2


class AnswerIsNoError(CommandError):
    """A command was asked something, and the answer is no; the text says so in one line."""

    exit_code = 1


def add_command(commands: Commands, name: str, run: Run, help: str) -> argparse.ArgumentParser:
    """Add a command that takes ``--json``, and return its parser for more arguments."""
    command: argparse.ArgumentParser = commands.add_parser(name, help=help, description=help)
    command.add_argument("--json", action="store_true", help="print JSON, for scripts")
    command.set_defaults(run=run)
    return command


def add_pipeline(command: argparse.ArgumentParser) -> None:
    """Let a command be told which deployed pipeline it is about, in the words that `cdk` and `validate` take."""
    command.add_argument("pipeline", type=_pipeline_name, help="its name, or the path of its file")


def _pipeline_name(given: str) -> str:
    if not given.endswith((".yaml", ".yml")):
        return given
    from headrace.config.loading import PipelineError, load_pipeline  # noqa: PLC0415 - takes pydantic

    try:
        return load_pipeline(Path(given), Path.cwd() / "pipelines" / "estimators").name
    except PipelineError as error:
        raise CommandError(str(error)) from None


def show(document: Mapping[str, Any], *, as_json: bool, title: str = "") -> None:
    """Print a document: as JSON, or as a table of two columns."""
    if as_json:
        say(json.dumps(document, indent=1, default=str))
        return
    show_table(
        ["", ""], [[name, _text(value)] for name, value in document.items()], title=title, header=False
    )


def show_table(
    columns: Sequence[str], rows: Sequence[Sequence[str]], *, title: str = "", header: bool = True
) -> None:
    """Print a table."""
    from rich.console import Console  # noqa: PLC0415 - costs time that most commands need not spend
    from rich.table import Table  # noqa: PLC0415

    table = Table(title=title, title_justify="left", show_header=header)
    for column in columns:
        table.add_column(column, overflow="fold")  # codes and keys are to be copied: never cut
    for row in rows:
        table.add_row(*row)
    Console(markup=False, highlight=False).print(table)


@contextmanager
def working(doing: str) -> Iterator[None]:
    """Show on the standard error, if a person watches it, that something takes its time."""
    if not sys.stderr.isatty():
        yield
        return
    from rich.console import Console  # noqa: PLC0415

    with Console(stderr=True, markup=False, highlight=False).status(f"{doing} …"):
        yield


@contextmanager
def writing(path: Path) -> Iterator[None]:
    """Write a file, or into a folder, that was asked for; what the disk refuses becomes one line."""
    try:
        yield
    except OSError as error:
        raise CommandError(f"{path} cannot be written: {error.strerror}") from None


def say(text: str) -> None:
    """Print text."""
    print(text)  # noqa: T201 - a command's output


def _text(value: Any) -> str:
    """Return a value for people: what is within something is indented below it, in the words of YAML.

    Examples
    --------
    >>> print(_text({"metric": "rmse", "threshold": {"by": "cost"}, "on": ["drift", "quality"], "shap": True, "floors": {}}))
    metric: rmse
    threshold:
      by: cost
    on: drift, quality
    shap: true
    floors: none
    >>> _text(0.7688772975658221), _text(None)
    ('0.768877', 'none')
    """
    if isinstance(value, Mapping) and value:
        return "\n".join(f"{name}:{_below(item)}" for name, item in value.items())
    if isinstance(value, (list, tuple)) and value:
        of_blocks = any(isinstance(item, Mapping) for item in value)
        return ("\n" if of_blocks else ", ").join(map(_text, value))
    if value is None or value in ({}, [], ()):
        return "none"
    if isinstance(value, bool):
        return str(value).lower()
    return f"{value:.6g}" if isinstance(value, float) else str(value)


def _below(value: Any) -> str:
    text = _text(value)
    nested = isinstance(value, Mapping) and value
    return "\n" + textwrap.indent(text, "  ") if nested or "\n" in text else f" {text}"
