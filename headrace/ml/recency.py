"""Which rows of the test part the model in service was once judged by, which came later, and which it has learned from."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd

from headrace.ml.arrays import Flags
from headrace.ml.split import SplitRule

HELD_OUT, RECENT, LEARNED = 0, 1, 2
"""A row that was held out before; one that came since; one that the model in service may have learned from."""

RECENCY = "recency"
"""The column, beside the rows of the test part, that holds one of the three."""

Marks = npt.NDArray[np.int8]


@dataclass(frozen=True)
class Earlier:
    """What the model in service was made from.

    Parameters
    ----------
    accepted : frozenset of str
        Places in the ledger of the files that its snapshot had.
    rule : mapping
        How that snapshot was dealt, as `rule_identity` writes it.
    learned_upto : str, float or None
        Dealt by time: the last moment of its training and validation rows.
    """

    accepted: frozenset[str]
    rule: Mapping[str, Any]
    learned_upto: str | float | None = None

    def as_dict(self) -> dict[str, Any]:
        """Return it as JSON has it."""
        return {**asdict(self), "accepted": sorted(self.accepted)}

    @classmethod
    def from_dict(cls, document: Mapping[str, Any]) -> Earlier:
        """Read what `as_dict` wrote."""
        return cls(frozenset(document["accepted"]), document["rule"], document["learned_upto"])

    @classmethod
    def of_manifest(cls, manifest: Mapping[str, Any]) -> Earlier:
        """Read it from the manifest of a snapshot."""
        accepted = frozenset(source["accepted"] for source in manifest["files"])
        return cls(accepted, manifest["rule"], manifest["learned_upto"])


def rule_identity(rule: SplitRule, kinds: Mapping[str, str]) -> dict[str, Any]:
    """Return what must be the same for the test parts of two snapshots to be comparable.

    Parameters
    ----------
    rule : SplitRule
        How rows are dealt.
    kinds : mapping
        All columns, with their kinds: a cell of another kind has another hash.

    Examples
    --------
    >>> rule = SplitRule("random", test_share=0.2, validation_share=0.1, seed=7, id="n")
    >>> rule_identity(rule, {"n": "category", "x": "number"})
    {'by': 'random', 'keys': {'n': 'category'}, 'test_share': 0.2, 'seed': 7}
    """
    if rule.by == "time":
        return {"by": "time", "keys": {rule.time: kinds.get(rule.time or "")}}
    if rule.by == "column":
        return {"by": "column", "keys": {rule.column: kinds.get(rule.column or "")}}
    key = rule.group if rule.by == "group" else rule.id
    keys = [name for name in sorted(kinds) if name != rule.target] if key is None else [key]
    salt = {"salt": rule.salt} if rule.by == "stratified" else {}
    return {
        "by": rule.by,
        "keys": {name: kinds.get(name) for name in keys},
        "test_share": rule.test_share,
        "seed": rule.seed,
        **salt,
    }


def last_moment(times: pd.Series) -> str | float | None:
    """Return the last moment as JSON has it: text for a time, or a number; None if there is none."""
    moment = times.max()
    if pd.isna(moment):
        return None
    return pd.Timestamp(moment).isoformat() if pd.api.types.is_datetime64_any_dtype(times) else float(moment)


def mark(had: Flags, times: pd.Series | None, earlier: Earlier | None, identity: Mapping[str, Any]) -> Marks:
    """Mark the rows of a test part.

    A row that came after the snapshot of the model in service cannot have been learned from by it. One that came before was
    held out if it was dealt by the same rule and, by time, is later than all that was learned from.

    Parameters
    ----------
    had : ndarray of shape (n_rows,)
        Whether that snapshot had the row, or another with its id.
    times : Series of shape (n_rows,) or None
        When the rows are; needed where they are dealt by time.
    earlier : Earlier or None
        What the model in service was made from; None without one, and all rows are held out.
    identity : mapping
        How rows are dealt now, as `rule_identity` writes it.

    Returns
    -------
    ndarray of shape (n_rows,)
        ``HELD_OUT``, ``RECENT`` or ``LEARNED``.

    Examples
    --------
    >>> earlier = Earlier(frozenset(), {"by": "random", "seed": 7})
    >>> mark(np.array([True, False]), None, earlier, {"by": "random", "seed": 7}).tolist()
    [0, 1]
    >>> mark(np.array([True, False]), None, earlier, {"by": "random", "seed": 8}).tolist()
    [2, 1]
    """
    if earlier is None:
        return np.full(len(had), HELD_OUT, dtype=np.int8)
    held_out = np.full(len(had), dict(earlier.rule) == identity)
    if identity["by"] == "time" and earlier.learned_upto is not None:
        assert times is not None
        upto: Any = earlier.learned_upto
        moment = np.datetime64(upto) if isinstance(upto, str) else upto
        held_out &= (times > moment).to_numpy(bool)
    return np.where(had, np.where(held_out, HELD_OUT, LEARNED), RECENT).astype(np.int8)
