"""Lets policies that ask for TLS accept the loopback, over which nothing can be read on the way."""

from __future__ import annotations

import ipaddress
from typing import Any

from ministack import app

from local_cloud.adapters.patching import replace
from local_cloud.settings import Settings


def install(settings: Settings) -> None:
    """Answer ``aws:SecureTransport`` with true for requests that come from this machine."""

    def from_here_is_secure(original: Any) -> Any:
        def pin(source_ip: str, secure_transport: bool) -> None:
            original(source_ip, secure_transport or ipaddress.ip_address(source_ip).is_loopback)

        return pin

    replace(app, "pin_request_origin", "source_ip secure_transport", from_here_is_secure)
