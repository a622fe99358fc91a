"""Reads what both models have answered since the last look, from the endpoint's captured requests."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Protocol

import numpy as np

from headrace.aws.capture import Capture, CaptureError, parse_capture
from headrace.aws.capture_window import StoredObject, take
from headrace.aws.captured_batches import Layout, read_batches
from headrace.ml.batch.inference_ids import FORM
from headrace.ml.captured_cells import typed_cells
from headrace.ml.profile import Profile, merge_profiles
from headrace.ml.release.shift import Stratum, profile_answers
from lambdas.judge_release.memory import Memory, Reading
from lambdas.judge_release.pairing import Pairing
from lambdas.judge_release.release import Release

MOST_BYTES = 256 * 2**20
"""Captured data of one model that one look reads, some 700,000 requests; of more an even choice of objects."""

_CHUNK_BYTES, _CHUNK_OBJECTS = 16 * 2**20, 1000
_HOUR = timedelta(hours=1)
_OF_A_FILE = re.compile(FORM)


class Captured(Protocol):
    """What is needed of the captured requests."""

    def list_objects(self, variant: str, first_hour: str) -> list[StoredObject]:
        """Return the objects of a variant from a partition on."""
        ...

    def read(self, keys: Sequence[str]) -> Iterator[bytes]:
        """Yield objects."""
        ...


@dataclass(frozen=True)
class Answer:
    """What one request was answered.

    Parameters
    ----------
    time : datetime
        When.
    request : str
        Tells requests apart by what they ask: a copy of a request has the same.
    labels : list of str or None
        Row by row.
    scores : list of float
        Row by row.
    """

    time: datetime
    request: str
    labels: list[str | None]
    scores: list[float]


@dataclass
class _Read:
    """What one look reads of one model."""

    reading: Reading
    profiles: dict[str, list[Profile]]


def read_answers(
    release: Release,
    memory: Memory,
    captured: Captured,
    bins: Profile,
    classes: tuple[str, ...],
    thresholds: Mapping[str, float],
) -> Memory:
    """Return the memory with what was captured since.

    Parameters
    ----------
    bins : Profile
        In which answers are counted.
    classes : tuple of str
        The labels, sorted; empty in a regression.
    thresholds : mapping of str to float
        By variant: of two labels, the probability from which the second one is answered.
    """
    pairing = Pairing.of(memory, bins) if release.strategy == "shadow" else None
    reader = _Reader(release, memory, captured, bins, classes, thresholds, pairing)
    champion = reader.read("champion", release.champion, memory.champion)
    challenger = reader.read("challenger", release.challenger, memory.challenger)
    strata = tuple(
        stratum.add(*(_together(part.profiles.get(stratum.since, [])) for part in (champion, challenger)))
        for stratum in memory.strata
    )
    read = replace(memory, champion=champion.reading, challenger=challenger.reading, strata=strata)
    return read if pairing is None else replace(read, agreement=pairing.agreement, unpaired=pairing.waiting())


@dataclass(frozen=True)
class _Reader:
    release: Release
    memory: Memory
    captured: Captured
    bins: Profile
    classes: tuple[str, ...]
    thresholds: Mapping[str, float]
    pairing: Pairing | None

    def read(self, role: str, variant: str, before: Reading) -> _Read:
        """Read the objects of one model that are new, some at a time."""
        first = max(before.checkpoint.first_hour(), f"{self.release.began_at - _HOUR:%Y/%m/%d/%H}")
        new = before.checkpoint.after(self.captured.list_objects(variant, first))
        chosen = _evenly(new, MOST_BYTES)
        found = _Read(
            replace(
                before,
                checkpoint=before.checkpoint.advanced(new),
                left_out=before.left_out + len(new) - len(chosen),
            ),
            {},
        )
        while chosen:
            chunk = take(chosen, max_bytes=_CHUNK_BYTES, max_objects=_CHUNK_OBJECTS)
            chosen = chosen[len(chunk) :]
            self._add(role, variant, found, [item.key for item in chunk])
        return found

    def _add(self, role: str, variant: str, found: _Read, keys: Sequence[str]) -> None:
        answers, unreadable = self._answers(variant, keys)
        rows = sum(len(answer.labels) for answer in answers)
        found.reading = replace(
            found.reading,
            requests=found.reading.requests + len(answers),
            rows=found.reading.rows + rows,
            unreadable=found.reading.unreadable + unreadable,
        )
        for stratum, members in _by_stratum(self.memory.strata, answers):
            found.profiles.setdefault(stratum.since, []).append(self._profile(members))
        if self.pairing is not None:
            for answer in answers:
                self.pairing.add(role, answer.request, answer.labels, answer.scores)
            self.pairing.compare()

    def _answers(self, variant: str, keys: Sequence[str]) -> tuple[list[Answer], int]:
        """Return the answers of this release in the order of time, and how many records could not be read."""
        captures: list[Capture] = []
        unreadable = 0
        for body in self.captured.read(keys):
            for line in body.splitlines():
                try:
                    captures += [parse_capture(line)] if line.strip() else []
                except CaptureError:
                    unreadable += 1
        began = datetime.fromisoformat(self.memory.strata[0].since)
        captures = [each for each in captures if each.time >= began and not _is_of_a_file(each)]
        captures.sort(key=lambda each: each.time)
        batches, misfits = read_batches(captures, Layout((), (), self.classes, self.thresholds.get(variant)))
        answers = [
            Answer(capture.time, _request(capture), found.predictions, found.scores)
            for batch in batches
            for capture, found in zip(batch.captures, batch.answers, strict=True)
        ]
        return answers, unreadable + misfits

    def _profile(self, answers: Sequence[Answer]) -> Profile:
        labels = [label for answer in answers for label in answer.labels]
        scores = np.array([score for answer in answers for score in answer.scores], dtype=np.float64)
        kind = self.bins.features[0].kind
        return profile_answers(self.bins, typed_cells(labels, kind).tolist(), scores)


def _by_stratum(
    strata: Sequence[Stratum], answers: Sequence[Answer]
) -> Iterator[tuple[Stratum, list[Answer]]]:
    """Yield the answers that belong to each of the strata, without those of before."""
    begins = [datetime.fromisoformat(stratum.since) for stratum in strata]
    ends = [*begins[1:], None]
    for stratum, begin, end in zip(strata, begins, ends, strict=True):
        members = [each for each in answers if each.time >= begin and (end is None or each.time < end)]
        if members:
            yield stratum, members


def _together(profiles: Sequence[Profile]) -> Profile | None:
    return merge_profiles(profiles) if profiles else None


def _is_of_a_file(capture: Capture) -> bool:
    """Tell whether rows of a dropped file were answered: chance does not send those to one of both models."""
    return capture.inference_id is not None and _OF_A_FILE.match(capture.inference_id) is not None


def _request(capture: Capture) -> str:
    """Return a digest of what was asked: what a copy shares with its original for sure."""
    asked = f"{capture.request.content_type}\n{capture.request.text}"
    return hashlib.blake2b(asked.encode(), digest_size=12).hexdigest()


def _evenly(objects: Sequence[StoredObject], most_bytes: int) -> list[StoredObject]:
    """Return all objects, or of too many so many that are evenly spread; at least one.

    Examples
    --------
    >>> from datetime import UTC
    >>> noon = datetime(2026, 1, 31, 12, tzinfo=UTC)
    >>> [item.key for item in _evenly([StoredObject(key, noon, 40) for key in "abcdef"], 120)]
    ['a', 'c', 'e']
    """
    total = sum(item.size_bytes for item in objects)
    if total <= most_bytes:
        return list(objects)
    count = max(1, int(len(objects) * most_bytes / total))
    return [objects[index * len(objects) // count] for index in range(count)]
