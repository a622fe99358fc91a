"""Write what the alarm topic says into a chat room."""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping
from functools import cache
from typing import Any, Protocol

import boto3

from headrace.aws.secrets import Secret
from headrace.aws.webhook import Webhook
from headrace.ml.privacy.redaction import redact_errors
from lambdas.post_alarm.messages import FORMATS, Kind, read


class Room(Protocol):
    """What this function needs from a chat room."""

    def post(self, document: Mapping[str, Any]) -> None:
        """Write a message."""
        ...


@cache
def _deps() -> tuple[Kind, Callable[[], Room]]:
    kind, secret = os.environ["CHAT_KIND"], Secret(boto3.client("secretsmanager"), os.environ["CHAT_SECRET"])
    return Kind(kind), lambda: Webhook(secret.text())


def post_alarm(event: Mapping[str, Any], kind: Kind, room: Callable[[], Room]) -> dict[str, int]:
    """Post each message of the topic; an error makes Lambda try all of them again."""
    records = event["Records"]
    for record in records:
        room().post(FORMATS[kind](*read(record["Sns"])))
    return {"posted": len(records)}


@redact_errors
def handler(event: dict[str, Any], context: object) -> dict[str, int]:
    """Lambda entry point: wire the real dependencies, then delegate."""
    kind, room = _deps()
    return post_alarm(event, kind, room)
