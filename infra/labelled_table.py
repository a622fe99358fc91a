"""Predictions with their labels, as a table for Athena."""

from __future__ import annotations

from infra.predictions_table import PREDICTIONS
from infra.projected_table import TableDefinition

_COLUMNS = {
    **PREDICTIONS.columns,
    "_entity": ("string", "what the row is about: the id column, if the request or the label had it"),
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
