"""Reads each of AWS's service models once: the emulator and every session of botocore would read them anew."""

from __future__ import annotations

from functools import cache
from typing import Any

import botocore.session
from botocore.exceptions import UnknownServiceError
from ministack.core import iam_actions

from local_cloud.adapters.patching import replace
from local_cloud.settings import Settings


def install(settings: Settings) -> None:
    """Let all sessions of this process, and the emulator's own reader, share what one loader has read."""
    replace(botocore.session, "create_loader", "search_path_string", cache)
    replace(iam_actions, "_load_botocore_model", "botocore_service", lambda original: _model)


def _model(service: str) -> dict[str, Any]:
    """Return the model of a service, or nothing if botocore has none."""
    loader = botocore.session.get_session().get_component("data_loader")
    try:
        model: dict[str, Any] = loader.load_service_model(service, "service-2")
    except UnknownServiceError:
        return {}
    return model
