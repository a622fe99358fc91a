"""The block `retraining.data`: which of the accepted rows a model learns from."""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal

from pydantic import Field

from headrace.config.block import Block

if TYPE_CHECKING:
    from headrace.config.agreement import Finding
    from headrace.config.pipeline import Pipeline

_FIELDS = {"all": (), "recent": ("last_days", "last_rows"), "weighted": ("half_life_days", "half_life_rows")}


class DataWindow(Block):
    """Which rows a model learns from: all, the newest, or all with the newer ones weighing more.

    It holds for every training, so that the same rows are learned from in the same way. The test part is never cut.

    Examples
    --------
    >>> DataWindow(use="recent", last_days=90).reach
    ('days', 90.0)
    >>> DataWindow(use="weighted", half_life_rows=5000).reach
    ('rows', 5000.0)
    >>> DataWindow().reach is None
    True
    """

    use: Literal["all", "recent", "weighted"] = Field(
        "all",
        description="All rows; those of a recent window only; or all, the newer ones with more weight.",
    )
    last_days: float | None = Field(
        None, gt=0, description="recent: the window by the `time` column, in days before the newest row."
    )
    last_rows: int | None = Field(
        None, ge=1, description="recent: the window in rows, by the order in which they were accepted."
    )
    half_life_days: float | None = Field(
        None, gt=0, description="weighted: a row so many days older, by the `time` column, weighs half."
    )
    half_life_rows: int | None = Field(
        None, ge=1, description="weighted: a row accepted so many rows earlier weighs half."
    )
    min_rows: int = Field(
        500,
        ge=10,
        description="With fewer rows in the window, or weights worth fewer, all rows are learned from.",
    )

    @property
    def reach(self) -> tuple[Literal["days", "rows"], float] | None:
        """The unit, and the width of the window or the half-life in it; None if all rows count the same."""
        days, rows = self.last_days or self.half_life_days, self.last_rows or self.half_life_rows
        if days is not None:
            return "days", float(days)
        return None if rows is None else ("rows", float(rows))


def window_disagreements(pipeline: Pipeline) -> list[Finding]:
    """Return what does not fit in the block, and between it and the time column."""
    block = pipeline.retraining.data
    fields = _FIELDS[block.use]
    given = [name for names in _FIELDS.values() for name in names if getattr(block, name) is not None]
    found = [
        (name, f"is named, but `retraining.data.use` is {block.use}", name not in fields) for name in given
    ]
    own = [name for name in given if name in fields]
    found.append(
        ("use", f"is {block.use}: name one of {' and '.join(fields)}", bool(fields) and len(own) != 1)
    )
    by_time = [name for name in own if name.endswith("_days")]
    kind = pipeline.columns.get(pipeline.time or "")
    for name in by_time:
        found += [
            (
                name,
                f"counts days, but no `time` column is named: use {_in_rows(name)}",
                pipeline.time is None,
            ),
            (name, f"counts days, but {pipeline.time!r} is a number: use {_in_rows(name)}", kind == "number"),
        ]
    return [(("retraining", "data", name), text) for name, text, wrong in found if wrong]


def _in_rows(name: str) -> str:
    return name.replace("_days", "_rows")
