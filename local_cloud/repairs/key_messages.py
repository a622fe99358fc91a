"""Refuses to sign or verify messages that are longer than KMS takes.

References
----------
.. [1] AWS KMS API reference, Sign and Verify: a message has 1 to 4,096 bytes; for a longer one, its digest is given.
"""

from __future__ import annotations

import base64
import binascii
from typing import Any

from ministack.services import kms

from local_cloud.adapters.patching import replace
from local_cloud.settings import Settings

_MOST = 4096


def install(settings: Settings) -> None:
    """Look at the length of a message before anything is done with it."""
    for name in ("_sign", "_verify"):
        replace(kms, name, "data", _bounded)


def _bounded(original: Any) -> Any:
    def answer(data: dict[str, Any]) -> Any:
        if is_too_long(data.get("Message", "")):
            return kms.error_response_json(
                "ValidationException",
                "1 validation error detected: Value at 'message' failed to satisfy constraint: Member must have length "
                f"less than or equal to {_MOST}",
                400,
            )
        return original(data)

    return answer


def is_too_long(message: str) -> bool:
    """Tell whether a message in base64 is longer than KMS takes.

    Examples
    --------
    >>> is_too_long(base64.b64encode(bytes(4096)).decode()), is_too_long(base64.b64encode(bytes(4097)).decode())
    (False, True)
    """
    try:
        return len(base64.b64decode(message)) > _MOST
    except (binascii.Error, TypeError):
        return False
