"""What compliance packs ask and what costs money or quota: one switch for all of it."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator

    from headrace.config.agreement import Finding
    from headrace.config.pipeline import Pipeline

_INSTANCES = 2
"""Security Hub's control SageMaker.4: an endpoint survives the loss of one."""


def compliance_disagreements(pipeline: Pipeline) -> Iterator[Finding]:
    """Yield what `compliance: strict` does not bear."""
    if pipeline.compliance != "strict":
        return
    strict = "which `compliance: strict` does not allow"
    if pipeline.network.kind == "public":
        yield ("network",), f"is public, {strict}: say `private`, or name an existing one"
    if pipeline.endpoint.kind == "serverless":
        yield ("endpoint", "kind"), f"is serverless, in no network and not isolated, {strict}"
    if pipeline.endpoint.has_instances and pipeline.endpoint.instances < _INSTANCES:
        yield ("endpoint", "instances"), f"are fewer than {_INSTANCES}, {strict}"
    if pipeline.on_destroy == "delete":
        yield ("on_destroy",), f"is delete, {strict}: say `retain`"
