"""Posts JSON to the address that a chat room gave out. Whoever knows the address may write there: it is never shown."""

from __future__ import annotations

import http.client
import json
from collections.abc import Callable, Mapping
from typing import Any
from urllib.parse import urlsplit

_TIMEOUT_S = 10
_OK = range(200, 300)
Connect = Callable[..., http.client.HTTPSConnection]


class WebhookError(Exception):
    """The message was not taken; the text says why, and not where to it went."""


class Webhook:
    """One incoming webhook.

    Parameters
    ----------
    address : str
        Its URL: https, without credentials of its own.
    connect : callable
        Opens a connection to a host; it verifies the host's certificate, and follows nobody elsewhere.

    Raises
    ------
    WebhookError
        If `address` is no such URL.
    """

    def __init__(self, address: str, *, connect: Connect = http.client.HTTPSConnection) -> None:
        try:
            parts = urlsplit(address)
            self._host, self._port = parts.hostname, parts.port
        except ValueError:
            raise WebhookError("the secret's text is no address") from None
        if parts.scheme != "https" or not self._host or parts.username or not address.isascii():
            raise WebhookError("the secret's text is no https address")
        self._target = f"{parts.path or '/'}{'?' + parts.query if parts.query else ''}"
        self._connect = connect

    def post(self, document: Mapping[str, Any]) -> None:
        """Send `document`; `WebhookError` if it is not answered with a status of 200 to 299."""
        connection = self._connect(self._host, self._port, timeout=_TIMEOUT_S)
        try:
            connection.request(
                "POST",
                self._target,
                body=json.dumps(document).encode(),
                headers={"Content-Type": "application/json"},
            )
            status = connection.getresponse().status
        except (OSError, http.client.HTTPException) as error:
            # Its text may hold the address.
            raise WebhookError(f"the webhook cannot be reached: {type(error).__name__}") from None
        finally:
            connection.close()
        if status not in _OK:
            raise WebhookError(f"the webhook has answered with status {status}")
