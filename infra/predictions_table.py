"""What was predicted, as a table for Athena."""

from __future__ import annotations

from infra.projected_table import TableDefinition

_COLUMNS = {
    "_event_id": ("string", "of the request; no other has it"),
    "_inference_id": ("string", "the caller's own id of the request, if it sent one"),
    "_row": ("int", "place of the row in the request, from 0"),
    "_time": ("timestamp", "when the endpoint answered, in UTC"),
    "_entity": ("string", "what the row is about: the id column, if the request had it"),
    "_prediction": ("string", "the label or the number that was answered"),
    "_score": (
        "double",
        "the number; of two labels the probability of the second one, of more that of the label that was answered",
    ),
}

PREDICTIONS = TableDefinition(
    "predictions",
    description="What the endpoint was asked and what it answered, a row for each prediction",
    folder="predictions",
    columns=_COLUMNS,
    date_of="day of the capture",
    enums={"variant": ("v1", "who answered")},
)
"""``predictions/variant=<v>/date=<d>/``; ``record_predictions`` adds features and variants when a model answers first."""
