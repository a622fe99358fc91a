"""Repair: Athena's results lie where the query says, and workgroups have the fields that AWS always returns."""

from __future__ import annotations

import json
from typing import Any

from ministack.services import athena

from local_cloud.adapters.patching import replace
from local_cloud.settings import Settings

_OK = 200


def install(settings: Settings) -> None:
    """Mend the location of results and the description of workgroups."""
    replace(athena, "_start_query_execution", "data", _below_a_folder)
    replace(athena, "_save_query_results", "query_id", _in_the_named_file)
    replace(athena, "_get_workgroup", "data", _with_all_fields)


def _below_a_folder(original: Any) -> Any:
    """Take a location without a slash at its end for a folder all the same."""

    def start_query_execution(data: dict[str, Any]) -> Any:
        configuration = data.get("ResultConfiguration") or {}
        location = configuration.get("OutputLocation")
        if location and not location.endswith("/"):
            data = {**data, "ResultConfiguration": {**configuration, "OutputLocation": f"{location}/"}}
        return original(data)

    return start_query_execution


def _in_the_named_file(original: Any) -> Any:
    """Show the emulator the folder while it writes: it takes the file's name for one and repeats it."""

    async def save_query_results(query_id: str) -> None:
        configuration = athena._executions.get(query_id)["ResultConfiguration"]
        location = configuration["OutputLocation"]
        configuration["OutputLocation"] = location.removesuffix(f"{query_id}.csv")
        try:
            await original(query_id)
        finally:
            configuration["OutputLocation"] = location

    return save_query_results


def _with_all_fields(original: Any) -> Any:
    def get_workgroup(data: dict[str, Any]) -> Any:
        status, headers, body = original(data)
        if status != _OK:
            return status, headers, body
        answer = json.loads(body)
        defaults = {
            "EnforceWorkGroupConfiguration": False,
            "PublishCloudWatchMetricsEnabled": False,
            "ResultConfiguration": {},
        }
        answer["WorkGroup"]["Configuration"] = defaults | (answer["WorkGroup"].get("Configuration") or {})
        return status, headers, json.dumps(answer).encode()

    return get_workgroup
