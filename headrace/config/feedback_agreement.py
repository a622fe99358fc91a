"""What must hold between the block `feedback` and the rest of a pipeline file."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from headrace.config.agreement import Finding
    from headrace.config.pipeline import Pipeline


def feedback_disagreements(pipeline: Pipeline) -> list[Finding]:
    """Return what is wrong between the block `feedback` and other fields."""
    block = pipeline.feedback
    if block is None:
        return []
    found = [
        (
            ("feedback", "join"),
            "is entity, but no `id` is named, by which requests would say of whom they are",
            block.join == "entity" and not pipeline.id,
        ),
        (
            ("feedback", "train"),
            "would have rows cleaned a second time by `cleaning.steps`: set it to false, and drop labelled rows yourself",
            block.train and bool(pipeline.cleaning.steps),
        ),
        (
            ("feedback", "train"),
            "needs an `id`: without one nothing tells a row of feedback from the same row that comes by another way",
            block.train and not pipeline.id,
        ),
    ]
    return [(path, text) for path, text, wrong in found if wrong]
