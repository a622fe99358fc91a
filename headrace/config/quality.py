"""How the quality of answers is watched once their labels come, and estimated before."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

from annotated_types import Len
from pydantic import AfterValidator, Field

from headrace.config.block import Block, Column

if TYPE_CHECKING:
    from headrace.config.agreement import Finding
    from headrace.config.pipeline import Pipeline


def _ascending(edges: tuple[float, ...]) -> tuple[float, ...]:
    if list(edges) != sorted(set(edges)):
        raise ValueError("the edges do not ascend")
    return edges


Edges = Annotated[tuple[float, ...], Len(1, 19), AfterValidator(_ascending)]


class Quality(Block):
    """When a loss of quality is one, and where it is looked for."""

    tolerated_drop: float | None = Field(
        None,
        gt=0,
        description="The smallest drop of `evaluation.metric` that raises an alarm, in the metric's unit. Left out: a tenth "
        "of what the model is better than the best constant answer.",
    )
    segments: Annotated[tuple[Column, ...], Len(max_length=10)] = Field(
        (), description="Features by whose values quality is told apart: categories, or numbers with `edges`."
    )
    edges: dict[Column, Edges] = Field(
        default_factory=dict,
        description="Ascending ends of the ranges in which a number of `segments` is cut, in its unit.",
    )
    min_labels: int = Field(
        100, ge=30, description="Quality of fewer labelled rows is not judged, of the whole or of a segment."
    )
    window_hours: int = Field(
        168, ge=1, le=24 * 90, description="Labels that came within so many hours are judged together."
    )


def quality_disagreements(pipeline: Pipeline) -> list[Finding]:
    """Return what is wrong between the segments and the columns."""
    quality, place = pipeline.monitoring.quality, ("monitoring", "quality")
    unseen = {pipeline.target, pipeline.id, pipeline.time, *pipeline.ignore}
    why = "is no feature, and only features are recorded with the answers"
    segments = [
        ((*place, "segments"), f"{column!r} {why}") for column in quality.segments if column in unseen
    ]
    edges = [
        ((*place, "edges", column), "is not among `segments`")
        for column in quality.edges
        if column not in quality.segments
    ]
    return [*segments, *edges]
