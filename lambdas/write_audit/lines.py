"""What changes of the ledger's table and of model packages say for the audit. Pure."""

from __future__ import annotations

import json
from collections.abc import Mapping
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

from boto3.dynamodb.types import TypeDeserializer

from headrace.aws.registry import Package
from headrace.ml.audit.chain import Record
from headrace.ml.privacy.personal_patterns import kinds_within

_RELEASE = ("version", "against", "strategy", "share", "why", "execution")
_TRAINING = ("run", "version", "champion", "reason", "because", "outcome", "why")
_SAID_BY_PEOPLE = ("why", "because")
_TRAINED = {"registered": "registered", "kept_champion": "trained", "failed": "training_failed"}
_CHANGED = {"MODIFY": "line_changed", "REMOVE": "line_removed"}
_read = TypeDeserializer().deserialize


def record_of(change: Mapping[str, Any]) -> Record:
    """Return what a change of the table is to the audit.

    A line that is written says what was done, and by whom. Lines are never written over: one that is changed or removed is told
    as such, and what it says now is not believed.

    Parameters
    ----------
    change : mapping
        A record of DynamoDB's stream, of a line that the filter of the event source lets through.
    """
    keys = {name: _read(value) for name, value in change["dynamodb"]["Keys"].items()}
    at = datetime.fromtimestamp(float(change["dynamodb"]["ApproximateCreationDateTime"]), UTC)
    said = {"id": str(change["eventID"]), "at": at.isoformat(timespec="seconds")}
    if change["eventName"] != "INSERT":
        line = f"{keys['pk']}/{keys['sk']}"
        return Record(**said, event=_CHANGED[change["eventName"]], by="unknown", about={"line": line})
    item = {name: _plain(_read(value)) for name, value in change["dynamodb"]["NewImage"].items()}
    event, by, about = _told(str(keys["pk"]), item)
    hidden = {name: _without_persons(about[name]) for name in _SAID_BY_PEOPLE if about.get(name)}
    return Record(**said, event=event, by=by, about={**about, **hidden})


def record_of_package(event: Mapping[str, Any], package: Package | None) -> Record:
    """Return what a change of a model package is to the audit: the registry's own word, whatever tool has made it.

    Parameters
    ----------
    event : mapping
        EventBridge's, "SageMaker Model Package State Change"; it does not say who.
    package : Package or None
        As the registry has it now; None if it is gone. If its status is another one by now, whoever changed it last did something else.
    """
    status = str(event["detail"]["ModelApprovalStatus"])
    said = package if package is not None and package.status == status else None
    about = {"version": int(event["detail"]["ModelPackageVersion"]), "status": status}
    if said is not None and said.why:
        about["why"] = _without_persons(said.why)
    at = datetime.fromisoformat(event["time"]).isoformat(timespec="seconds")
    return Record(str(event["id"]), at, "package_changed", (said and said.changed_by) or "unknown", about)


def _told(partition: str, item: Mapping[str, Any]) -> tuple[str, str, Mapping[str, Any]]:
    if partition == "release":
        return str(item["event"]), str(item["by"]), {name: item.get(name) for name in _RELEASE}
    if partition == "training":
        outcome = str(item["outcome"])
        by = f"execution {item['execution']}"
        return _TRAINED.get(outcome, outcome), by, {name: item.get(name) for name in _TRAINING}
    return str(item["event"]), str(item["by"]), json.loads(str(item["about"]))


def _plain(value: Any) -> Any:
    """Return a value as JSON has it.

    Examples
    --------
    >>> _plain(Decimal("3")), _plain(Decimal("0.25")), _plain("v3")
    (3, 0.25, 'v3')
    """
    if isinstance(value, Decimal):
        return int(value) if value == value.to_integral_value() else float(value)
    return value


def _without_persons(value: Any) -> Any:
    """Leave out a text that holds personal data: nobody could ever erase it.

    Examples
    --------
    >>> _without_persons("complaint of ann@example.org"), _without_persons("complaints")
    ('left out: it holds personal data (email)', 'complaints')
    """
    found = kinds_within(value) if isinstance(value, str) else []
    return f"left out: it holds personal data ({', '.join(found)})" if found else value
