"""The block `stream`: records instead of files."""

from __future__ import annotations

from pydantic import Field

from headrace.config.block import Block


class Stream(Block):
    """Records that come one by one, through Kinesis: labelled ones to learn from, others to be answered at once.

    Examples
    --------
    >>> stream = Stream(scoring=True)
    >>> stream.shards, stream.batch_records
    (1, 100)
    """

    training: bool = Field(
        False, description="Whether labelled records are taken in, as files that Firehose writes."
    )
    scoring: bool = Field(
        False, description="Whether records are answered by the endpoint, into a stream of predictions."
    )
    shards: int = Field(
        1, ge=1, le=200, description="Shards of each stream, each for 1 MB or 1000 records a second."
    )
    on_demand: bool = Field(
        False, description="Whether Kinesis scales by itself instead; it costs more while little comes."
    )
    retention_hours: int = Field(
        24, ge=24, le=8760, description="How long records stay in the streams, in hours."
    )
    buffer_seconds: int = Field(
        300, ge=1, le=900, description="Training: a file is written at least so often, in seconds."
    )
    buffer_mb: int = Field(64, ge=1, le=128, description="Training: or as soon as so much has come, in MB.")
    batch_records: int = Field(
        100, ge=1, le=1000, description="Scoring: at most so many records are answered together."
    )
    batch_window_seconds: int = Field(
        0, ge=0, le=300, description="Scoring: how long a batch may wait to fill up, in seconds."
    )
    parallel_batches: int = Field(
        1,
        ge=1,
        le=10,
        description="Scoring: batches of one shard that are answered at the same time; records of one partition key keep "
        "their order.",
    )
    max_attempts: int = Field(
        100,
        ge=1,
        le=10_000,
        description="Scoring: a batch that fails so many times, because the endpoint fails, goes to the dead letters.",
    )
    max_age_minutes: int = Field(
        360,
        ge=1,
        le=10_080,
        description="Scoring: and so does what could not be answered within so many minutes.",
    )
