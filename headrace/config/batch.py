"""The block `endpoint.batch`: whole files that are answered at once."""

from __future__ import annotations

from typing import Literal

from pydantic import Field

from headrace.config.block import Block, Column, Instance
from headrace.config.schedules import Schedule


class Batch(Block):
    """Files under ``batch/`` that are answered by a transform job, into ``predictions/``.

    Examples
    --------
    >>> batch = Batch(columns="all")
    >>> batch.instance, batch.schedule, batch.format, batch.columns
    ('ml.m5.large', None, 'csv', 'all')
    """

    instance: Instance = Field("ml.m5.large", description="Instance type of the transform jobs.")
    instances: int = Field(
        1, ge=1, le=100, description="How many instances share a file that is large enough for several."
    )
    schedule: Schedule | None = Field(
        None,
        description="When files are answered: EventBridge Scheduler's rate(...) or cron(...), in UTC; none means each as "
        "it comes.",
    )
    max_concurrent: int = Field(
        2, ge=1, le=20, description="Files that are answered at the same time; others wait for their turn."
    )
    format: Literal["csv", "jsonlines", "parquet"] = Field("csv", description="Of the files of predictions.")
    columns: tuple[Column, ...] | Literal["all"] = Field(
        (),
        description="Columns of the file that stand beside its predictions, or all; left out, the `id`, or the row's "
        "number where the pipeline has none.",
    )
