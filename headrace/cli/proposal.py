"""Proposes a pipeline file from a data file, as a careful colleague would."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import combinations
from pathlib import Path

import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc

from headrace.cli.data_sample import DataSample, look_at
from headrace.cli.proposal_arrival import Flow, propose_arrival
from headrace.cli.proposal_privacy import propose_privacy
from headrace.cli.yaml_text import quoted
from headrace.config.limits import PIPELINE_NAME
from headrace.ml.cells import as_datetimes, trimmed
from headrace.ml.contract import infer_kind
from headrace.ml.files.refusal import FileRefusedError
from headrace.ml.text_table import TextTable

_MOST_CLASSES = 20
_FEW_CODES = 12
_YEARS = (1900, 2100)  # a next year would be an unknown category
_BINARY = 2
_NEARLY_ONE = 0.999
_SUMMANDS = 3
_MOST_SUMMANDS = 30
_ROWS_FOR_SUMS = 50
_WORDS_OF_A_TEXT = 4
_LONG = {"text": "sentences, read as text", "image": "PNG or JPEG files, read as images"}
_ENDPOINT = (
    "# The model answers behind a serverless endpoint, which bills nothing without requests. `headrace endpoint` computes",
    "# which kind suits your load, and prints the lines for this file.",
)


class ProposalError(Exception):
    """No pipeline can be proposed; the text says why and what to do."""


@dataclass(frozen=True)
class Proposal:
    """A pipeline file to be written.

    Parameters
    ----------
    name, problem : str
        As in the file.
    text : str
        The file, with comments that say why.
    notes : list of str
        What a person should look at.
    """

    name: str
    problem: str
    text: str
    notes: list[str]


@dataclass(frozen=True)
class _Findings:
    """What the file will say."""

    name: str
    problem: str
    target: str
    id_column: str | None
    time_column: str | None
    ignored: dict[str, str]
    codes: list[str]
    long: dict[str, str]


def propose(path: Path, target: str, name: str) -> Proposal:
    """Read the head of a data file, or of a folder of them, and propose its pipeline.

    Raises
    ------
    ProposalError
        If the file cannot be read, or has no column `target`, or the name would not do.
    """
    sample = _sample(path, target)
    table = sample.first
    columns = table.cells.column_names
    if target not in columns:
        raise ProposalError(f"{path} has no column {target!r}; it has {', '.join(columns)}")
    if not re.match(PIPELINE_NAME, name):
        raise ProposalError(
            f"{name!r} cannot name a pipeline: 2 to 24 of a-z, 0-9 and -, a letter first (--name)"
        )
    kinds: dict[str, str] = {column: infer_kind(table.cells.column(column)) for column in columns}
    if sample.corpus:
        kinds[sample.corpus.column] = sample.corpus.kind
    frame = _typed(table, kinds)
    kinds |= {
        column: "text" for column, kind in kinds.items() if kind == "category" and _is_text(frame[column])
    }
    if why := _unpredictable(frame[target], kinds[target]):
        raise ProposalError(f"{path}: the target {target!r} {why}: name another one with --target")
    problem = _problem(frame[target], kinds[target])
    id_column = _id_column(frame, target, kinds)
    time_column = next((c for c in columns if kinds[c] == "datetime" and c != target), None)
    taken = [c for c in (target, id_column, time_column) if c]
    long_ones = [column for column in columns if kinds[column] in _LONG]
    privacy = propose_privacy(table.cells, id_column, {target, time_column or target, *long_ones})
    taken += [column for column in privacy.columns if column not in taken]
    ignored = dict(_useless(frame, target, taken))
    if not set(columns) - {*taken, *ignored}:
        raise ProposalError(f"{path} has nothing to learn from: {_listed(ignored) or 'no other columns'}")
    codes = _integer_codes(frame, kinds, [*taken, *ignored])
    long = {c: kinds[c] for c in columns if kinds[c] in _LONG and c not in taken and c not in ignored}
    found = _Findings(name, problem, target, id_column, time_column, ignored, codes, long)
    notes = [f"{column}: {why}" for column, why in ignored.items()]
    notes += [f"{column}: {_LONG[kind]}" for column, kind in long.items()]
    notes += [f"{column}: few whole numbers, taken for codes of a category" for column in codes]
    arrival = propose_arrival(_flow(sample, time_column))
    text = _write(path, found, [*privacy.lines, *arrival.lines])
    return Proposal(name, problem, text, [*privacy.notes, *notes, *arrival.notes])


def _listed(ignored: dict[str, str]) -> str:
    return "; ".join(f"{column}: {why}" for column, why in ignored.items())


def _sample(path: Path, target: str) -> DataSample:
    """Read the head of the data as the ingestion will."""
    try:
        sample = look_at(path, target)
    except OSError as error:
        raise ProposalError(f"{path} cannot be read: {error.strerror}") from None
    except FileRefusedError as refused:
        raise ProposalError(f"{path}: {refused.why}") from None
    if sample.first.cells.num_rows == 0:
        raise ProposalError(f"{path} has no rows")
    return sample


def _flow(sample: DataSample, time_column: str | None) -> Flow:
    """Return how fast rows come, as far as the time column tells."""
    if time_column is None or time_column not in sample.last.cells.column_names:
        return Flow(sample.files, sample.largest_bytes)
    moments = [
        as_datetimes(trimmed(table.cells.column(time_column))) for table in (sample.first, sample.last)
    ]
    bounds = [pc.min_max(each) for each in moments]
    first, within, last = bounds[0]["min"].as_py(), bounds[0]["max"].as_py(), bounds[1]["max"].as_py()
    if first is None or within is None or last is None:
        return Flow(sample.files, sample.largest_bytes)
    rows = sample.first.cells.num_rows
    if sample.files == 1:
        return Flow(1, sample.largest_bytes, (within - first).total_seconds(), rows)
    return Flow(sample.files, sample.largest_bytes, (last - first).total_seconds(), rows * sample.files)


def _typed(table: TextTable, kinds: dict[str, str]) -> pd.DataFrame:
    cells = pa.table({column: trimmed(table.cells.column(column)) for column in kinds})
    frame: pd.DataFrame = cells.to_pandas()
    for column, kind in kinds.items():
        if kind == "number":
            frame[column] = pd.to_numeric(frame[column], errors="coerce").astype("float64")
    return frame


def name_from(path: Path) -> str:
    """Return what a pipeline may be called after a file; it may still be too short, or begin with a digit.

    Examples
    --------
    >>> name_from(Path("Bike rides (2011).csv.gz"))
    'bike-rides-2011'
    """
    return re.sub(r"[^a-z0-9]+", "-", path.name.split(".")[0].lower()).strip("-")[:24].rstrip("-")


def _unpredictable(target: pd.Series, kind: str) -> str | None:
    """Say why nobody could learn to predict these values, or None."""
    values = target.dropna().nunique()
    if values == 0:
        return "is empty"
    if values == 1:
        return "has one value only"
    if kind == "datetime":
        return "holds dates, which no problem has as its answer"
    if kind in ("category", *_LONG) and values > max(_MOST_CLASSES, len(target) / 2):
        return f"holds {values} different texts in {len(target)} rows"
    return None


def _problem(target: pd.Series, kind: str) -> str:
    values = target.dropna().nunique()
    if values == _BINARY:
        return "binary"
    whole = kind == "number" and bool((target.dropna() % 1 == 0).all())
    if kind in ("category", "boolean") or (whole and values <= _MOST_CLASSES):
        return "multiclass"
    return "regression"


def _id_column(frame: pd.DataFrame, target: str, kinds: Mapping[str, str]) -> str | None:
    """Return the first column that looks like a key: a value of its own in every row, no moment, no measured number."""
    for column in (column for column in frame.columns if kinds[column] not in ("datetime", *_LONG)):
        values = frame[column]
        whole = values.dtype.kind != "f" or bool((values.dropna() % 1 == 0).all())
        a_key = whole and values.notna().all() and values.is_unique and len(values) > 1
        if column != target and a_key:
            return str(column)
    return None


def _useless(frame: pd.DataFrame, target: str, taken: list[str]) -> Iterator[tuple[str, str]]:
    """Yield the columns that a model should not see, each with the reason."""
    rest = [column for column in frame.columns if column not in taken]
    constant = [column for column in rest if frame[column].nunique(dropna=True) <= 1]
    yield from ((column, "has one value only") for column in constant)
    if frame[target].dtype.kind == "f":
        numbers = [c for c in rest if frame[c].dtype.kind == "f" and c not in constant]
        yield from _near_copies(frame, target, numbers)
        yield from _summands(frame, target, numbers)


def _is_text(values: pd.Series) -> bool:
    """Tell whether cells are sentences, even in a file that is too small for the ingestion to be sure."""
    present = values.dropna()
    if values.dtype.kind == "f" or not len(present):
        return False
    words = present.astype(str).str.count(r"\s+") + 1
    return bool(words.mean() > _WORDS_OF_A_TEXT and present.nunique() > len(present) / 2)


def _near_copies(frame: pd.DataFrame, target: str, numbers: list[str]) -> Iterator[tuple[str, str]]:
    for column in numbers:
        if abs(frame[column].corr(frame[target])) > _NEARLY_ONE:
            yield column, f"tells {target} almost exactly: is it known before {target} is?"


def _summands(frame: pd.DataFrame, target: str, numbers: list[str]) -> Iterator[tuple[str, str]]:
    amounts = [column for column in numbers if frame[column].nunique() > _FEW_CODES][:_MOST_SUMMANDS]
    few = frame.head(_ROWS_FOR_SUMS)
    groups = (group for size in range(_BINARY, _SUMMANDS + 1) for group in combinations(amounts, size))
    for group in groups:
        if _adds_up(few, group, target) and _adds_up(frame, group, target):
            yield from (
                (column, f"{' + '.join(group)} = {target}: known only afterwards") for column in group
            )
            return


def _adds_up(frame: pd.DataFrame, group: Sequence[str], target: str) -> bool:
    return bool((frame[list(group)].to_numpy().sum(axis=1) == frame[target].to_numpy()).all())


def _integer_codes(frame: pd.DataFrame, kinds: dict[str, str], taken: list[str]) -> list[str]:
    """Return the columns of few different whole numbers that are no years."""
    found = []
    for column in frame.columns:
        if column in taken or kinds[column] != "number":
            continue
        values = frame[column].dropna()
        whole, years = bool((values % 1 == 0).all()), bool(values.between(*_YEARS).all())
        if whole and not years and _BINARY < values.nunique() <= _FEW_CODES:
            found.append(str(column))
    return found


def _write(path: Path, found: _Findings, more: Sequence[str]) -> str:
    lines = [
        "# yaml-language-server: $schema=schema.json",
        f"# Proposed from {path.name}: read it once before you deploy it.",
        f"name: {found.name}",
        f"problem: {found.problem}",
        f"target: {quoted(found.target)}",
    ]
    if found.id_column:
        lines.append(f"id: {quoted(found.id_column)}")
    if found.time_column:
        lines.append(f"time: {quoted(found.time_column)}")
    if found.ignored:
        lines += [
            "",
            "ignore:",
            *(f"  - {quoted(column)}  # {why}" for column, why in found.ignored.items()),
        ]
    if found.codes or found.long:
        lines += ["", "columns:"]
        lines += [f"  {quoted(column)}: {kind}  # {_LONG[kind]}" for column, kind in found.long.items()]
    if found.codes:
        lines += ["  # whole numbers that look like codes; delete those that are amounts"]
        lines += [f"  {quoted(column)}: category" for column in found.codes]
    return "\n".join([*lines, *more, "", *_ENDPOINT]) + "\n"
