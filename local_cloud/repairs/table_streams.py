"""Repair: what a table's stream holds survives a restart.

The emulator keeps how far functions have read, and forgets the records: after a restart functions hear of nothing until a table has
changed as often as before.

References
----------
.. [1] DynamoDB developer guide, "Change data capture for DynamoDB Streams": records are kept for 24 hours.
"""

from __future__ import annotations

import copy
from typing import Any

from ministack.core.persistence import load_state
from ministack.services import dynamodb

from local_cloud.adapters.patching import require
from local_cloud.adapters.snapshots import register
from local_cloud.settings import Settings

_NAME = "table_streams"


def install(settings: Settings) -> None:
    """Take over what was saved, and save it together with the emulator's own state."""
    require(dynamodb, "stream_records_since", "table_name position limit account_id region")
    if state := load_state(_NAME):
        dynamodb._stream_records._data.update(state["records"]._data)
        dynamodb._stream_trimmed._data.update(state["trimmed"]._data)
        dynamodb._stream_seq_counter = max(dynamodb._stream_seq_counter, state["sequence"])
    register(_NAME, _dump)


def _dump() -> dict[str, Any]:
    return {
        "records": copy.deepcopy(dynamodb._stream_records),
        "trimmed": copy.deepcopy(dynamodb._stream_trimmed),
        "sequence": dynamodb._stream_seq_counter,
    }
