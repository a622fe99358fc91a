"""The Search operation: resources of one kind whose properties, metrics or tags fit.

References
----------
.. [1] SageMaker API reference, "Search", "Filter".
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

from local_cloud.sagemaker.errors import invalid
from local_cloud.sagemaker.listing import page_of
from local_cloud.sagemaker.records import KINDS, Record, Records

_OPERATORS: dict[str, Callable[[list[str], str], bool]] = {
    "Equals": lambda found, given: given in found,
    "NotEquals": lambda found, given: given not in found,
    "Contains": lambda found, given: any(given in value for value in found),
    "Exists": lambda found, given: bool(found),
    "NotExists": lambda found, given: not found,
    "In": lambda found, given: bool(set(given.split(",")) & set(found)),
    "GreaterThan": lambda found, given: any(_number(value) > _number(given) for value in found),
    "GreaterThanOrEqualTo": lambda found, given: any(_number(value) >= _number(given) for value in found),
    "LessThan": lambda found, given: any(_number(value) < _number(given) for value in found),
    "LessThanOrEqualTo": lambda found, given: any(_number(value) <= _number(given) for value in found),
}


def search(records: Records, request: dict[str, Any]) -> dict[str, Any]:
    """Return one page of what fits, newest first unless asked otherwise."""
    noun = request["Resource"]
    if noun not in KINDS:
        raise invalid(f"Searching for {noun} is not available in the local cloud.")
    kind = KINDS[noun]
    with records.lock:
        rows = [
            dict(record) | {"Tags": _tags(records, record[kind.arn_field])}
            for record in records.tables[noun].values()
        ]
    rows = [row for row in rows if _fits(row, request.get("SearchExpression") or {})]
    by = request.get("SortBy", "LastModifiedTime")
    rows.sort(
        key=lambda row: next(_values(row, by), ""),
        reverse=request.get("SortOrder", "Descending") == "Descending",
    )
    return page_of([{noun: row} for row in rows], request, "Results")


def _fits(row: Record, expression: dict[str, Any]) -> bool:
    outcomes = [_holds(row, condition) for condition in expression.get("Filters", [])]
    outcomes += [_fits(row, inner) for inner in expression.get("SubExpressions", [])]
    return any(outcomes) if expression.get("Operator") == "Or" else all(outcomes)


def _holds(row: Record, condition: dict[str, str]) -> bool:
    found = [str(value) for value in _values(row, condition["Name"])]
    return _OPERATORS[condition.get("Operator", "Equals")](found, condition.get("Value", ""))


def _values(row: Record, path: str) -> Iterator[Any]:
    """Yield what a property's path leads to: a member, ``Tags.<key>``, or ``Metrics.<name>``."""
    first, _, rest = path.partition(".")
    if first == "Tags":
        yield from (tag["Value"] for tag in row["Tags"] if tag["Key"] == rest)
    elif first == "Metrics":
        metrics = row.get("FinalMetricDataList", [])
        yield from (metric["Value"] for metric in metrics if metric["MetricName"] == rest)
    elif not rest:
        yield from ([row[first]] if first in row else [])
    elif isinstance(row.get(first), dict):
        yield from _values(row[first], rest)


def _tags(records: Records, arn: str) -> list[dict[str, str]]:
    return [{"Key": key, "Value": value} for key, value in records.tags.get(arn, {}).items()]


def _number(text: str) -> float:
    try:
        return float(text)
    except ValueError:
        raise invalid(f"{text} cannot be compared: it is not a number.") from None
