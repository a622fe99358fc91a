"""Entries of an audit ledger, each chained to the one before by its hash.

The hash of an entry is the SHA-256 of its canonical JSON, in which the hash of the entry before is a field. Whoever changes, removes
or moves an entry would have to change all that follow, and the head that is kept elsewhere.

References
----------
.. [1] S. Haber and W. S. Stornetta (1991), "How to time-stamp a digital document", Journal of Cryptology 3, 99-111: linking.
.. [2] RFC 8785, "JSON Canonicalization Scheme": sorted members, no white space. Texts are ASCII here, with escapes.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from typing import Any

FORMAT = 1
"""Of an entry; another number says that its fields mean something else."""

_MEMBERS = ("about", "at", "by", "event", "format", "hash", "id", "number", "previous")
_HEX, _SHA256_DIGITS = frozenset("0123456789abcdef"), 64


class BrokenEntryError(ValueError):
    """Stored bytes are no entry as one is written, or its hash is not that of its content; the text says which."""


@dataclass(frozen=True)
class Record:
    """What happened, before it has its place in a ledger.

    Parameters
    ----------
    id : str
        Of the happening: what is recorded twice under one id happened once.
    at : str
        When, ISO 8601, UTC.
    event : str
        What, such as ``approved``.
    by : str
        Who or what did it: an ARN of IAM or STS, an execution, the gate.
    about : mapping of str to plain values
        What it was done to, and why. No personal data but who did it.
    """

    id: str
    at: str
    event: str
    by: str
    about: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True)
class Head:
    """The end of a chain, to which the next entry is chained.

    Parameters
    ----------
    number : int
        Of the last entry; 0 before any.
    hash : str
        Its hash, in hexadecimal digits.
    """

    number: int
    hash: str


@dataclass(frozen=True)
class Entry:
    """One entry.

    Parameters
    ----------
    number : int
        Its place, from 1 on without gaps.
    record : Record
        What happened.
    previous : str
        Hash of the entry before.
    hash : str
        Its own.
    """

    number: int
    record: Record
    previous: str
    hash: str

    @property
    def head(self) -> Head:
        """The end of the chain, if this entry is the last."""
        return Head(self.number, self.hash)

    def as_dict(self) -> dict[str, Any]:
        """Return it as it is stored."""
        return {**_content(self.number, self.record, self.previous), "hash": self.hash}

    def as_bytes(self) -> bytes:
        """Return the bytes that are stored, and no others are taken for this entry."""
        return canonical(self.as_dict())


def origin(ledger: str) -> Head:
    """Return what the first entry of a ledger is chained to, so that no ledger passes for another.

    Examples
    --------
    >>> origin("bike").number, origin("bike").hash == origin("rides").hash
    (0, False)
    """
    return Head(0, hashlib.sha256(f"headrace audit ledger of {ledger}".encode()).hexdigest())


def chained(record: Record, head: Head) -> Entry:
    """Return the entry that comes after `head`.

    Examples
    --------
    >>> first = chained(Record("a", "2026-01-31T10:00:00+00:00", "approved", "arn:ann", {"version": 4}), origin("bike"))
    >>> second = chained(Record("b", "2026-01-31T10:05:00+00:00", "deployed", "approval"), first.head)
    >>> second.number, second.previous == first.hash
    (2, True)
    """
    number = head.number + 1
    return Entry(number, record, head.hash, _digest(_content(number, record, head.hash)))


def read_entry(stored: bytes) -> Entry:
    """Read an entry as it was stored; every byte counts.

    Raises
    ------
    BrokenEntryError
        If it was not written so, or its hash is another.

    Examples
    --------
    >>> stored = chained(Record("a", "2026-01-31T10:00:00+00:00", "approved", "arn:ann"), origin("bike")).as_bytes()
    >>> read_entry(stored).record.event
    'approved'
    >>> read_entry(stored.replace(b"ann", b"bob"))
    Traceback (most recent call last):
    headrace.ml.audit.chain.BrokenEntryError: its hash is not that of its content
    """
    try:
        found = json.loads(stored)
    except (ValueError, RecursionError):
        raise BrokenEntryError("it is not JSON") from None
    if not isinstance(found, dict) or tuple(sorted(found)) != _MEMBERS or found["format"] != FORMAT:
        raise BrokenEntryError("it has not the members of an entry")
    texts = [found[name] for name in ("at", "by", "event", "hash", "id", "previous")]
    if not all(isinstance(text, str) for text in texts) or not isinstance(found["about"], dict):
        raise BrokenEntryError("a member is of another kind")
    if type(found["number"]) is not int or not (_is_hash(found["hash"]) and _is_hash(found["previous"])):
        raise BrokenEntryError("its number or a hash is none")
    try:
        intact = canonical(found) == stored
    except ValueError:
        intact = False
    if not intact:
        raise BrokenEntryError("it is written otherwise than entries are")
    record = Record(**{name: found[name] for name in ("id", "at", "event", "by", "about")})
    if _digest(_content(found["number"], record, found["previous"])) != found["hash"]:
        raise BrokenEntryError("its hash is not that of its content")
    return Entry(found["number"], record, found["previous"], found["hash"])


def stored_head(number: int, stored: bytes) -> Head:
    """Return what the next entry is chained to: the hash of the stored one, or of its bytes if it is broken.

    What happens has to be written down behind a broken entry, too; who verifies the chain sees both.
    """
    try:
        return Head(number, read_entry(stored).hash)
    except BrokenEntryError:
        return Head(number, hashlib.sha256(stored).hexdigest())


def canonical(document: Mapping[str, Any]) -> bytes:
    """Return a document as the one sequence of bytes that stands for it.

    Examples
    --------
    >>> canonical({"b": 1, "a": [True, None]})
    b'{"a":[true,null],"b":1}'
    """
    return json.dumps(document, sort_keys=True, separators=(",", ":"), allow_nan=False).encode()


def _content(number: int, record: Record, previous: str) -> dict[str, Any]:
    return {
        "format": FORMAT,
        "number": number,
        **asdict(record),
        "about": dict(record.about),
        "previous": previous,
    }


def _digest(content: Mapping[str, Any]) -> str:
    return hashlib.sha256(canonical(content)).hexdigest()


def _is_hash(text: str) -> bool:
    return len(text) == _SHA256_DIGITS and _HEX.issuperset(text)
