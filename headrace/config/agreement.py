"""What must hold between the fields of a pipeline file."""

from __future__ import annotations

from typing import TYPE_CHECKING

from headrace.config.alarm_agreement import alarm_disagreements
from headrace.config.audit import audit_disagreements
from headrace.config.batch_agreement import batch_disagreements
from headrace.config.compliance import compliance_disagreements
from headrace.config.data_window import window_disagreements
from headrace.config.endpoint_agreement import endpoint_disagreements
from headrace.config.evaluation import evaluation_disagreements
from headrace.config.evidence import evidence_disagreements
from headrace.config.feature_agreement import feature_disagreements
from headrace.config.feedback_agreement import feedback_disagreements
from headrace.config.front import front_disagreements
from headrace.config.monitoring import monitoring_disagreements
from headrace.config.network import network_disagreements
from headrace.config.privacy_agreement import privacy_disagreements
from headrace.config.quality import quality_disagreements
from headrace.config.release_agreement import release_disagreements
from headrace.config.retention import retention_disagreements
from headrace.config.scale_agreement import scale_disagreements
from headrace.config.scaling import scaling_disagreements
from headrace.config.split import split_disagreements
from headrace.config.training_agreement import training_disagreements
from headrace.config.tuning_agreement import tuning_disagreements

if TYPE_CHECKING:
    from headrace.config.pipeline import Pipeline

_LEAST_MINUTES = 5
_MOST_MINUTES = 7 * 24 * 60

Finding = tuple[tuple[str | int, ...], str]
"""The field, as the path of its names and places in lists, and what is wrong with it."""


class DisagreementError(ValueError):
    """Fields that are right one by one do not fit together.

    Attributes
    ----------
    findings : list of (path, str)
        All that was found.
    """

    def __init__(self, findings: list[Finding]) -> None:
        self.findings = findings
        super().__init__("; ".join(f"{'.'.join(map(str, path))}: {text}" for path, text in findings))


def disagreements(pipeline: Pipeline) -> list[Finding]:
    """Return what is wrong between fields, in the order of the file.

    Examples
    --------
    >>> from headrace.config.pipeline import Pipeline
    >>> Pipeline(name="bike", problem="regression", target="cnt", split={"by": "time"})
    Traceback (most recent call last):
    pydantic_core._pydantic_core.ValidationError: 1 validation error for Pipeline
      Value error, split.by: is time, but no `time` column is named ...
    """
    checks = (
        _columns,
        split_disagreements,
        _database,
        _arrival,
        privacy_disagreements,
        feature_disagreements,
        training_disagreements,
        tuning_disagreements,
        scale_disagreements,
        _retraining,
        evaluation_disagreements,
        evidence_disagreements,
        quality_disagreements,
        release_disagreements,
        alarm_disagreements,
        endpoint_disagreements,
        front_disagreements,
        batch_disagreements,
        scaling_disagreements,
        _stream,
        _large_data,
        monitoring_disagreements,
        feedback_disagreements,
        window_disagreements,
        network_disagreements,
        retention_disagreements,
        audit_disagreements,
        compliance_disagreements,
    )
    return [finding for check in checks for finding in check(pipeline)]


def _columns(pipeline: Pipeline) -> list[Finding]:
    target, id, time = pipeline.target, pipeline.id, pipeline.time
    unseen = "which no model sees in any case"
    found = [
        (("target",), f"{target!r} cannot also be the id", target == id),
        (("target",), f"{target!r} cannot also be the time column", target == time),
        (("time",), f"{time!r} cannot also be the id", time is not None and time == id),
        (("ignore",), f"the target {target!r} cannot be ignored", target in pipeline.ignore),
        (
            ("columns",),
            f"{target!r} is the target, and `columns` is for features",
            target in pipeline.columns,
        ),
        (("ignore",), f"{id!r} is the id, {unseen}", id in pipeline.ignore),
        (("ignore",), f"{time!r} is the time column, {unseen}", time in pipeline.ignore),
        (("columns",), f"{id!r} is the id, and `columns` is for features", id in pipeline.columns),
        (
            ("columns",),
            f"{time!r} is the time column: a datetime or a number",
            pipeline.columns.get(time or "") in ("category", "boolean"),
        ),
    ]
    return [(path, text) for path, text, wrong in found if wrong]


def _database(pipeline: Pipeline) -> list[Finding]:
    if pipeline.database is None or pipeline.database.watermark or pipeline.id:
        return []
    why = (
        "is not named, so all rows come again each time, and without an `id` nothing tells which they replace"
    )
    return [(("database", "watermark"), why)]


def _arrival(pipeline: Pipeline) -> list[Finding]:
    train, schedule, on = pipeline.arrival.train, pipeline.arrival.schedule, pipeline.retraining.on
    scheduled = train == "schedule"
    found = [
        (("arrival", "train"), "is schedule, but no `arrival.schedule` is named", scheduled and not schedule),
        (
            ("arrival", "schedule"),
            "is named, but `arrival.train` is not schedule",
            not scheduled and bool(schedule),
        ),
        (
            ("arrival", "train"),
            "is schedule, but `retraining.on` does not name schedule: only a first model would be trained",
            scheduled and "schedule" not in on,
        ),
    ]
    return [(path, text) for path, text, wrong in found if wrong]


def _retraining(pipeline: Pipeline) -> list[Finding]:
    block, instance = pipeline.retraining, pipeline.training.instance
    found = [
        (
            ("retraining", "new_rows"),
            "is needless, because `retraining.on` names new_data: every acceptance trains",
            block.new_rows is not None and "new_data" in block.on,
        ),
        (
            ("retraining", "new_rows"),
            f"is less than retraining.min_new_rows ({block.min_new_rows}), below which nothing is trained",
            block.new_rows is not None and block.new_rows < block.min_new_rows,
        ),
        (
            ("retraining", "max_usd_per_month"),
            f"is a cap, but what an hour of {instance} costs is not known: name it in training.usd_per_hour",
            block.max_usd_per_month is not None and pipeline.training.hourly_usd is None,
        ),
    ]
    return [(path, text) for path, text, wrong in found if wrong]


def _stream(pipeline: Pipeline) -> list[Finding]:
    stream = pipeline.stream
    if stream is None:
        return []
    largest = pipeline.ingest.max_file_mb
    minutes, kept = stream.max_age_minutes, 60 * stream.retention_hours
    found = [
        (
            ("stream",),
            "has neither training nor scoring: switch one on, or leave the block out",
            not (stream.training or stream.scoring),
        ),
        (
            ("stream", "shards"),
            "are Kinesis's to count, because on_demand is true: leave them out",
            stream.on_demand and stream.shards > 1,
        ),
        (
            ("stream", "buffer_mb"),
            f"is more than ingest.max_file_mb ({largest}), so the files would be refused",
            stream.training and stream.buffer_mb > largest and pipeline.large_data is None,
        ),
        (
            ("stream", "max_age_minutes"),
            f"is longer than records stay in the stream ({kept} minutes, by retention_hours)",
            stream.scoring and minutes > kept,
        ),
    ]
    return [(path, text) for path, text, wrong in found if wrong]


def _large_data(pipeline: Pipeline) -> list[Finding]:
    block = pipeline.large_data
    if block is None:
        return []
    found = [
        (
            ("large_data", "max_dpu_hours"),
            f"lets {block.workers} workers of type {block.worker} run for less than five minutes: name more, or fewer workers",
            block.timeout_minutes < _LEAST_MINUTES,
        ),
        (
            ("large_data", "max_dpu_hours"),
            f"lets {block.workers} workers of type {block.worker} run for more than the seven days that Glue allows",
            block.timeout_minutes > _MOST_MINUTES,
        ),
        (
            ("large_data", "max_gb"),
            f"is not more than ingest.max_file_mb ({pipeline.ingest.max_file_mb} MB), so nothing would be large",
            1024 * block.max_gb <= pipeline.ingest.max_file_mb,
        ),
    ]
    return [(path, text) for path, text, wrong in found if wrong]
