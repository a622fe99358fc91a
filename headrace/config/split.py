"""The block `split`: which rows a model learns from, and which judge it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal

from pydantic import Field

from headrace.config.block import Block, Column

if TYPE_CHECKING:
    from headrace.config.agreement import Finding
    from headrace.config.pipeline import Pipeline

_LARGEST_HELD_OUT = 2 / 3
_DEALT = ("test_share", "validation_share", "seed")
"""What says how rows are dealt, where no column says it."""


class Split(Block):
    """How rows are dealt to training, validation and test."""

    by: Literal["random", "stratified", "time", "group", "column"] = Field(
        "random",
        description="By a hash of the row's id; the same, with every label in its share; by the time column; by a hash "
        "of the group column; or as a column of the files says.",
    )
    test_share: float = Field(0.2, gt=0, le=0.5, description="Share of rows kept untouched to judge models.")
    validation_share: float = Field(
        0.1, gt=0, le=0.5, description="Share of rows for metrics while training."
    )
    group: Column | None = Field(None, description="Column whose rows stay together; needed by `by: group`.")
    column: Column | None = Field(
        None,
        description="Column that says train, validation or test, which no model sees; needed by `by: column`.",
    )
    seed: int = Field(
        7, ge=0, description="Changes the deal; a row keeps its part as long as the seed stays."
    )


def split_disagreements(pipeline: Pipeline) -> list[Finding]:
    """Return what does not fit in the block, and between it and the columns."""
    split, target, column = pipeline.split, pipeline.target, pipeline.split.column
    shares = split.test_share + split.validation_share
    other = {target: "the target", pipeline.id: "the id", pipeline.time: "the time column"}
    found = [
        ("by", "is time, but no `time` column is named", split.by == "time" and not pipeline.time),
        ("by", "is group, but no `split.group` is named", split.by == "group" and not split.group),
        ("by", "is column, but no `split.column` is named", split.by == "column" and not column),
        (
            "by",
            "is stratified, which deals label by label, and a regression has none: use random",
            split.by == "stratified" and pipeline.problem == "regression",
        ),
        ("group", "is named, but `split.by` is not group", split.by != "group" and bool(split.group)),
        ("group", f"the target {target!r} cannot be the group", split.group == target),
        ("column", "is named, but `split.by` is not column", split.by != "column" and bool(column)),
        ("column", f"{column!r} is {other.get(column)}, which cannot say the part", column in other),
        (
            "column",
            f"{column!r} is no feature: no model sees it in any case",
            column in pipeline.columns or column in pipeline.ignore,
        ),
        *(
            (
                name,
                f"means nothing, because {column!r} says the part of each row: leave it out",
                split.by == "column" and getattr(split, name) != Split.model_fields[name].default,
            )
            for name in _DEALT
        ),
        (
            "test_share",
            "and validation_share leave less than a third of the rows for training",
            shares > _LARGEST_HELD_OUT,
        ),
    ]
    return [(("split", name), text) for name, text, wrong in found if wrong and (column or name != "column")]
