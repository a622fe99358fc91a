"""From a message of the alarm topic to what a chat room takes. Pure."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from enum import StrEnum
from typing import Any

_LONGEST = 15_000
"""Characters: Slack takes 40,000, a Teams workflow 28 KB."""


class Kind(StrEnum):
    """Whose webhook it is."""

    SLACK = "slack"
    TEAMS = "teams"
    WEBHOOK = "webhook"


def read(message: Mapping[str, Any]) -> tuple[str, str]:
    """Return subject and text; what CloudWatch has written by itself is JSON, of which people get what they need.

    Examples
    --------
    >>> read({"Subject": "Headrace bike: drift in temp", "Message": "What callers ask ..."})
    ('Headrace bike: drift in temp', 'What callers ask ...')
    """
    subject, text = message.get("Subject") or "Headrace", message["Message"]
    try:
        alarm = json.loads(text)
    except ValueError:
        return subject, text
    if not isinstance(alarm, dict) or "NewStateValue" not in alarm:
        return subject, text
    said = [alarm.get("AlarmDescription"), alarm.get("NewStateReason")]
    return subject, "\n\n".join(part for part in said if part)


def slack(subject: str, text: str) -> dict[str, Any]:
    r"""Return a message for Slack, in which nothing of the text is markup.

    Examples
    --------
    >>> slack("a < b", "1 & 2")
    {'text': '*a &lt; b*\n1 &amp; 2'}
    """
    return {"text": f"*{_escaped(subject)}*\n{_escaped(text[:_LONGEST])}"}


def teams(subject: str, text: str) -> dict[str, Any]:
    """Return a message for a Teams workflow: an adaptive card."""
    lines = [
        {"type": "TextBlock", "text": subject, "weight": "Bolder", "wrap": True},
        *({"type": "TextBlock", "text": line, "wrap": True} for line in text[:_LONGEST].splitlines() if line),
    ]
    card = {
        "$schema": "http://adaptivecards.io/schemas/adaptive-card.json",
        "type": "AdaptiveCard",
        "version": "1.4",
        "body": lines,
    }
    attachment = {"contentType": "application/vnd.microsoft.card.adaptive", "content": card}
    return {"type": "message", "attachments": [attachment]}


def webhook(subject: str, text: str) -> dict[str, Any]:
    """Return a message for whatever takes JSON.

    Examples
    --------
    >>> webhook("drift", "temp has moved")
    {'subject': 'drift', 'text': 'temp has moved'}
    """
    return {"subject": subject, "text": text}


FORMATS: Mapping[Kind, Callable[[str, str], dict[str, Any]]] = {
    Kind.SLACK: slack,
    Kind.TEAMS: teams,
    Kind.WEBHOOK: webhook,
}


def _escaped(text: str) -> str:
    return text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")
