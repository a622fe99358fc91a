"""Reads captured objects: each request once, and what cannot be read is counted."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Set
from dataclasses import dataclass, field

from headrace.aws.capture import Capture, CaptureError, parse_capture
from headrace.aws.predictions import digest_of


@dataclass
class Requests:
    """The requests of one portion of captured objects.

    Parameters
    ----------
    recorded : set of int
        Digests of the requests that were recorded before.
    unreadable : int
        Lines that are no capture records.
    duplicates : int
        Records that were delivered a second time.
    """

    recorded: Set[int]
    unreadable: int = 0
    duplicates: int = 0
    _found: dict[int, Capture] = field(default_factory=dict)

    def add(self, bodies: Iterable[bytes]) -> None:
        """Add the records of captured objects."""
        for line in _lines(bodies):
            try:
                self._add(parse_capture(line))
            except CaptureError:
                self.unreadable += 1

    def _add(self, capture: Capture) -> None:
        digest = digest_of(capture.event_id)
        if digest in self._found or digest in self.recorded:
            self.duplicates += 1
        else:
            self._found[digest] = capture

    @property
    def captures(self) -> list[Capture]:
        """The requests, in the order of their time."""
        return sorted(self._found.values(), key=lambda capture: capture.time)

    @property
    def digests(self) -> Set[int]:
        """Digests of the requests."""
        return self._found.keys()


def _lines(bodies: Iterable[bytes]) -> Iterator[bytes]:
    for body in bodies:
        yield from (line for line in body.splitlines() if line.strip())
