"""Reads the labels that have come since the last look, and what both models have lost by them."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime, timedelta
from typing import Protocol

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc

from headrace.aws.quality_data import RowFile
from headrace.ml.arrays import Floats
from headrace.ml.batch.inference_ids import FORM
from headrace.ml.column_schema import Problem
from headrace.ml.release.losses import BOUNDED, Answered, Loss, request_means, row_losses
from headrace.ml.release.sequential import Split
from headrace.ml.release.shadow import Pairs
from lambdas.judge_release.memory import Memory
from lambdas.judge_release.release import Release

_OVERLAP = timedelta(minutes=15)
"""An object may become visible a little after its time of modification."""

_ID = ["_inference_id", "_row"]
_ANSWER = ["_prediction", "_score"]
_MODELS = ("_champion", "_challenger")
_COLUMNS = ["_event_id", *_ID, "_time", *_ANSWER, "_label"]


class Rows(Protocol):
    """What is needed of recorded and labelled predictions."""

    def prediction_files(self, variant: str, first_day: date) -> list[RowFile]:
        """Return the files of a variant's predictions from a day on."""
        ...

    def labelled_files(self, variant: str, first_day: date) -> list[RowFile]:
        """Return the files of a variant's labelled predictions, whose predictions are of a day or later."""
        ...

    def rows(self, file: RowFile, columns: Sequence[str]) -> pa.Table:
        """Return columns of a file, without those that it does not have."""
        ...


@dataclass(frozen=True)
class Task:
    """What is predicted, and what a wrong answer costs.

    Parameters
    ----------
    problem : {"binary", "multiclass", "regression"}
        Kind of answer.
    classes : tuple of str
        The labels, sorted; empty in a regression.
    loss : str
        As in :mod:`headrace.ml.release.losses`.
    """

    problem: Problem
    classes: tuple[str, ...]
    loss: Loss

    @property
    def bounded(self) -> bool:
        """Whether losses are at most 1 by themselves."""
        return self.loss in BOUNDED

    def losses(self, requests: pd.Series, truth: pd.Series, answers: pd.DataFrame) -> Floats:
        """Return the loss of each row; NaN where truth or answer are missing."""
        usable = truth.notna() & answers["_prediction"].notna()
        if self.problem == "regression":
            truth = pd.to_numeric(truth, errors="coerce")
        answered = Answered(
            requests.to_numpy(),
            truth.to_numpy(),
            answers["_prediction"].to_numpy(),
            answers["_score"].to_numpy(dtype=np.float64),
        )
        found = row_losses(self.loss, answered, self.classes)
        return np.where(usable.to_numpy(), found, np.nan)


def read_labels(release: Release, memory: Memory, rows: Rows, task: Task) -> Memory:
    """Return the memory with the labels that came since the last look.

    A request counts once, with the rows whose labels came first: what came later about it would not be drawn by chance any
    more.
    """
    fresh = _Fresh(release, memory, rows)
    champion = fresh.of(release.champion)
    if release.strategy == "shadow":
        losses = _paired_losses(_beside_challenger(champion, rows, release), task)
        memory = replace(memory, pairs=(memory.pairs or Pairs(task.bounded)).add(*losses))
    else:
        split = memory.split or Split(release.share, task.bounded)
        challenger = fresh.of(release.challenger)
        memory = replace(memory, split=split.add(_losses(task, champion), _losses(task, challenger)))
    return replace(memory, labels={**memory.labels, **fresh.known})


class _Fresh:
    """Labelled rows that no look has seen."""

    def __init__(self, release: Release, memory: Memory, rows: Rows) -> None:
        self._release, self._rows = release, rows
        self._seen: Mapping[str, int] = memory.labels
        looked_at = memory.looked_at
        self._newer_than = datetime.fromisoformat(looked_at) - _OVERLAP if looked_at else None
        self.known: dict[str, int] = {}

    def of(self, variant: str) -> pd.DataFrame:
        """Return those of a variant."""
        files = self._rows.labelled_files(variant, self._release.since.date())
        found = [self._read(file) for file in files if self._is_new(file)]
        empty = pd.DataFrame({name: pd.Series(dtype=object) for name in _COLUMNS})
        return pd.concat(found, ignore_index=True) if found else empty

    def _is_new(self, file: RowFile) -> bool:
        return self._newer_than is None or file.modified > self._newer_than

    def _read(self, file: RowFile) -> pd.DataFrame:
        """Return the rows behind those that were there before: a file only grows."""
        table = self._rows.rows(file, _COLUMNS)
        old, seen = self._seen.get(file.digest, 0), table["_event_id"]
        self.known[file.digest] = table.num_rows
        fresh = pc.invert(pc.is_in(seen, value_set=seen.slice(0, old).combine_chunks()))
        rows: pd.DataFrame = of_release(table.filter(fresh), self._release.since).to_pandas()
        return rows


def of_release(table: pa.Table, since: datetime) -> pa.Table:
    """Return the predictions that chance has sent to a model since a release began.

    Their times have no zone and are UTC. Rows of dropped files are captured like requests; the champion answers all of them.
    """
    began = pa.scalar(since.replace(tzinfo=None), pa.timestamp("us"))
    young = pc.greater_equal(pc.cast(table["_time"], pa.timestamp("us")), began)
    ids = pc.cast(table["_inference_id"], pa.string())
    of_a_file = pc.fill_null(pc.match_substring_regex(ids, FORM), False)
    return table.filter(pc.and_not(young, of_a_file))


def _losses(task: Task, rows: pd.DataFrame) -> Floats:
    return request_means(
        rows["_event_id"].to_numpy(), task.losses(rows["_event_id"], rows["_label"], rows[_ANSWER])
    )


def _beside_challenger(labelled: pd.DataFrame, rows: Rows, release: Release) -> pd.DataFrame:
    """Return labelled rows of the champion beside what the challenger has answered to their copies.

    A label is joined to the answer that somebody got. The other one is found by the caller's inference id and the row.
    """
    labelled = labelled[labelled["_inference_id"].notna()].drop_duplicates(_ID)
    wanted = pa.array(labelled["_inference_id"].unique(), pa.string())
    others = list(_answers_to(wanted, rows, release, release.challenger)) if len(wanted) else []
    empty = pd.DataFrame({name: pd.Series(dtype=object) for name in (*_ID, *_ANSWER)})
    other = pd.concat(others, ignore_index=True) if others else empty
    return labelled.merge(other.drop_duplicates(_ID, keep="last"), on=_ID, suffixes=_MODELS)


def _paired_losses(both: pd.DataFrame, task: Task) -> tuple[Floats, Floats]:
    """Return the losses of the champion, and of the challenger, on the same requests."""
    requests, truth = both["_inference_id"], both["_label"]
    old, new = (
        task.losses(requests, truth, both[[f"{name}{model}" for name in _ANSWER]].set_axis(_ANSWER, axis=1))
        for model in _MODELS
    )
    known = np.isfinite(old) & np.isfinite(new)
    ids = requests.to_numpy()[known]
    return request_means(ids, old[known]), request_means(ids, new[known])


def _answers_to(wanted: pa.Array, rows: Rows, release: Release, variant: str) -> Iterator[pd.DataFrame]:
    for file in rows.prediction_files(variant, release.since.date()):
        table = rows.rows(file, [*_ID, *_ANSWER])
        yield table.filter(pc.is_in(table["_inference_id"], value_set=wanted)).to_pandas()
