"""Removes one person from everything that a pipeline stores, however often it is interrupted.

A plan is written first. Each step can be repeated: an object is replaced before its older versions are deleted, and the search
begins anew until nothing is found. The receipt comes last, and takes the place of the plan.
"""

from __future__ import annotations

import json
import re
from collections import Counter
from collections.abc import Callable, Collection, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from functools import partial
from typing import TYPE_CHECKING, Any

from headrace.aws.artifacts import Artifacts
from headrace.aws.privacy import ErasedPeople
from headrace.aws.versioned_objects import VersionedObject, VersionedObjects
from headrace.ml.privacy.person import Person
from headrace.ml.privacy.removal import Found, found_in

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client

OWN = "privacy/"
"""Where plans and receipts lie, in the artifacts bucket."""

_MODELS = ".tar.gz"  # what was learnt, and no rows
_DROPPED = ("incoming/", "batch/", "feedback/")
_ROUNDS = 5
_AT_ONCE = 8
_SHORT = 32
_DIGITS = len("20260131120000")

Progress = Callable[[str], None]


class StillThereError(Exception):
    """Something about the person keeps coming; the text says what to do."""


@dataclass(frozen=True)
class Hit:
    """An object that holds something of the person.

    Parameters
    ----------
    item : VersionedObject
        Which.
    found : dict of str to Found
        By version.
    """

    item: VersionedObject
    found: dict[str, Found]

    @property
    def name(self) -> str:
        """Its URI."""
        return f"s3://{self.item.bucket}/{self.item.key}"


@dataclass
class Plan:
    """How far an erasure has come; is kept in S3 until it is done.

    Parameters
    ----------
    person : str
        The keyed hash of the subject.
    begun_at : str
        ISO 8601, UTC.
    rows : list of str
        Ids of the person's rows; the only personal data in it.
    objects : dict of str to dict
        By URI: how many versions hold something, and how many rows in the newest that does.
    snapshots : list of str
        That hold rows of the person.
    """

    person: str
    begun_at: str
    rows: list[str] = field(default_factory=list)
    objects: dict[str, dict[str, int]] = field(default_factory=dict)
    snapshots: list[str] = field(default_factory=list)

    def note(self, hit: Hit) -> None:
        """Write down what is to be removed, before it is; doing so again counts nothing twice."""
        rows = max(len(found.records) for found in hit.found.values())
        broken = max(found.broken for found in hit.found.values())
        before = self.objects.get(hit.name, {})
        counted = {"versions": len(hit.found), "rows": rows, "broken_rows": broken}
        self.objects[hit.name] = {name: max(count, before.get(name, 0)) for name, count in counted.items()}
        if hit.item.key.startswith("snapshots/"):
            self.snapshots = sorted({*self.snapshots, hit.item.key.split("/")[1]})


class Search:
    """Finds a person in all versions of all objects.

    Parameters
    ----------
    client : S3Client
        May list and read versions.
    buckets : sequence of str
        The data bucket and the artifacts bucket.
    """

    def __init__(self, client: S3Client, buckets: tuple[str, ...]) -> None:
        self.objects, self._buckets = VersionedObjects(client), buckets

    def completed(self, person: Person, key: bytes) -> Person:
        """Return the person with the ids of the rows that name them: other tables name nothing else of a row."""
        ids = {id for hit in self.hits(person) for found in hit.found.values() for id in found.ids}
        return person.with_rows(ids, key)

    def hits(self, person: Person) -> Iterator[Hit]:
        """Yield the objects that hold something of the person."""
        with ThreadPoolExecutor(_AT_ONCE) as readers:
            for bucket in self._buckets:
                listed = (item for item in self.objects.below(bucket) if _is_searched(item))
                yield from (hit for hit in readers.map(partial(self._look, person), listed) if hit)

    def _look(self, person: Person, item: VersionedObject) -> Hit | None:
        found = {version: self._found(person, item, version) for version in item.versions}
        present = {version: what for version, what in found.items() if what}
        return Hit(item, present) if present else None

    def _found(self, person: Person, item: VersionedObject, version: str) -> Found | None:
        body = self.objects.read(item, version)
        if not body:
            return None
        dropped = item.key.startswith(_DROPPED) or item.key.endswith("/original")
        return found_in(body, person, dropped=dropped)


def _is_searched(item: VersionedObject) -> bool:
    return bool(item.versions) and not item.key.startswith(OWN) and not item.key.endswith(_MODELS)


@dataclass(frozen=True)
class Erasure:
    """The erasure of one person from one pipeline.

    Parameters
    ----------
    person : Person
        Who, as far as the name tells.
    name : str
        The keyed hash of it.
    key : bytes
        Of the hashes.
    search : Search
        Finds them.
    people : ErasedPeople
        The list that ingestion looks at.
    artifacts, bucket : Artifacts and str
        Where plan and receipt are.
    taken : callable
        Returns key and version of every dropped file that somebody has begun with; what is left of others is new data.
    refuse_while_training : callable
        Raises if a training runs: asked again at the end, because one may have begun meanwhile.
    mark_models : callable
        Is given the snapshots that held the person, marks the models that were trained on them, and returns their versions.
    train : callable
        Asks for a training, once for one name, and returns the execution.
    """

    person: Person
    name: str
    key: bytes
    search: Search
    people: ErasedPeople
    artifacts: Artifacts
    bucket: str
    taken: Callable[[], Collection[tuple[str, str]]]
    refuse_while_training: Callable[[], None]
    mark_models: Callable[[list[str], str], list[int]]
    train: Callable[[str], str]

    @property
    def folder(self) -> str:
        """Where plan and receipt are."""
        return f"{OWN}erasures/{self.name[-_SHORT:]}/"

    def receipt_key(self, begun_at: str) -> str:
        """Where the receipt of an erasure is that began then: a later one of the same person has its own."""
        return f"{self.folder}receipt-{_digits(begun_at)}.json"

    def run(self, now: str, *, train: bool, progress: Progress) -> dict[str, Any]:
        """Erase the person, and return the receipt.

        Raises
        ------
        StillThereError
            If the search goes on finding something.
        """
        self.people.add(self.name, now)
        plan = self._plan(now)
        person = self.person.with_rows(plan.rows, self.key)
        for _ in range(_ROUNDS):
            progress("searching all versions of all objects")
            is_clean, taken = True, self.taken()
            for hit in self.search.hits(person):
                is_clean = False
                self._remove(hit, plan, taken, progress)
            if is_clean:
                return self._receipt(plan, now, train=train)
        raise StillThereError(
            "rows of the person keep coming: stop what writes them, and give the command again"
        )

    def _plan(self, now: str) -> Plan:
        """Go on with the plan of a run that was interrupted, or make one."""
        known = self.artifacts.load(f"{self.folder}plan.json")
        if known is not None:
            return Plan(**known)
        complete = self.search.completed(self.person, self.key)
        plan = Plan(self.name, now, sorted(complete.rows - self.person.rows))
        self._save(plan)
        return plan

    def _save(self, plan: Plan) -> None:
        self.artifacts.store(f"{self.folder}plan.json", vars(plan))

    def _remove(self, hit: Hit, plan: Plan, taken: Collection[tuple[str, str]], progress: Progress) -> None:
        plan.note(hit)
        self._save(plan)
        progress(f"removing from {hit.name}")
        is_new = hit.item.key.startswith(_DROPPED) and (hit.item.key, hit.item.live) not in taken
        remove(self.search.objects, hit, plan.begun_at, is_new=is_new)

    def _receipt(self, plan: Plan, now: str, *, train: bool) -> dict[str, Any]:
        self.refuse_while_training()
        models = self.mark_models(plan.snapshots, now)
        # The plan outlives a crash, and with it the name: another erasure of the same person is another training.
        name = f"erasure-{self.name[-_SHORT:]}-{_digits(plan.begun_at)}"
        execution = self.train(name) if train and models else None
        receipt = {
            **described(plan),
            "finished_at": now,
            "models": models,
            "training": execution,
        }
        self.artifacts.store(self.receipt_key(plan.begun_at), receipt)
        for item in self.search.objects.below(self.bucket, f"{self.folder}plan.json"):
            self.search.objects.delete(item, (*item.versions, *item.markers))
        return receipt


def _digits(moment: str) -> str:
    """Return a moment to the second, as a name takes it.

    Examples
    --------
    >>> _digits("2026-01-31T12:00:00+00:00")
    '20260131120000'
    """
    return re.sub(r"\D", "", moment)[:_DIGITS]


def described(plan: Plan) -> dict[str, Any]:
    """Return what a receipt says of a plan: counts and places, no id of a row."""
    folders: Counter[str] = Counter()
    for uri, counts in plan.objects.items():
        folders[uri.removeprefix("s3://").split("/")[1]] += counts["rows"]
    return {
        "person": plan.person,
        "begun_at": plan.begun_at,
        "objects": len(plan.objects),
        "versions_removed": sum(counts["versions"] for counts in plan.objects.values()),
        "broken_rows_removed": sum(counts["broken_rows"] for counts in plan.objects.values()),
        "rows_by_folder": dict(folders),
        "places": dict(sorted(plan.objects.items())),
        "snapshots": plan.snapshots,
    }


def remove(objects: VersionedObjects, hit: Hit, at: str, *, is_new: bool = False) -> None:
    """Remove the person from one object; after a crash anywhere in it, doing it again ends the same."""
    item, live = hit.item, hit.item.live
    clean = [version for version in item.versions if version not in hit.found]
    if live in hit.found:
        rest = hit.found[live].rest
        if rest is not None:
            objects.replace(item, rest, at, is_new=is_new)
        elif clean:
            objects.hide(item)
    objects.delete(item, tuple(hit.found))
    if not clean and live is None:
        objects.delete(item, item.markers)


Restore = Callable[[dict[str, Any]], dict[str, Any]]


def as_json_lines(hits: Iterator[Hit], restore: Restore = dict) -> Iterator[str]:
    """Yield what is stored of a person, a line for each record, with where it is.

    A record that several versions of an object have is told once. What `restore` makes of it is written: the record itself,
    or the one with its encrypted cells as they were.
    """
    for hit in hits:
        told: set[str] = set()
        for version, found in hit.found.items():
            for record in found.records:
                text = json.dumps(restore(record), default=str, sort_keys=True)
                if text not in told:
                    told.add(text)
                    where = {"place": hit.name, "version": version}
                    yield json.dumps({**where, "record": json.loads(text)}) + "\n"
