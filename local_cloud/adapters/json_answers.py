"""Answers of services that speak JSON 1.1, as the emulator's handlers give them."""

from __future__ import annotations

import json
from typing import Any

Answer = tuple[int, dict[str, str], bytes]


def json_answer(status: int, document: dict[str, Any], error: str | None = None) -> Answer:
    """Return an answer; an error's code stands in a header, too."""
    headers = {"Content-Type": "application/x-amz-json-1.1"}
    if error:
        headers["x-amzn-ErrorType"] = error
    return status, headers, json.dumps(document, default=str).encode()
