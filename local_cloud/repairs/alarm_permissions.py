"""Repair: who puts or deletes alarms needs the permission for each of them. Clients of today ask in JSON.

References
----------
.. [1] Service authorization reference, "Actions, resources, and condition keys for Amazon CloudWatch": the resource type of
   ``PutMetricAlarm`` and ``DeleteAlarms`` is the alarm.
"""

from __future__ import annotations

import json
from typing import Any

from ministack import app
from ministack.core import iam_actions

from local_cloud.adapters import further_permissions
from local_cloud.adapters.patching import replace
from local_cloud.settings import ACCOUNT, REGION, Settings

_PARAMETERS = "service method path headers body query_params region account_id"


def install(settings: Settings) -> None:
    """Name the alarms where the emulator names nothing, and ask about each of several."""
    replace(iam_actions, "extract_resource_arn", _PARAMETERS, _with_alarms)
    original = app.SERVICE_HANDLERS["monitoring"]

    async def handle(
        method: str, path: str, headers: dict[str, str], body: bytes, query: dict[str, Any]
    ) -> Any:
        for name in alarms_of(headers, body)[1:]:
            if refused := _refusal(name, headers, query):
                return refused
        return await original(method, path, headers, body, query)

    app.SERVICE_HANDLERS["monitoring"] = handle


def alarms_of(headers: dict[str, str], body: bytes) -> list[str]:
    """Return the names of the alarms that a request puts or deletes.

    Examples
    --------
    >>> alarms_of({"x-amz-target": "GraniteServiceVersion20100801.DeleteAlarms"}, b'{"AlarmNames": ["a", "b"]}')
    ['a', 'b']
    >>> alarms_of({"x-amz-target": "GraniteServiceVersion20100801.DescribeAlarms"}, b'{"AlarmNames": ["a"]}')
    []
    """
    operation = headers.get("x-amz-target", "").rsplit(".", 1)[-1]
    if operation not in ("PutMetricAlarm", "PutCompositeAlarm", "DeleteAlarms"):
        return []
    try:
        request = json.loads(body)
    except ValueError:
        return []
    names = request.get("AlarmNames") or [request.get("AlarmName")]
    return [str(name) for name in names if name]


def _with_alarms(original: Any) -> Any:
    def resource_arn(service: str, *request: Any) -> str:
        found: str = original(service, *request)
        _, _, headers, body, _, region, account = request
        names = alarms_of(headers, body) if service == "monitoring" and found == "*" else []
        return f"arn:aws:cloudwatch:{region}:{account}:alarm:{names[0]}" if names else found

    return resource_arn


def _refusal(name: str, headers: dict[str, str], query: dict[str, Any]) -> Any:
    arn = f"arn:aws:cloudwatch:{REGION}:{ACCOUNT}:alarm:{name}"
    return further_permissions.refusal("monitoring", ("cloudwatch:DeleteAlarms", arn), headers, query)
