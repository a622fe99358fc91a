"""Predictions with their labels, as a table for Athena."""

from __future__ import annotations

from infra.projected_table import TableDefinition

_COLUMNS = {
    "_event_id": ("string", "of the request, as it was captured"),
    "_inference_id": ("string", "the caller's own, if it sent one"),
    "_row": ("int", "which row of the request; 0 is the first"),
    "_time": ("timestamp", "when the endpoint answered, UTC"),
    "_entity": ("string", "the row's id, if the request or the label had it"),
    "_prediction": ("string", "what was answered"),
    "_score": ("double", "the number, or the probability of the positive class or of the answered label"),
    "_label": ("string", "what turned out to be true"),
    "_labelled_at": ("timestamp", "when somebody said so, UTC"),
    "_source": ("string", "the file that the label came with, and its version"),
    "_join": (
        "string",
        "the join that has changed the row last; its rows are incoming/feedback/<_join>.parquet",
    ),
    "_joined_at": ("timestamp", "when that join began, UTC"),
}

LABELLED = TableDefinition(
    "labelled_predictions",
    description="Predictions whose labels have come",
    folder="labelled",
    columns=_COLUMNS,
    date_of="day of the prediction",
)
"""``labelled/date=<d>/``; ``join_feedback`` adds the features when it is known what they are."""
