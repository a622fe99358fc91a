"""What the ledger remembers of trainings: each that ended, with its reason and cost, and what the guard refused."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Mapping
from dataclasses import asdict, dataclass
from datetime import datetime, timedelta
from decimal import Decimal
from typing import TYPE_CHECKING, Any

from boto3.dynamodb.conditions import Key

from headrace.aws.queried_items import query_items

if TYPE_CHECKING:
    from mypy_boto3_dynamodb.service_resource import Table

_PARTITION = "training"
_RUN, _REFUSAL = "run#", "refusal#"
_AMOUNTS = ("cost_usd", "saved_usd")
_KEPT = timedelta(days=30)
"""How long refusals are kept: they explain the last weeks, and one item of each kind a day is enough for that."""


@dataclass(frozen=True)
class PastTraining:
    """A training that has ended.

    Parameters
    ----------
    execution, run : str
        The execution's id; the name that its jobs begin with.
    started_at, finished_at : str
        ISO 8601, UTC.
    reason : str
        ``new_data``, ``drift``, ``quality``, ``schedule`` or ``manual``.
    because : str
        What the alarm was about, or how many rows had come; for people.
    outcome : str
        ``registered``, ``kept_champion`` or ``failed``.
    why : str
        For people.
    retraining : bool
        Whether there was a model to replace.
    champion : int or None
        Version of the model that was in service when it started.
    version : int or None
        Version that it registered.
    seconds : int or None
        Billable seconds of its jobs, of all instances together; None if SageMaker did not say.
    cost_usd : float or None
        Estimate, in US dollars; None if the seconds or the price of the instance are not known.
    tuning : mapping or None
        How hyperparameters were searched, in texts: ``job``, ``strategy``, ``trials``, ``best`` and ``objective``; only the first
        of a search that has found nothing; None if nothing was searched.
    saved_usd : float or None
        What spot instances have saved, in US dollars; None on demand, or if it is not known.
    """

    execution: str
    run: str
    started_at: str
    finished_at: str
    reason: str
    because: str
    outcome: str
    why: str
    retraining: bool
    champion: int | None
    version: int | None
    seconds: int | None
    cost_usd: float | None
    tuning: Mapping[str, str] | None = None
    saved_usd: float | None = None


@dataclass(frozen=True)
class Refused:
    """What the guard refused on one day for one reason by one rule.

    Parameters
    ----------
    day : str
        ISO 8601.
    reason, rule : str
        Who asked; which rule said no.
    times : int
        How often.
    last_at, why : str
        When it was refused last, ISO 8601, UTC, and in which words.
    """

    day: str
    reason: str
    rule: str
    times: int
    last_at: str
    why: str


class TrainingHistory:
    """The items ``run#…`` and ``refusal#…`` of the ledger table."""

    def __init__(self, table: Table) -> None:
        self._table = table

    def add(self, training: PastTraining) -> None:
        """Write down how a training ended; doing so again changes nothing but what is told."""
        of_run = hashlib.sha256(training.execution.encode()).hexdigest()[:8]
        amounts = {name: getattr(training, name) for name in _AMOUNTS}
        exact = {name: None if usd is None else Decimal(str(usd)) for name, usd in amounts.items()}
        item = {**asdict(training), **exact}
        self._table.put_item(Item={"pk": _PARTITION, "sk": f"{_RUN}{training.started_at}#{of_run}", **item})

    def newest_first(self) -> Iterator[PastTraining]:
        """Yield the trainings, the latest start first."""
        return map(_training, self._items(_RUN))

    def refuse(self, reason: str, rule: str, why: str, now: datetime) -> None:
        """Count a refusal. One item a day for each reason and rule, so that a storm of alarms cannot fill the table."""
        day = f"{now:%Y-%m-%d}"
        self._table.update_item(
            Key={"pk": _PARTITION, "sk": f"{_REFUSAL}{day}#{reason}#{rule}"},
            UpdateExpression="SET #day = :day, reason = :reason, #rule = :rule, why = :why, last_at = :at, "
            "expires_at = :expires ADD times :one",
            ExpressionAttributeNames={"#day": "day", "#rule": "rule"},
            ExpressionAttributeValues={
                ":day": day,
                ":reason": reason,
                ":rule": rule,
                ":why": why,
                ":at": now.isoformat(),
                ":expires": int((now + _KEPT).timestamp()),
                ":one": 1,
            },
        )

    def refusals(self) -> Iterator[Refused]:
        """Yield what was refused in the last weeks, the latest day first."""
        for item in self._items(_REFUSAL):
            values = {name: item[name] for name in Refused.__dataclass_fields__}
            yield Refused(**{**values, "times": int(values["times"])})

    def _items(self, prefix: str) -> Iterator[dict[str, Any]]:
        condition = Key("pk").eq(_PARTITION) & Key("sk").begins_with(prefix)
        return query_items(
            self._table, KeyConditionExpression=condition, ConsistentRead=True, ScanIndexForward=False
        )


def _training(item: dict[str, Any]) -> PastTraining:
    values: dict[str, Any] = {name: item[name] for name in PastTraining.__dataclass_fields__ if name in item}
    for name in ("champion", "version", "seconds"):
        values[name] = None if values[name] is None else int(values[name])
    for name in _AMOUNTS:
        values[name] = None if values.get(name) is None else float(values[name])
    return PastTraining(**values)
