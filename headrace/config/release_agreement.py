"""What must hold between the block `release` and the rest of a pipeline file."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from headrace.config.agreement import Finding
    from headrace.config.pipeline import Pipeline


def release_disagreements(pipeline: Pipeline) -> list[Finding]:
    """Return what is wrong: the field's path, and what about it.

    Examples
    --------
    >>> from headrace.config.pipeline import Pipeline
    >>> Pipeline(name="bike", problem="regression", target="cnt", release={"strategy": "canary"})
    Traceback (most recent call last):
    pydantic_core._pydantic_core.ValidationError: 1 validation error for Pipeline
      Value error, release.strategy: is canary, but only a realtime endpoint has two models at once, and endpoint.kind is serverless ...
    """
    release, kind = pipeline.release, pipeline.endpoint.kind
    compares = release.strategy in ("ab", "shadow")
    found = [
        (
            ("release", "strategy"),
            f"is {release.strategy}, but only a realtime endpoint has two models at once, and endpoint.kind is {kind}",
            release.strategy != "all_at_once" and kind != "realtime",
        ),
        (
            ("release", "share"),
            f"is named, but with strategy {release.strategy} there is no such share",
            release.share is not None and release.strategy in ("all_at_once", "linear"),
        ),
        (
            ("release", "share"),
            "leaves the model in service no requests to be compared by",
            release.strategy == "ab" and release.share == 1,
        ),
        (
            ("release", "metric"),
            "is labels, but there is no block `feedback`, by which labels come",
            compares and release.metric == "labels" and pipeline.feedback is None,
        ),
        (
            ("release", "max_days"),
            "is over before all steps are: name more days, fewer steps or shorter ones",
            release.by_steps and len(release.shares) * release.interval_s > release.longest_s,
        ),
    ]
    return [(path, text) for path, text, wrong in found if wrong]
