"""The way of one shard's records to one function: in order, one batch at a time."""

from __future__ import annotations

import threading
import time
from collections import deque
from collections.abc import Callable, Sequence
from typing import Protocol

from local_cloud.streams.batches import (
    LONGEST_AGE,
    MOST_RETRIES,
    Batch,
    Options,
    Result,
    exhausted,
    left_over,
    too_old,
)
from local_cloud.streams.shard import Record

_POLL_S = 0.1
_FIRST_PAUSE_S, _LONGEST_PAUSE_S = 0.5, 10.0


class Source(Protocol):
    """Where records come from."""

    def read(self, limit: int) -> list[Record]:
        """Return records that have not been read."""
        ...


class Mapping(Protocol):
    """What a lane needs of its event source mapping."""

    def options(self) -> Options:
        """Return how to read, as it is set now."""
        ...

    def call(self, records: Sequence[Record]) -> Result:
        """Hand records to the function."""
        ...

    def discard(self, batch: Batch, condition: str) -> None:
        """Report records that are given up."""
        ...

    def advance(self, sequence_number: str) -> None:
        """Remember that all up to here is done."""
        ...


class Lane:
    """Reads, calls, and decides what comes next, until it is told to stop."""

    def __init__(self, source: Source, mapping: Mapping, *, clock: Callable[[], float] = time.time) -> None:
        self._source, self._mapping, self._clock = source, mapping, clock
        self._stop = threading.Event()

    def stop(self) -> None:
        """End after the batch that is under way."""
        self._stop.set()

    def run(self) -> None:
        """Go on until stopped."""
        while not self._stop.is_set():
            if not self.step():
                self._stop.wait(_POLL_S)

    def step(self) -> bool:
        """Bring what is there to its end: done, or given up; False if nothing is there."""
        records = self._gather()
        if not records:
            return False
        waiting = deque([Batch(tuple(records))])
        while waiting and not self._stop.is_set():
            self._bring_on(waiting)
        return True

    def _gather(self) -> list[Record]:
        """Read until the batch is full or its window is over."""
        options = self._mapping.options()
        records = self._source.read(options.batch_size)
        until = self._clock() + options.window_s
        while records and len(records) < options.batch_size and (left := until - self._clock()) > 0:
            if self._stop.wait(min(_POLL_S, left)):
                break
            records += self._source.read(options.batch_size - len(records))
        return records

    def _bring_on(self, waiting: deque[Batch]) -> None:
        options = self._mapping.options()
        old, batch = too_old(waiting.popleft(), options, self._clock())
        self._give_up(old, LONGEST_AGE)
        if not batch.records:
            return
        left = left_over(batch, self._mapping.call(batch.records), options)
        done = batch.records[: len(batch.records) - sum(len(part.records) for part in left)]
        if done:
            self._mapping.advance(done[-1].sequence_number)
        if left and exhausted(left[0], options):
            self._give_up(left.pop(0), MOST_RETRIES)
        waiting.extendleft(reversed(left))
        if left and left[0].retries > batch.retries:
            self._stop.wait(min(_FIRST_PAUSE_S * 2**batch.retries, _LONGEST_PAUSE_S))

    def _give_up(self, batch: Batch, condition: str) -> None:
        if batch.records:
            self._mapping.discard(batch, condition)
            self._mapping.advance(batch.records[-1].sequence_number)
