"""List operations: filters, order, pages."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from local_cloud.sagemaker.errors import invalid
from local_cloud.sagemaker.records import KINDS, Record, Records

_PAGE = 10
_FILTERS: dict[str, Callable[[Record, str, Any], bool]] = {
    "NameContains": lambda record, noun, given: given.lower() in record[f"{noun}Name"].lower(),
    "StatusEquals": lambda record, noun, given: record.get(f"{noun}Status") == given,
    "CreationTimeAfter": lambda record, noun, given: record["CreationTime"] > _seconds(given),
    "CreationTimeBefore": lambda record, noun, given: record["CreationTime"] < _seconds(given),
    "LastModifiedTimeAfter": lambda record, noun, given: record["LastModifiedTime"] > _seconds(given),
    "LastModifiedTimeBefore": lambda record, noun, given: record["LastModifiedTime"] < _seconds(given),
    "ModelApprovalStatus": lambda record, noun, given: record.get("ModelApprovalStatus") == given,
    "ModelPackageGroupName": lambda record, noun, given: (
        record.get("ModelPackageGroupName") == given.split("/")[-1]
    ),
}


def list_records(records: Records, noun: str, request: dict[str, Any]) -> dict[str, Any]:
    """Return one page of the records that fit, in the order asked for (newest first by default)."""
    with records.lock:
        rows = [dict(record) for record in records.tables[noun].values()]
    for name, fits in _FILTERS.items():
        if request.get(name) is not None:
            given = request[name]
            rows = [row for row in rows if fits(row, noun, given)]
    rows.sort(
        key=_order(noun, request.get("SortBy")),
        reverse=request.get("SortOrder", "Descending") == "Descending",
    )
    return page_of(rows, request, KINDS[noun].summaries)


def page_of(rows: list[Record], request: dict[str, Any], member: str) -> dict[str, Any]:
    """Return the page that is asked for, as this member of the answer."""
    start, size = _start(request.get("NextToken")), int(request.get("MaxResults", _PAGE))
    page = {member: rows[start : start + size]}
    return page | ({"NextToken": str(start + size)} if start + size < len(rows) else {})


def _order(noun: str, sort_by: str | None) -> Callable[[Record], Any]:
    fields = {"Name": f"{noun}Name", "Status": f"{noun}Status", "LastModifiedTime": "LastModifiedTime"}
    field = fields.get(sort_by or "", "CreationTime")
    return lambda record: (record.get(field) or "", record["CreationTime"])


def _start(token: str | None) -> int:
    if token is None:
        return 0
    if not token.isdigit():
        raise invalid("The pagination token is not valid.")
    return int(token)


def _seconds(given: Any) -> float:
    return float(given.timestamp() if hasattr(given, "timestamp") else given)
