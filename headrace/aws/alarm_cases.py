"""Alarms that ask for a training: noted when they go off, forgotten when they clear."""

from __future__ import annotations

from dataclasses import asdict, dataclass, replace
from datetime import datetime
from typing import TYPE_CHECKING, Any

from boto3.dynamodb.conditions import Attr, Key

from headrace.aws.conditional_put import put_if

if TYPE_CHECKING:
    from mypy_boto3_dynamodb.service_resource import Table

_PARTITION = "training"
_PREFIX = "alarm#"


@dataclass(frozen=True)
class AlarmCase:
    """An alarm that went off and has not cleared, and what was tried against it.

    Parameters
    ----------
    reason : str
        ``drift`` or ``quality``.
    since : str
        When it went off, ISO 8601, UTC.
    alarm : str
        Its name, or the names of several.
    about : str
        The features or the metric, for people; empty if no report says.
    in_vain : int
        Retrainings in a row that did not cure it.
    awaits : str or None
        ARN of the model package that was trained because of it and has not been judged on traffic yet.
    judged_from : str or None
        When that model's first verdict was seen, ISO 8601, UTC.
    counted : str or None
        The training that was counted last, so that none is counted twice.
    """

    reason: str
    since: str
    alarm: str
    about: str = ""
    in_vain: int = 0
    awaits: str | None = None
    judged_from: str | None = None
    counted: str | None = None

    def answered(self, execution: str, model_package_arn: str) -> AlarmCase:
        """Return the case when a training has made a model because of it."""
        return replace(self, awaits=model_package_arn, judged_from=None, counted=execution)

    def tried_in_vain(self, execution: str | None = None) -> AlarmCase:
        """Return the case when a training did not cure it."""
        counted = execution or self.counted
        return replace(self, awaits=None, judged_from=None, in_vain=self.in_vain + 1, counted=counted)


class AlarmCases:
    """The items ``alarm#<reason>`` of the ledger table; reads are consistent."""

    def __init__(self, table: Table) -> None:
        self._table = table

    def open(self, case: AlarmCase) -> None:
        """Note that an alarm asks for a training; one that is noted already keeps what is known of it."""
        self._put(case, Attr("pk").not_exists())

    def all(self) -> list[AlarmCase]:
        """Return the alarms that are not known to have cleared."""
        condition = Key("pk").eq(_PARTITION) & Key("sk").begins_with(_PREFIX)
        answer = self._table.query(KeyConditionExpression=condition, ConsistentRead=True)
        return [_case(item) for item in answer["Items"]]

    def change(self, before: AlarmCase, after: AlarmCase) -> bool:
        """Replace what is known of an alarm; False if somebody else has changed it meanwhile, which then stands."""
        return self._put(
            after,
            Attr("since").eq(before.since)
            & Attr("in_vain").eq(before.in_vain)
            & Attr("counted").eq(before.counted),
        )

    def close(self, reason: str) -> None:
        """Forget an alarm, because it has cleared."""
        self._table.delete_item(Key={"pk": _PARTITION, "sk": f"{_PREFIX}{reason}"})

    def _put(self, case: AlarmCase, condition: Any) -> bool:
        item = {"pk": _PARTITION, "sk": f"{_PREFIX}{case.reason}", **asdict(case)}
        return put_if(self._table, item, condition)


def opened(reason: str, alarm: str, about: str, now: datetime) -> AlarmCase:
    """Return the case of an alarm that goes off now."""
    return AlarmCase(reason, now.isoformat(), alarm, about)


def _case(item: dict[str, Any]) -> AlarmCase:
    values = {name: item[name] for name in AlarmCase.__dataclass_fields__}
    return AlarmCase(**{**values, "in_vain": int(values["in_vain"])})
