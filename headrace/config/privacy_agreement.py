"""What must hold between the block `privacy` and the rest of a pipeline file."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator

    from headrace.config.agreement import Finding
    from headrace.config.pipeline import Pipeline
    from headrace.config.privacy import Privacy


def privacy_disagreements(pipeline: Pipeline) -> Iterator[Finding]:
    """Yield what is wrong with the columns of the block, in the order of the file."""
    privacy = pipeline.privacy
    if privacy is None:
        return
    uses = _uses(pipeline)
    keys = {pipeline.id: "the id", pipeline.split.group: "split.group", privacy.subject: "the subject"}
    for column, treatment in privacy.personal.items():
        where = ("privacy", "personal", column)
        for use in uses.get(column, ()):
            yield where, f"{column!r} is {use}, which needs the values as they are"
        if treatment != "hash" and column in keys:
            yield where, f"{column!r} is {keys[column]}, which tells rows apart: use hash"
    yield from _of_large_data(pipeline, privacy)
    for column in privacy.not_personal:
        if column in privacy.personal:
            yield ("privacy", "not_personal"), f"{column!r} is declared to be personal"
    yield from _of_deletions(pipeline, privacy)
    if privacy.subject == pipeline.target:
        yield ("privacy", "subject"), f"{privacy.subject!r} is the target, which is no person"


def _of_large_data(pipeline: Pipeline, privacy: Privacy) -> Iterator[Finding]:
    for column in privacy.encrypted if pipeline.large_data else ():
        why = f"{column!r} cannot be encrypted beside `large_data`: AWS Glue has no library for it"
        yield ("privacy", "personal", column), why


def _of_deletions(pipeline: Pipeline, privacy: Privacy) -> Iterator[Finding]:
    feedback = pipeline.feedback
    if feedback and privacy.captured_days and privacy.captured_days < feedback.within_days:
        why = f"labels wait {feedback.within_days} days for predictions (feedback.within_days), which are to be deleted before"
        yield ("privacy", "captured_days"), why
    if privacy.legal_hold and pipeline.on_destroy == "delete":
        why = "nothing may be deleted, and `on_destroy: delete` would do so with the stacks: set it to retain"
        yield ("privacy", "legal_hold"), why


def _uses(pipeline: Pipeline) -> dict[str | None, list[str]]:
    """Return what columns are used for that a hash cannot serve, by column."""
    fairness, database = pipeline.evaluation.fairness, pipeline.database
    # Where an import has come to is in names of files, in the ledger and in executions.
    read_by = (database.watermark or pipeline.id,) if database else ()
    named = [
        (read_by, "what the database is read in the order of"),
        ((pipeline.target,), "the target"),
        ((pipeline.time,), "the time column"),
        ((pipeline.split.column,), "split.column"),
        (pipeline.columns, "declared in `columns`"),
        (pipeline.contract.columns, "in `contract.columns`"),
        (pipeline.monitoring.quality.segments, "a segment of `monitoring.quality`"),
        (fairness.columns if fairness else (), "compared by `evaluation.fairness`"),
        *((step.columns, f"cleaned by {step.step}") for step in pipeline.cleaning.steps),
        *((step.columns, f"a feature of {step.step}") for step in pipeline.features.steps),
    ]
    found: dict[str | None, list[str]] = {}
    for columns, use in named:
        for column in columns:
            found.setdefault(column, []).append(use)
    return found
