"""Predictions and labels as they are in a running pipeline, for tests of feedback."""

from datetime import datetime

import pyarrow as pa

from headrace.ml.contract import ColumnSchema, Contract
from headrace.ml.feedback_labels import LABELS
from headrace.ml.prediction_columns import COLUMNS

PREDICTED = pa.schema({**COLUMNS, "temp": pa.float64(), "season": pa.string()})
CONTRACT = Contract(
    "binary",
    (
        ColumnSchema("customer", "category", "id"),
        ColumnSchema("temp", "number"),
        ColumnSchema("season", "category"),
        ColumnSchema("churned", "category", "target", allowed=("0", "1")),
    ),
)


def at(text):
    """Return a moment of January 2026: ``"12 09:30"`` is half past nine on the twelfth."""
    return datetime.fromisoformat(f"2026-01-{text}")


def predictions(*rows):
    """Return recorded predictions of (moment, inference id, entity), each the only row of its request."""
    found = [
        {
            "_event_id": f"event-{moment}-{inference_id}-{entity}",
            "_inference_id": inference_id,
            "_row": 0,
            "_time": at(moment),
            "_entity": entity,
            "_prediction": "1",
            "_score": 0.5 + number,
            "temp": number / 10,
            "season": "winter",
        }
        for number, (moment, inference_id, entity) in enumerate(rows)
    ]
    return pa.Table.from_pylist(found, PREDICTED)


def labels(*rows, received_at="20 00:00"):
    """Return accepted labels: dictionaries with what differs from the others."""
    usual = {"row": 0, "label": "1", "received_at": at(received_at), "source": "feedback/a.csv#v1"}
    found = []
    for given in rows:
        row = {**usual, **given}
        row["labelled_at"] = row.get("labelled_at", row["received_at"])
        row["at"] = row.get("at", row["labelled_at"])
        found.append(row)
    return pa.Table.from_pylist(found, LABELS)
