"""Gives every label its share of training, validation and test, and leaves every row in its part for ever.

A row's part may depend on nothing but the row, or rows that arrive later would move it; so the shares of the labels cannot be
met exactly. Instead one of 64 ways to deal is chosen, once: the one that meets them best on the rows of the first
snapshot. It is a number, the salt, that is written into the snapshot's manifest. Later snapshots take it from the manifest of
the model in service as long as the rule stays the same; rows that have come since are dealt by it like all others.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Self

import numpy as np
import pandas as pd

from headrace.ml.arrays import Ints
from headrace.ml.parts import PARTS
from headrace.ml.split import SplitRule, key_hashes, part_limits, salted_positions

CANDIDATES = 64
"""Ways to deal that are tried. The first is that of a random split."""


@dataclass(frozen=True)
class Strata:
    """How many rows of each label each way to deal gives each part.

    Counts of several blocks of rows add up, so that many machines find what one finds.

    Parameters
    ----------
    counts : dict of str to ndarray of shape (64, 3)
        By label.
    """

    counts: Mapping[str, Ints] = field(default_factory=dict)

    @classmethod
    def of(cls, frame: pd.DataFrame, rule: SplitRule) -> Self:
        """Deal some rows in all ways, and count.

        Raises
        ------
        ValueError
            If the rule names no target.
        """
        if rule.target is None:
            raise ValueError("a stratified split needs the name of the target")
        hashes, limits = key_hashes(frame, rule), part_limits(rule)
        codes, labels = pd.factorize(frame[rule.target].astype(str))
        size = len(labels) * len(PARTS)
        found = np.empty((CANDIDATES, size), dtype=np.int64)
        for salt in range(CANDIDATES):
            part = np.searchsorted(limits, salted_positions(hashes, salt), side="left")
            found[salt] = np.bincount(codes * len(PARTS) + part, minlength=size)
        by_label = found.reshape(CANDIDATES, len(labels), len(PARTS))
        return cls({str(label): by_label[:, place] for place, label in enumerate(labels)})

    def __add__(self, other: Strata) -> Strata:
        """Return the counts of both."""
        nothing = np.zeros((CANDIDATES, len(PARTS)), dtype=np.int64)
        labels = {*self.counts, *other.counts}
        return Strata(
            {each: self.counts.get(each, nothing) + other.counts.get(each, nothing) for each in labels}
        )

    def best(self, rule: SplitRule) -> int:
        """Return the way to deal whose counts are nearest to the shares, summed over labels and parts.

        A distance is relative to what the share would be: a label with few rows counts as much as one with many. Of equals the
        first is taken.

        Examples
        --------
        >>> rows = pd.DataFrame({"id": [str(n) for n in range(400)], "y": ["rare"] * 20 + ["often"] * 380})
        >>> rule = SplitRule("stratified", test_share=0.2, validation_share=0.1, seed=7, id="id", target="y")
        >>> strata = Strata.of(rows, rule)
        >>> strata.counts["rare"][0].tolist(), strata.counts["rare"][strata.best(rule)].tolist()
        ([13, 0, 7], [14, 2, 4])
        """
        train, validation = part_limits(rule)
        shares = np.array([train, validation - train, 1.0 - validation])
        cost = np.zeros(CANDIDATES)
        for label in sorted(self.counts):
            counts = self.counts[label]
            expected = counts[0].sum() * shares
            cost += np.square((counts - expected) / expected).sum(axis=1)
        return int(np.argmin(np.round(cost, 9)))


def carried_salt(earlier: Mapping[str, Any] | None, identity: Mapping[str, Any]) -> int | None:
    """Return the salt of an earlier snapshot if rows are dealt as they were then, else None.

    Parameters
    ----------
    earlier, identity : mapping
        How rows were dealt, and are dealt now, as `headrace.ml.recency.rule_identity` writes it.

    Examples
    --------
    >>> now = {"by": "stratified", "seed": 7, "salt": None}
    >>> carried_salt({**now, "salt": 12}, now), carried_salt({**now, "seed": 8, "salt": 12}, now)
    (12, None)
    """
    if earlier is None or earlier.get("salt") is None:
        return None
    return int(earlier["salt"]) if {**earlier, "salt": None} == {**identity, "salt": None} else None
