"""Saves the emulator's state while it runs, so that even a kill loses little.

The emulator itself saves only when it ends in good order. Objects in S3 are files from the start.
"""

from __future__ import annotations

import hashlib
import json
import logging
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from ministack import app
from ministack.core import persistence

from local_cloud.adapters.patching import replace, require
from local_cloud.settings import Settings

_EVERY_S = 3.0
_REST = 50
"""How many times as long as a round has kept the processor busy is waited for the next one."""

_extra: dict[str, Callable[[], dict[str, Any] | None]] = {}
logger = logging.getLogger(__name__)


def register(name: str, dump: Callable[[], dict[str, Any] | None]) -> None:
    """Save what `dump` returns as ``<name>.json`` together with the emulator's own state."""
    _extra[name] = dump


def install(settings: Settings) -> None:
    """Save every few seconds, and our own sections whenever the emulator saves."""
    require(persistence, "_json_default", "obj")
    require(persistence, "_state_format_version", "service")
    replace(persistence, "save_state", "service data", lambda original: _Files().save)
    replace(app, "_build_persistence_save_dict", "", lambda original: lambda: {**original(), **_extra})
    threading.Thread(target=_keep_saving, name="snapshots", daemon=True).start()


class _Files:
    """Writes the sections that have changed, each as one text: the emulator's way of writing is ten times as long."""

    def __init__(self) -> None:
        self._written: dict[str, bytes] = {}

    def save(self, service: str, data: Any) -> None:
        """Write a section in the emulator's format; what cannot be written is logged."""
        content = {"__ministack_format__": persistence._state_format_version(service), "payload": data}
        try:
            text = json.dumps(content, default=persistence._json_default).encode()
            file = Path(persistence.STATE_DIR) / f"{service}.json"
            digest = hashlib.sha256(text).digest()
            if self._written.get(service) == digest and file.exists():
                return
            file.parent.mkdir(parents=True, exist_ok=True)
            unfinished = file.with_suffix(".json.tmp")
            unfinished.write_bytes(text)
            unfinished.replace(file)
        except (OSError, RuntimeError, TypeError, ValueError):
            logger.exception("the state of %s could not be saved", service)
        else:
            self._written[service] = digest


def _keep_saving() -> None:
    stop, pause_s = threading.Event(), _EVERY_S
    while not stop.wait(pause_s):
        began = time.thread_time()
        try:
            persistence.save_all(app._build_persistence_save_dict())
        except RuntimeError:  # a dictionary changed while it was read: the next round has it
            logger.debug("state changed while it was saved")
        pause_s = max(_EVERY_S, _REST * (time.thread_time() - began))
