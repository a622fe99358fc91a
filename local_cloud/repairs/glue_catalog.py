"""Repair: the Glue catalogue filters partitions by expression, keeps table versions and omits unset owners."""

from __future__ import annotations

import copy
import json
import sqlite3
from contextlib import closing
from typing import Any

from ministack.core.responses import AccountRegionScopedDict, error_response_json, json_response
from ministack.services import glue

from local_cloud.adapters.patching import replace
from local_cloud.settings import Settings

_OK = 200
_NUMERIC = ("tinyint", "smallint", "int", "integer", "bigint", "float", "double", "decimal")
_versions = AccountRegionScopedDict()


def install(settings: Settings) -> None:
    """Give the catalogue what awswrangler needs of it."""
    # Registered with the emulator's own stores, so that it is persisted with them.
    glue._ALL_STATE["table_versions"] = _versions
    replace(glue, "_create_table", "data", _keeping_version)
    replace(glue, "_update_table", "data", _keeping_version)
    replace(glue, "_get_partitions", "data", _filtering)
    replace(glue, "_handle_request_sync", "method path headers body query_params", _knowing_versions)


def _keeping_version(original: Any) -> Any:
    def put_table(data: dict[str, Any]) -> Any:
        answered = original(data)
        if answered[0] == _OK:
            key = _key(data["DatabaseName"], data["TableInput"]["Name"])
            table = glue._tables[key]
            if not table.get("Owner"):
                table.pop("Owner", None)  # awswrangler sends it back, and an empty one is refused
            _versions.setdefault(key, []).append(copy.deepcopy(table))
        return answered

    return put_table


def _filtering(original: Any) -> Any:
    def get_partitions(data: dict[str, Any]) -> Any:
        expression = data.get("Expression")
        if not expression:
            return original(data)
        key = _key(data["DatabaseName"], data["TableName"])
        columns = glue._tables.get(key, {}).get("PartitionKeys") or []
        try:
            found = [p for p in glue._partitions.get(key, []) if matches(expression, columns, p["Values"])]
        except sqlite3.Error as error:
            return error_response_json("InvalidInputException", f"Unsupported expression: {error}", 400)
        return json_response({"Partitions": found})

    return get_partitions


def matches(expression: str, columns: list[dict[str, str]], values: list[str]) -> bool:
    """Tell whether a partition's values satisfy a predicate, which is SQL over the partition keys.

    >>> matches("year >= 2011 and day = 'mo'", [{"Name": "year", "Type": "int"}, {"Name": "day"}], ["2012", "mo"])
    True
    """
    declared = ", ".join(
        f'"{column["Name"]}" {"numeric" if column.get("Type", "string").startswith(_NUMERIC) else "text"}'
        for column in columns
    )
    with closing(sqlite3.connect(":memory:")) as database:
        database.execute(f"create table partition ({declared})")
        database.execute(f"insert into partition values ({', '.join('?' * len(values))})", values)
        return database.execute(f"select 1 from partition where {expression}").fetchone() is not None


def _knowing_versions(original: Any) -> Any:
    def handle(method: str, path: str, headers: dict[str, str], body: bytes, query_params: Any) -> Any:
        action = headers.get("x-amz-target", "").rpartition(".")[2]
        if action != "GetTableVersions":
            return original(method, path, headers, body, query_params)
        request = json.loads(body)
        kept = _versions.get(_key(request["DatabaseName"], request["TableName"]), [])
        newest_first = [{"Table": t, "VersionId": str(t.get("VersionId", "1"))} for t in reversed(kept)]
        return json_response({"TableVersions": newest_first})

    return handle


def _key(database: str, table: str) -> str:
    return f"{database}/{table}"
