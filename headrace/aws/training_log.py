"""What the ledger knows of trainings and deployments: who runs, what was learned last, what is in service."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any

from boto3.dynamodb.conditions import Attr, Key

from headrace.aws.conditional_put import delete_if, put_if
from headrace.aws.queried_items import query_items

if TYPE_CHECKING:
    from mypy_boto3_dynamodb.service_resource import Table

_TRAINING = "training"


@dataclass(frozen=True)
class Lock:
    """Who holds the right to train, or to deploy.

    Parameters
    ----------
    execution : str
        The execution's id.
    acquired_at : str
        ISO 8601, UTC.
    reason : str
        Why it runs.
    until : str
        When it is over at the latest, ISO 8601, UTC; empty if whoever asks for the lock knows that.
    """

    execution: str
    acquired_at: str
    reason: str
    until: str = ""


@dataclass(frozen=True)
class LastTraining:
    """How the last training ended.

    Parameters
    ----------
    execution : str
        The execution's id.
    started_at, finished_at : str
        ISO 8601, UTC.
    outcome : str
        ``registered``, ``kept_champion`` or ``failed``.
    why : str
        For people.
    retraining : bool
        Whether there was a model to replace; the cooldown counts from such trainings only.
    content_hash : str or None
        Of the last snapshot that was learned from.
    upto : str or None
        Sort key of the newest file in that snapshot.
    rows_seen : int
        Rows that the ledger counted when that snapshot was made.
    has_model : bool
        Whether this training, or one before it, registered a model.
    learned_from : str
        Which rows it learned from, for people.
    holdout, recent : str
        What the new model and the one in service were worth on the old holdout and on recent rows, for people.
    """

    execution: str
    started_at: str
    finished_at: str
    outcome: str
    why: str
    retraining: bool
    content_hash: str | None
    upto: str | None
    rows_seen: int
    has_model: bool
    learned_from: str = ""
    holdout: str = ""
    recent: str = ""


@dataclass(frozen=True)
class Champion:
    """The model in service.

    Parameters
    ----------
    version : int
        Of the model package.
    model_package_arn, model_data_url : str
        The package and its ``model.tar.gz``.
    variant : str
        ``v<version>``, the endpoint's production variant.
    deployed_at, approved_at : str
        ISO 8601, UTC.
    snapshot : str
        Content hash of the data it learned from.
    name : str
        Of its deployment: the model and the endpoint configuration; empty where an earlier release of Headrace wrote it.
    run : str
        Name of the training's jobs.
    signed : bool
        Whether its deployment has verified a signature.
    previous : mapping or None
        The champion before, in the same fields, whose deployment is kept: the way back. None if there is none.
    """

    version: int
    model_package_arn: str
    model_data_url: str
    variant: str
    deployed_at: str
    approved_at: str
    snapshot: str
    name: str = ""
    run: str = ""
    previous: Mapping[str, Any] | None = None
    signed: bool = False

    @property
    def way_back(self) -> Champion | None:
        """The champion before, if its deployment is kept."""
        return champion_of(self.previous) if self.previous else None

    def as_previous(self) -> dict[str, Any] | None:
        """Return what its successor remembers of it; None if nobody could go back to it."""
        return {**asdict(self), "previous": None} if self.name else None


def champion_of(item: Mapping[str, Any]) -> Champion:
    """Return a champion from the fields of an item, of which an earlier release of Headrace wrote fewer."""
    values: dict[str, Any] = {name: item[name] for name in Champion.__dataclass_fields__ if name in item}
    return Champion(**{**values, "version": int(values["version"])})


class TrainingLog:
    """The items ``training``, ``deployment`` and ``champion`` of the ledger table.

    Reads are consistent: the guard relies on seeing what was written before it asked.
    """

    def __init__(self, table: Table) -> None:
        self._table = table

    # --- single flight

    def acquire(self, kind: str, lock: Lock, *, stale_after: timedelta) -> Lock | None:
        """Take the lock of `kind` (``training``, ``deployment``); return None, or the lock of who holds it.

        A lock that is older than `stale_after`, and than what its holder asked for itself, is taken over: its holder
        was aborted and could not release it.
        """
        oldest = datetime.fromisoformat(lock.acquired_at) - stale_after
        free = (
            Attr("pk").not_exists()
            | Attr("execution").eq(lock.execution)
            | (
                Attr("acquired_at").lt(oldest.isoformat())
                & (Attr("until").not_exists() | Attr("until").lt(lock.acquired_at))
            )
        )
        if put_if(self._table, {"pk": kind, "sk": "lock", **asdict(lock)}, free):
            return None
        return self.holder(kind) or lock

    def release(self, kind: str, execution: str) -> None:
        """Give the lock of `kind` back, if `execution` holds it."""
        delete_if(self._table, {"pk": kind, "sk": "lock"}, Attr("execution").eq(execution))

    def take_over(self, kind: str, lock: Lock, *, of: str) -> bool:
        """Take the lock from the execution `of`, which has ended; tell whether it still had it."""
        return put_if(self._table, {"pk": kind, "sk": "lock", **asdict(lock)}, Attr("execution").eq(of))

    def holder(self, kind: str) -> Lock | None:
        """Return the lock of `kind`, if anybody holds it."""
        item = self._get(kind, "lock")
        if item is None:
            return None
        return Lock(**{name: str(item[name]) for name in Lock.__dataclass_fields__ if name in item})

    # --- data

    def rows(self) -> int:
        """Count the labelled rows accepted so far."""
        return sum(int(item["rows"]) for item in self.files())

    def files(self) -> list[dict[str, Any]]:
        """Return the items of all accepted files, in the order in which they came."""
        condition = Key("pk").eq("file")
        return list(query_items(self._table, KeyConditionExpression=condition, ConsistentRead=True))

    # --- outcomes

    def last(self) -> LastTraining | None:
        """Return how the last training ended."""
        item = self._get(_TRAINING, "last")
        if item is None:
            return None
        values: dict[str, Any] = {
            name: item[name] for name in LastTraining.__dataclass_fields__ if name in item
        }
        values["rows_seen"] = int(values["rows_seen"])
        return LastTraining(**values)

    def record(self, training: LastTraining) -> None:
        """Write down how a training ended, in place of the one before."""
        self._table.put_item(Item={"pk": _TRAINING, "sk": "last", **asdict(training)})

    def champion(self) -> Champion | None:
        """Return the model in service."""
        item = self._get("champion", "current")
        return champion_of(item) if item else None

    def crown(self, champion: Champion) -> None:
        """Write down which model is in service now."""
        self._table.put_item(Item={"pk": "champion", "sk": "current", **asdict(champion)})

    def _get(self, pk: str, sk: str) -> dict[str, Any] | None:
        return self._table.get_item(Key={"pk": pk, "sk": sk}, ConsistentRead=True).get("Item")
