"""Which ids a file may have, in ten bits for each.

References
----------
.. [1] B. H. Bloom (1970), "Space/time trade-offs in hash coding with allowable errors", Communications of the ACM 13, 422-426.
.. [2] A. Kirsch and M. Mitzenmacher (2008), "Less hashing, same performance: building a better Bloom filter", Random
       Structures & Algorithms 33, 187-218: two hashes stand for all.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np

from headrace.ml.arrays import Ints

_BITS_OF_AN_ID, _HASHES, _LEAST_BITS = 10, 4, 64
_DIGEST_BYTES = 16


@dataclass(frozen=True)
class IdFilter:
    """A set of ids that never says no of one that is in it, and says perhaps of about one in eighty that are not.

    Parameters
    ----------
    bits : bytes
        Eight in each byte, the lowest first.
    """

    bits: bytes

    @classmethod
    def of(cls, ids: Iterable[str]) -> IdFilter:
        """Return the filter of some ids.

        Examples
        --------
        >>> known = IdFilter.of(f"ask-{number}" for number in range(1000))
        >>> len(known.bits), known.may_have("ask-7"), known.may_have("nobody")
        (1250, True, False)
        """
        distinct = sorted(set(ids))
        size = max(_LEAST_BITS, -(-_BITS_OF_AN_ID * len(distinct) // 8) * 8)
        flags = np.zeros(size, np.bool_)
        flags[_places(distinct, size).ravel()] = True
        return cls(np.packbits(flags, bitorder="little").tobytes())

    def may_have(self, id: str) -> bool:
        """Tell whether an id may be in the set."""
        places = _places([id], 8 * len(self.bits))[0].tolist()
        return all(self.bits[place // 8] >> place % 8 & 1 for place in places)


def _places(ids: list[str], size: int) -> Ints:
    """Return the bits of each id: an array of shape (n_ids, hashes)."""
    digests = b"".join(hashlib.blake2b(id.encode(), digest_size=_DIGEST_BYTES).digest() for id in ids)
    halves = np.frombuffer(digests, ">u8").reshape(len(ids), 2).astype(np.uint64)
    steps = np.arange(_HASHES, dtype=np.uint64)
    # Sums wrap around, which is as good a hash.
    mixed = halves[:, :1] + steps * (halves[:, 1:] | np.uint64(1))
    return (mixed % np.uint64(size)).astype(np.int64)
