"""Tells whether a stored chain is what was written, and if not, where and how it differs."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any, Literal

from headrace.ml.audit.chain import BrokenEntryError, Entry, Head, read_entry, stored_head

Kind = Literal["altered", "missing", "moved", "forked", "hidden", "truncated"]


@dataclass(frozen=True)
class Finding:
    """Something that is not as it was written.

    Parameters
    ----------
    number : int
        Place in the chain, from 1.
    kind : {"altered", "missing", "moved", "forked", "hidden", "truncated"}
        ``altered``: the bytes are others. ``missing``: nothing is there. ``moved``: the entry of another place is there. ``forked``:
        it follows another entry than the one before it, or two were written for one place. ``hidden``: a delete marker covers it.
        ``truncated``: the chain ends before the head that was kept.
    says : str
        For people.
    """

    number: int
    kind: Kind
    says: str


@dataclass(frozen=True)
class Place:
    """What is stored for one number.

    Parameters
    ----------
    versions : tuple of bytes
        All of them that are stored, the newest first; usually one.
    hidden : bool
        Whether a delete marker covers them.
    """

    versions: tuple[bytes, ...]
    hidden: bool = False


@dataclass(frozen=True)
class Verdict:
    """What a verification has found.

    Parameters
    ----------
    entries : int
        Places that hold something.
    head : Head
        The end of what is stored.
    anchored : int or None
        Number of the head that was kept elsewhere, which the chain agrees with or not; None if there was none.
    findings : tuple of Finding
        Empty if everything is as it was written.
    """

    entries: int
    head: Head
    anchored: int | None
    findings: tuple[Finding, ...]

    @property
    def intact(self) -> bool:
        """Whether nothing was found."""
        return not self.findings

    def as_dict(self) -> dict[str, Any]:
        """Return plain values."""
        return {**asdict(self), "findings": [asdict(each) for each in self.findings], "intact": self.intact}


def verify(places: Mapping[int, Place], origin: Head, anchors: Sequence[Head] = ()) -> Verdict:
    """Recompute a chain and compare it with what is stored, and with heads that were kept elsewhere.

    Parameters
    ----------
    places : mapping of int to Place
        What is stored, by number; 0 is whatever is no entry by its name.
    origin : Head
        What the first entry is chained to.
    anchors : sequence of Head
        Ends that the chain had at some time, as others have kept them.

    Returns
    -------
    Verdict
        With a finding for each place that is not as it was written, in order.
    """
    last = max(places, default=0)
    foreign = "objects that are no entries lie among them"
    findings = [Finding(0, "moved", foreign)] if 0 in places else []
    before, sure = origin, True
    heads: dict[int, Head] = {0: origin}
    for number in range(1, last + 1):
        place = places.get(number, Place(()))
        findings += _of_place(number, place)
        entry = _entry(number, place)
        if entry is not None and sure and entry.previous != before.hash:
            findings.append(
                Finding(
                    number, "forked", f"it follows another entry {number - 1} than the one that is stored"
                )
            )
        # Behind a place that is broken nobody can tell what the next one had to follow.
        sure = entry is not None
        before = entry.head if entry else _broken_head(number, place)
        heads[number] = before
    newest = max((anchor.number for anchor in anchors), default=None)
    findings += [found for anchor in anchors for found in _against(anchor, last, heads)]
    return Verdict(len(places), before, newest, tuple(sorted(set(findings), key=lambda each: each.number)))


def _of_place(number: int, place: Place) -> Iterator[Finding]:
    if not place.versions:
        yield Finding(number, "missing", "nothing is stored for it")
        return
    if place.hidden:
        yield Finding(number, "hidden", "somebody has deleted it; its version is still there")
    if len(place.versions) > 1:
        yield Finding(
            number, "forked", f"{len(place.versions)} versions are stored, and nobody writes a second one"
        )
    for stored in place.versions:
        try:
            entry = read_entry(stored)
        except BrokenEntryError as error:
            yield Finding(number, "altered", str(error))
            continue
        if entry.number != number:
            yield Finding(number, "moved", f"entry {entry.number} is stored here")


def _entry(number: int, place: Place) -> Entry | None:
    """Return the entry that was written first, if it is whole and belongs here."""
    if not place.versions:
        return None
    try:
        entry = read_entry(place.versions[-1])
    except BrokenEntryError:
        return None
    return entry if entry.number == number else None


def _broken_head(number: int, place: Place) -> Head:
    return stored_head(number, place.versions[-1]) if place.versions else Head(number, "")


def _against(anchor: Head, last: int, heads: Mapping[int, Head]) -> Iterator[Finding]:
    if anchor.number > last:
        yield Finding(
            last + 1,
            "truncated",
            f"the chain ends with {last}, and its head was {anchor.number} once: entries are gone",
        )
    elif heads[anchor.number].hash != anchor.hash:
        yield Finding(
            anchor.number,
            "altered",
            "its hash is not the one that was kept elsewhere: it, or what is before it, is another",
        )
