"""Finds rows of one part that are in another, too, without keeping the rows.

Of the training rows' hashes the 8,192 smallest are kept: a sample that is drawn by content, so that a row which occurs in both
parts is in it on both sides or on neither [1]_. What is kept of a hash are 32 bits.

References
----------
.. [1] Broder, A. (1997). On the resemblance and containment of documents. SEQUENCES '97.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any, Self

import numpy as np
import numpy.typing as npt
import pandas as pd

from headrace.ml.arrays import Hashes
from headrace.ml.rows import Columns
from headrace.ml.split import row_hashes

MOST_HASHES = 8_192
_LOW_BITS = np.uint64(0xFFFFFFFF)


@dataclass(frozen=True)
class RowSketch:
    """What is kept of rows.

    Parameters
    ----------
    upto : int
        The largest hash that was kept; rows beyond it are not known.
    low : ndarray of shape (n_hashes,)
        The lower 32 bits of the hashes that were kept, sorted.
    """

    upto: int
    low: npt.NDArray[np.uint32]

    @classmethod
    def of(cls, batches: Iterable[Hashes]) -> Self:
        """Keep what is needed of rows that come in batches."""
        kept: Hashes = np.empty(0, dtype=np.uint64)
        complete = True
        for hashes in batches:
            united = np.unique(np.concatenate([kept, hashes]))
            complete &= len(united) <= MOST_HASHES
            kept = united[:MOST_HASHES]
        upto = 2**64 - 1 if complete else int(kept[-1])
        return cls(upto, np.unique((kept & _LOW_BITS).astype(np.uint32)))

    def matches(self, hashes: Hashes) -> tuple[int, int]:
        """Return how many of these rows could be compared, and how many of them are among those of the sketch.

        Examples
        --------
        >>> rows = {"x": np.array([1.0, 2.0, 3.0])}
        >>> again = {"x": np.array([3.0, 4.0])}
        >>> RowSketch.of([feature_hashes(rows, ["x"])]).matches(feature_hashes(again, ["x"]))
        (2, 1)
        """
        compared = hashes[hashes <= np.uint64(self.upto)]
        return len(compared), int(np.isin((compared & _LOW_BITS).astype(np.uint32), self.low).sum())

    def as_dict(self) -> dict[str, Any]:
        """Return it as JSON has it."""
        return {"upto": f"{self.upto:016x}", "low": self.low.astype("<u4").tobytes().hex()}

    @classmethod
    def from_dict(cls, document: dict[str, Any]) -> Self:
        """Read what `as_dict` wrote."""
        low = np.frombuffer(bytes.fromhex(document["low"]), dtype="<u4").astype(np.uint32)
        return cls(int(document["upto"], 16), low)


def feature_hashes(columns: Columns, names: Sequence[str]) -> Hashes:
    """Return a hash of each row's features: the same for rows that a model cannot tell apart."""
    frame = pd.DataFrame({name: columns[name] for name in names}, copy=False)
    return row_hashes(frame, sorted(names))
