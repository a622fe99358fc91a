"""Saves the emulator's state while it runs, so that even a kill loses little.

The emulator itself saves only when it ends in good order. Objects in S3 are files from the start.
"""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable
from typing import Any

from ministack import app
from ministack.core.persistence import save_all

from local_cloud.adapters.patching import replace
from local_cloud.settings import Settings

_EVERY_S = 3.0
_extra: dict[str, Callable[[], dict[str, Any] | None]] = {}
logger = logging.getLogger(__name__)


def register(name: str, dump: Callable[[], dict[str, Any] | None]) -> None:
    """Save what `dump` returns as ``<name>.json`` together with the emulator's own state."""
    _extra[name] = dump


def install(settings: Settings) -> None:
    """Save every few seconds, and our own sections whenever the emulator saves."""
    replace(app, "_build_persistence_save_dict", "", lambda original: lambda: {**original(), **_extra})
    threading.Thread(target=_keep_saving, name="snapshots", daemon=True).start()


def _keep_saving() -> None:
    stop = threading.Event()
    while not stop.wait(_EVERY_S):
        try:
            save_all(app._build_persistence_save_dict())
        except RuntimeError:  # a dictionary changed while it was read: the next round has it
            logger.debug("state changed while it was saved")
