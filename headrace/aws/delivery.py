"""Batches of which AWS may take a part: what was not taken is sent again."""

from __future__ import annotations

import random
import time
from collections.abc import Callable, Iterator, Sequence
from typing import TypeVar

Entry = TypeVar("Entry")
Send = Callable[[list[Entry]], list[Entry]]

_ATTEMPTS = 5
_FIRST_PAUSE_S = 0.1


class DeliveryError(Exception):
    """The target does not take entries at the moment; the text says which target, and how many are left."""


def deliver_all(
    entries: Sequence[Entry], send: Send[Entry], *, target: str, sleep: Callable[[float], object] = time.sleep
) -> None:
    """Send `entries`, and what `send` returns as not taken again, with growing pauses.

    Parameters
    ----------
    entries : sequence
        At most as many as one request may have.
    send : callable
        Sends a list, and returns the part of it that was not taken.
    target : str
        For the error's text.

    Raises
    ------
    DeliveryError
        If some are still left after five attempts, about three seconds.

    Examples
    --------
    >>> deliver_all(["a", "b"], lambda entries: ["b"], target="the stream", sleep=lambda seconds: None)
    Traceback (most recent call last):
    headrace.aws.delivery.DeliveryError: the stream did not take 1 of 2 entries in 5 attempts
    """
    left = list(entries)
    for attempt in range(_ATTEMPTS):
        if attempt:
            sleep(_FIRST_PAUSE_S * 2**attempt * random.uniform(0.5, 1))
        left = send(left)
        if not left:
            return
    raise DeliveryError(
        f"{target} did not take {len(left)} of {len(entries)} entries in {_ATTEMPTS} attempts"
    )


def packed(
    entries: Sequence[Entry], size_of: Callable[[Entry], int], *, most: int, most_bytes: int
) -> Iterator[list[Entry]]:
    """Cut `entries`, in their order, into requests of at most `most` entries and `most_bytes` bytes.

    An entry that is larger by itself makes a request of its own.

    Examples
    --------
    >>> list(packed(["aa", "bb", "c", "dddd"], len, most=2, most_bytes=4))
    [['aa', 'bb'], ['c'], ['dddd']]
    """
    request: list[Entry] = []
    size = 0
    for entry in entries:
        if request and (len(request) == most or size + size_of(entry) > most_bytes):
            yield request
            request, size = [], 0
        request.append(entry)
        size += size_of(entry)
    if request:
        yield request
