"""Finds for each label the prediction that it is about, file by file, in memory that the labels alone determine."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc

from headrace.ml.arrays import Flags, Ints
from headrace.ml.cells import as_flags
from headrace.ml.feedback_labels import MOMENT, Join

_KEYS: dict[Join, list[str]] = {"inference_id": ["inference_id", "row"], "entity": ["entity", "at"]}
_COLUMNS: dict[Join, list[str]] = {
    "inference_id": ["_inference_id", "_row", "_time"],
    "entity": ["_entity", "_time"],
}
_NOWHERE = -1
_NEVER = np.datetime64("NaT", "us")


@dataclass(frozen=True)
class Found:
    """Predictions that labels are about.

    Parameters
    ----------
    labels : ndarray of shape (n_found,)
        Places of labels in `Matching.labels`.
    rows : ndarray of shape (n_found,)
        Places of their predictions in the file.
    """

    labels: Ints
    rows: Ints


def id_columns(join: Join) -> list[str]:
    """Return the columns of predictions that a join looks at.

    Examples
    --------
    >>> id_columns("entity")
    ['_entity', '_time']
    """
    return list(_COLUMNS[join])


class Matching:
    r"""Labels that look for their predictions.

    A label is about the latest prediction with its inference id and row, or about the latest one of its entity at or before
    the moment that it speaks of; older ones than `within` are none of its. Of labels that speak of the same, the last by
    ``labelled_at`` counts; of two of the same moment, the one further down.

    Parameters
    ----------
    labels : pyarrow.Table
        As :data:`headrace.ml.feedback_labels.LABELS` says; in the order in which they arrived.
    join : {"inference_id", "entity"}
        What finds the prediction.
    within : timedelta
        How long a prediction waits for its label.

    Examples
    --------
    >>> from datetime import UTC, datetime
    >>> from headrace.ml.feedback_labels import LabelRules, read_labels
    >>> from headrace.ml.files.small import read_bytes
    >>> file = read_bytes(b"entity,label,labelled_at\nann,0,2026-01-31T10:00\nann,1,2026-01-31T13:00\n")
    >>> rules = LabelRules("entity", "binary", "churned")
    >>> labels, _ = read_labels(file, rules, received_at=datetime(2026, 2, 1, tzinfo=UTC), source="a.csv")
    >>> times = [datetime(2026, 1, 31, hour) for hour in (8, 9, 12)]
    >>> matching = Matching(labels, "entity", timedelta(days=30))
    >>> matching.offer(0, 0, pa.table({"_entity": ["ann", "ann", "ann"], "_time": times}))
    >>> matching.found(0).rows.tolist(), matching.unmatched.num_rows
    ([1, 2], 0)
    """

    def __init__(self, labels: pa.Table, join: Join, within: timedelta) -> None:
        self._join, self._within = join, pd.Timedelta(within)
        self.labels, self.superseded = _last_of_each(labels, _KEYS[join])
        self._keys = self.labels.select(_KEYS[join]).to_pandas()
        self._ids = pd.Index(pc.unique(self.labels.column(join)).to_pylist(), dtype=object)
        codes = self._ids.get_indexer(_objects(self.labels.column(join)))
        self._by_code = np.argsort(codes, kind="stable")
        self._codes = codes[self._by_code]
        reference = "at" if join == "entity" else "received_at"
        self._reference = self.labels.column(reference).to_numpy()
        count = self.labels.num_rows
        self._file = np.full(count, _NOWHERE)
        self._row = np.full(count, _NOWHERE)
        self._time = np.full(count, _NEVER)

    @property
    def complete(self) -> bool:
        """Whether every label has found a prediction."""
        return bool((self._file != _NOWHERE).all())

    @property
    def unmatched(self) -> pa.Table:
        """The labels that have found none."""
        return self.labels.filter(pa.array(self._file == _NOWHERE))

    def offer(self, file: int, first_row: int, ids: pa.Table) -> None:
        """Look at some predictions of one file.

        Parameters
        ----------
        file : int
            Which file; of predictions of the same moment, that which was offered first counts.
        first_row : int
            Place of the first of them in the file.
        ids : pyarrow.Table
            Their columns :func:`id_columns`, and perhaps others.
        """
        ids = ids.select(_COLUMNS[self._join])
        # The index is made once: what takes time is making one, not asking it.
        codes = self._ids.get_indexer(_objects(pc.cast(ids.column(f"_{self._join}"), pa.string())))
        places = np.flatnonzero(codes >= 0)
        if not len(places):
            return
        candidates = _as_frame(ids.take(pa.array(places))).assign(place=places + first_row)
        candidates = candidates.sort_values("_time", kind="stable")
        labels = self._with(np.unique(codes[places]))
        keys = self._keys.iloc[labels].assign(label=labels)
        find = _by_id if self._join == "inference_id" else _as_of
        self._take(file, find(keys, candidates))

    def found(self, file: int) -> Found:
        """Return which labels are about predictions of `file`, in the order of its rows."""
        labels = np.flatnonzero(self._file == file)
        order = np.argsort(self._row[labels], kind="stable")
        return Found(labels[order], self._row[labels][order])

    def _with(self, codes: Ints) -> Ints:
        """Return the places of the labels whose ids have these places in the index."""
        first, behind = (np.searchsorted(self._codes, codes, side) for side in ("left", "right"))
        return np.concatenate([self._by_code[low:high] for low, high in zip(first, behind, strict=True)])

    def _take(self, file: int, pairs: pd.DataFrame) -> None:
        """Keep the predictions that are later than those which the labels have found so far, and not too old."""
        label, row, time = pairs["label"].to_numpy(), pairs["place"].to_numpy(), pairs["_time"].to_numpy()
        before = self._time[label]
        young = time >= self._reference[label] - self._within.to_timedelta64()
        better = young & (np.isnat(before) | (time > before))
        chosen = label[better]
        self._file[chosen], self._row[chosen], self._time[chosen] = file, row[better], time[better]


def _by_id(keys: pd.DataFrame, candidates: pd.DataFrame) -> pd.DataFrame:
    last = candidates.drop_duplicates(["inference_id", "row"], keep="last")
    return keys.merge(last, on=["inference_id", "row"])


def _as_of(keys: pd.DataFrame, candidates: pd.DataFrame) -> pd.DataFrame:
    keys = keys.sort_values("at", kind="stable")
    pairs = pd.merge_asof(keys, candidates, left_on="at", right_on="_time", by="entity")
    return pairs[pairs["_time"].notna()].astype({"place": np.int64})


def expired(labels: pa.Table, *, now: Any, within: timedelta) -> Flags:
    """Tell which labels have waited for longer than `within` since they arrived: their prediction will not come.

    Examples
    --------
    >>> from datetime import datetime
    >>> labels = pa.table({"received_at": pa.array([datetime(2026, 1, 1), datetime(2026, 1, 31)], MOMENT)})
    >>> expired(labels, now=datetime(2026, 2, 1), within=timedelta(days=30)).tolist()
    [True, False]
    """
    limit = pa.scalar(now.replace(tzinfo=None) - within, MOMENT)
    return as_flags(pc.fill_null(pc.less(labels.column("received_at"), limit), False))


def _last_of_each(labels: pa.Table, keys: list[str]) -> tuple[pa.Table, int]:
    """Return the label that counts for each thing that labels speak of, and how many others there were."""
    frame = labels.select([*keys, "labelled_at"]).to_pandas()
    ordered = frame.sort_values("labelled_at", kind="stable")
    kept = np.sort(ordered.drop_duplicates(keys, keep="last").index.to_numpy())
    return labels.take(pa.array(kept)), labels.num_rows - len(kept)


def _as_frame(ids: pa.Table) -> pd.DataFrame:
    """Return what identifies predictions, called as labels call it."""
    columns = {}
    for name in ids.column_names:
        column = ids.column(name)
        if name == "_time":
            columns[name] = pc.cast(column, MOMENT).to_numpy()
        elif name == "_row":
            columns["row"] = pc.cast(column, pa.int64()).to_numpy()
        else:
            columns[name[1:]] = pc.cast(column, pa.string()).to_pandas()
    return pd.DataFrame(columns)


def _objects(text: pa.ChunkedArray) -> Any:
    return text.to_numpy(zero_copy_only=False)
