"""What the ledger knows of releases: the one that runs, the model that waits for its end, and all that was ever done."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import asdict, dataclass, field
from decimal import Decimal
from typing import TYPE_CHECKING, Any

from boto3.dynamodb.conditions import Attr, Key
from botocore.exceptions import ClientError

from headrace.aws.conditional_put import delete_if, is_refused, put_if
from headrace.aws.queried_items import query_items

if TYPE_CHECKING:
    from mypy_boto3_dynamodb.service_resource import Table

_PARTITION = "release"
BEGAN, TOLD, ENDED = 0, 8000, 9999
"""Places in the history of a deployment; between `BEGAN` and `TOLD` lie its steps."""
_RUNNING, _WAITING, _NEWEST, _ENTRY = "running", "waiting", "newest", "entry#"


@dataclass(frozen=True)
class Decision:
    """What somebody wants of the release that runs.

    Parameters
    ----------
    what : str
        ``promote`` or ``rollback``.
    by : str
        Who: an ARN of IAM or STS, or a service of AWS.
    why : str
        In their words.
    """

    what: str
    by: str
    why: str


@dataclass(frozen=True)
class RunningRelease:
    """The release that runs.

    Parameters
    ----------
    execution : str
        The execution's id.
    plan : mapping
        What was planned; ``plan["release"]`` says how.
    step : int
        Which of its shares is in force, from 0.
    share : float
        Of requests that the challenger answers, or that are copied to it: 0 to 1.
    since : str
        When that share came into force, ISO 8601, UTC.
    token : str
        Wakes the execution; empty while it does not wait.
    judged : mapping
        What the last judgement said and measured.
    decision : Decision or None
        What somebody wants of it.
    """

    execution: str
    plan: Mapping[str, Any]
    step: int
    share: float
    since: str
    token: str = ""
    judged: Mapping[str, Any] = field(default_factory=dict)
    decision: Decision | None = None


@dataclass(frozen=True)
class Entry:
    """One line of the history of releases; never changed.

    Parameters
    ----------
    planned_at : str
        When its deployment was planned, ISO 8601, UTC.
    place : int
        Its place in the history of its deployment.
    at : str
        When it happened, ISO 8601, UTC.
    event : str
        ``began``, ``shifted``, ``told``, ``promoted``, ``withdrawn``, ``deployed``, ``failed`` or ``rolled_back``.
    version : int
        The version that was released.
    against : int or None
        The version that was in service before.
    strategy : str
        ``all_at_once``, ``canary``, ``linear``, ``shadow`` or ``ab``.
    share : float
        The version's share of requests from then on: 0 to 1.
    by : str
        Who or what did it.
    why : str
        For people.
    execution : str
        The execution's id.
    """

    planned_at: str
    place: int
    at: str
    event: str
    version: int
    against: int | None
    strategy: str
    share: float
    by: str
    why: str
    execution: str

    @classmethod
    def of(cls, plan: Mapping[str, Any], place: int, event: str, share: float, **said: str) -> Entry:
        """Return a line on the deployment of `plan`; `said` is ``at``, ``by``, ``why`` and ``execution``."""
        return cls(
            planned_at=plan["planned_at"],
            place=place,
            event=event,
            version=plan["version"],
            against=plan["against"],
            strategy=plan["strategy"],
            share=share,
            **said,
        )


class ReleaseLog:
    """The items of the partition ``release`` of the ledger table; reads are consistent."""

    def __init__(self, table: Table) -> None:
        self._table = table

    # --- the release that runs

    def begin(self, release: RunningRelease) -> None:
        """Write down that a release runs; whoever does so holds the lock, and what a lost one has left is over."""
        self._table.put_item(Item=_item_of(release))

    def running(self) -> RunningRelease | None:
        """Return the release that runs."""
        item = self._table.get_item(Key=_key(_RUNNING), ConsistentRead=True).get("Item")
        return _release_of(item) if item else None

    def keep(self, release: RunningRelease) -> RunningRelease:
        """Write down how far the release has come, and return it with the decision that was made meanwhile."""
        item = _item_of(release)
        names = ("step", "share", "since", "token", "judged")
        answer = self._table.update_item(
            Key=_key(_RUNNING),
            UpdateExpression="SET " + ", ".join(f"#{name} = :{name}" for name in names),
            ConditionExpression="#execution = :execution",
            ExpressionAttributeNames={f"#{name}": name for name in (*names, "execution")},
            ExpressionAttributeValues={f":{name}": item[name] for name in (*names, "execution")},
            ReturnValues="ALL_NEW",
        )
        return _release_of(answer["Attributes"])

    def decide(self, execution: str, decision: Decision) -> RunningRelease | None:
        """Write down what somebody wants of the release of `execution`; None if it has ended."""
        return self._change(execution, "decision", asdict(decision))

    def adopt(self, execution: str, *, by: str) -> RunningRelease | None:
        """Give the release of an execution that has ended to another one; None if it is nobody's any more."""
        return self._change(execution, "execution", by)

    def end(self, execution: str) -> None:
        """Write down that no release runs, if it was that of `execution`."""
        delete_if(self._table, _key(_RUNNING), Attr("execution").eq(execution))

    def _change(self, execution: str, name: str, value: Any) -> RunningRelease | None:
        try:
            answer = self._table.update_item(
                Key=_key(_RUNNING),
                UpdateExpression="SET #name = :value",
                ConditionExpression="#execution = :execution",
                ExpressionAttributeNames={"#name": name, "#execution": "execution"},
                ExpressionAttributeValues={":value": value, ":execution": execution},
                ReturnValues="ALL_NEW",
            )
        except ClientError as error:
            if not is_refused(error):
                raise
            return None
        return _release_of(answer["Attributes"])

    # --- the model that waits

    def queue(self, model_package_arn: str, approved_at: str) -> None:
        """Let a model wait for the end of the deployment that runs; of several, the one approved last."""
        item = {**_key(_WAITING), "model_package_arn": model_package_arn, "approved_at": approved_at}
        put_if(self._table, item, Attr("pk").not_exists() | Attr("approved_at").lte(approved_at))

    def waiting(self) -> str | None:
        """Return the ARN of the model package that waits."""
        item = self._table.get_item(Key=_key(_WAITING), ConsistentRead=True).get("Item")
        return str(item["model_package_arn"]) if item else None

    def leave_queue(self, model_package_arn: str) -> None:
        """Let a model wait no longer."""
        delete_if(self._table, _key(_WAITING), Attr("model_package_arn").eq(model_package_arn))

    # --- the highest version

    def newest_deployed(self) -> int:
        """Return the highest version that was ever deployed; 0 if none is known."""
        item = self._table.get_item(Key=_key(_NEWEST), ConsistentRead=True).get("Item")
        return int(str(item["deployed"])) if item else 0

    def note_deployed(self, version: int) -> None:
        """Write down that a version was deployed; what was written down never becomes less."""
        put_if(
            self._table,
            {**_key(_NEWEST), "deployed": version},
            Attr("pk").not_exists() | Attr("deployed").lt(version),
        )

    # --- history

    def add(self, entry: Entry) -> bool:
        """Write a line of the history, which nobody can write over; False if it is written already."""
        key = _key(f"{_ENTRY}{entry.planned_at}#{entry.place:04}")
        share = Decimal(str(entry.share))
        return put_if(self._table, {**key, **asdict(entry), "share": share}, Attr("pk").not_exists())

    def newest_first(self) -> Iterator[Entry]:
        """Yield the history, the latest line first."""
        condition = Key("pk").eq(_PARTITION) & Key("sk").begins_with(_ENTRY)
        items = query_items(
            self._table, KeyConditionExpression=condition, ConsistentRead=True, ScanIndexForward=False
        )
        return map(_entry_of, items)


def _key(sk: str) -> dict[str, Any]:
    return {"pk": _PARTITION, "sk": sk}


def _item_of(release: RunningRelease) -> dict[str, Any]:
    """Return the item; what has numbers of any kind within lies in it as JSON."""
    return {
        **_key(_RUNNING),
        **asdict(release),
        "share": Decimal(str(release.share)),
        "plan": json.dumps(release.plan),
        "judged": json.dumps(release.judged),
    }


def _release_of(item: Mapping[str, Any]) -> RunningRelease:
    values = {name: item[name] for name in RunningRelease.__dataclass_fields__}
    decision = values["decision"]
    return RunningRelease(
        **{
            **values,
            "step": int(values["step"]),
            "share": float(values["share"]),
            "plan": json.loads(values["plan"]),
            "judged": json.loads(values["judged"]),
            "decision": Decision(**decision) if decision else None,
        }
    )


def _entry_of(item: Mapping[str, Any]) -> Entry:
    values = {name: item[name] for name in Entry.__dataclass_fields__}
    against = values["against"]
    return Entry(
        **{
            **values,
            "place": int(values["place"]),
            "version": int(values["version"]),
            "against": None if against is None else int(against),
            "share": float(values["share"]),
        }
    )
