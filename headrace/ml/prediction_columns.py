"""What is recorded of every prediction, whatever the model: the recorder writes it, labels are joined to it."""

from __future__ import annotations

import pyarrow as pa

COLUMNS = {
    "_event_id": pa.string(),
    "_inference_id": pa.string(),
    "_row": pa.int32(),
    "_time": pa.timestamp("us"),
    "_entity": pa.string(),
    "_prediction": pa.string(),
    "_score": pa.float64(),
}
"""The columns that every prediction has; the model's features follow, and are called otherwise."""
