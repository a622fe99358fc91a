"""Finds rows whose id comes again later, in files of any length: 16 bytes a row on disk, one megabyte of rows in memory."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa

from headrace.ml.arrays import Hashes, Ints

_LANES = 2
_ROWS_AT_ONCE = 2**20
_LONGEST_ID = 4096  # bytes: a thousand characters
_COEFFICIENTS = np.random.default_rng(20260101).integers(
    1, 2**63, (_LANES, _LONGEST_ID), dtype=np.uint64
) | np.uint64(1)


class SeenIds:
    """The ids of a file's rows, in its order.

    Ids are compared by two 64-bit hashes (a random linear combination of their bytes [1]_): the chance that two of ten
    million different ids are taken for one is below 1 in 10 to the power of 18.

    Parameters
    ----------
    path : Path
        Where the hashes are kept.

    References
    ----------
    .. [1] Carter, J. L. and Wegman, M. N. (1979). Universal classes of hash functions. Journal of Computer and System
       Sciences 18.

    Examples
    --------
    >>> import tempfile
    >>> seen = SeenIds(Path(tempfile.mkdtemp()) / "ids")
    >>> seen.add(pa.chunked_array([["a", "b"]])), seen.add(pa.chunked_array([["a", "c", "a"]]))
    (None, None)
    >>> seen.earlier().tolist()
    [0, 2]
    """

    def __init__(self, path: Path) -> None:
        self._path = path
        self._rows = 0
        path.unlink(missing_ok=True)

    def add(self, ids: pa.ChunkedArray) -> None:
        """Note the ids of further rows; none may be missing."""
        with self._path.open("ab") as file:
            for chunk in ids.chunks:
                if len(chunk):
                    hashes(chunk).tofile(file)
        self._rows += len(ids)

    def earlier(self) -> Ints:
        """Return the places, from 0 and in order, of rows whose id comes again further down."""
        if not self._rows:
            return np.array([], dtype=np.int64)
        shares = -(-self._rows // _ROWS_AT_ONCE)
        found = [self._earlier_in(share, shares) for share in range(shares)]
        return np.sort(np.concatenate(found))

    def _earlier_in(self, share: int, shares: int) -> Ints:
        """Do so for the ids whose hash leaves `share` when it is divided by `shares`."""
        parts = [(chunk[mine], places[mine]) for chunk, places, mine in self._chunks(share, shares)]
        lanes, places = (np.concatenate([part[side] for part in parts]) for side in (0, 1))
        # Sorting numbers is quick, sorting their places is not: only those that come again need it.
        ordered = np.sort(lanes[:, 0])
        again = np.isin(lanes[:, 0], ordered[1:][ordered[1:] == ordered[:-1]])
        lanes, places = lanes[again], places[again]
        order = np.lexsort((places, lanes[:, 1], lanes[:, 0]))
        lanes, places = lanes[order], places[order]
        earlier: Ints = places[:-1][(lanes[:-1] == lanes[1:]).all(axis=1)]
        return earlier

    def _chunks(self, share: int, shares: int) -> Iterator[tuple[Any, Ints, Any]]:
        start = 0
        with self._path.open("rb") as file:
            while len(lanes := np.fromfile(file, np.uint64, _LANES * _ROWS_AT_ONCE)):
                chunk = lanes.reshape(-1, _LANES)
                yield chunk, np.arange(start, start + len(chunk)), chunk[:, 0] % np.uint64(shares) == share
                start += len(chunk)


def hashes(ids: pa.Array) -> np.ndarray[Any, np.dtype[np.uint64]]:
    """Return two 64-bit hashes of each id, as an array of shape (n_ids, 2). No id may be missing or empty.

    Examples
    --------
    >>> one, same, other = hashes(pa.array(["7", "7", "07"]))
    >>> (one == same).all(), (one == other).any()
    (np.True_, np.False_)
    """
    _, offset_buffer, data_buffer = ids.buffers()
    offsets = np.frombuffer(offset_buffer, np.int32)[ids.offset : ids.offset + len(ids) + 1]
    data = np.frombuffer(data_buffer, np.uint8)[offsets[0] : offsets[-1]].astype(np.uint64) + np.uint64(1)
    starts, lengths = (offsets[:-1] - offsets[0]).astype(np.int64), np.diff(offsets)
    places = (np.arange(len(data)) - np.repeat(starts, lengths)) % _LONGEST_ID
    lanes = [np.add.reduceat(data * coefficients[places], starts) for coefficients in _COEFFICIENTS]
    return np.stack([_mixed(lane) for lane in lanes], axis=1)


def _mixed(values: np.ndarray[Any, np.dtype[np.uint64]]) -> np.ndarray[Any, np.dtype[np.uint64]]:
    """Let every bit depend on every other, so that shares of the ids are of about one size."""
    values = (values ^ (values >> np.uint64(33))) * np.uint64(0xFF51AFD7ED558CCD)
    return values ^ (values >> np.uint64(33))


def comes_again(lanes: Hashes, parts: Ints, places: Ints) -> Ints:
    """Return which rows have an id that a later row has, too, when the rows of a file lie in many parts.

    Parameters
    ----------
    lanes : ndarray of shape (n_rows, 2)
        Hashes of the ids.
    parts, places : ndarray of shape (n_rows,)
        The part in which each row is, in the order of the file, and its place there.

    Returns
    -------
    ndarray
        Indices of the rows, in no order.

    Examples
    --------
    >>> ids = hashes(pa.array(["a", "b", "a"]))
    >>> comes_again(ids, np.array([1, 0, 0]), np.array([0, 0, 1])).tolist()
    [2]
    """
    order = np.lexsort((places, parts, lanes[:, 1], lanes[:, 0]))
    same = (lanes[order[:-1]] == lanes[order[1:]]).all(axis=1)
    found: Ints = order[:-1][same]
    return found


def strongest(repeats: Ints) -> Ints:
    """Return every place once, in order, with the first key by which its row comes again.

    Parameters
    ----------
    repeats : ndarray of shape (n, 2)
        Places, and the number of a key.

    Examples
    --------
    >>> strongest(np.array([[7, 1], [3, 1], [7, 0]])).tolist()
    [[3, 1], [7, 0]]
    """
    ordered = repeats[np.lexsort((repeats[:, 1], repeats[:, 0]))]
    _, first = np.unique(ordered[:, 0], return_index=True)
    found: Ints = ordered[first]
    return found
