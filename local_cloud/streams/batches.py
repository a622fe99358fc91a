"""What Lambda does with a batch of a stream after its function was called: go on, cut, try again, give up.

References
----------
.. [1] AWS Lambda developer guide, "Configuring partial batch response with Kinesis Data Streams and Lambda".
.. [2] AWS Lambda developer guide, "Retain discarded batch records for a Kinesis Data Streams event source in Lambda".
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from local_cloud.streams.shard import Record

FOREVER = -1
LONGEST_AGE = "MaxRecordAgeExceeded"
MOST_RETRIES = "RetryAttemptsExhausted"


@dataclass(frozen=True)
class Options:
    """How a mapping reads, in the terms of ``CreateEventSourceMapping``."""

    batch_size: int = 100
    window_s: float = 0
    max_retries: int = FOREVER
    max_age_s: int = FOREVER
    bisect: bool = False
    reports_failures: bool = False

    @classmethod
    def of(cls, mapping: Mapping[str, Any]) -> Options:
        """Read a mapping; what it leaves out has Lambda's default.

        Examples
        --------
        >>> Options.of({"BatchSize": 10, "FunctionResponseTypes": ["ReportBatchItemFailures"]}).reports_failures
        True
        """
        return cls(
            batch_size=int(mapping.get("BatchSize") or 100),
            window_s=float(mapping.get("MaximumBatchingWindowInSeconds") or 0),
            max_retries=int(_given(mapping, "MaximumRetryAttempts")),
            max_age_s=int(_given(mapping, "MaximumRecordAgeInSeconds")),
            bisect=str(mapping.get("BisectBatchOnFunctionError")).lower() == "true",
            reports_failures="ReportBatchItemFailures" in (mapping.get("FunctionResponseTypes") or ()),
        )


def _given(mapping: Mapping[str, Any], name: str) -> Any:
    found = mapping.get(name)
    return FOREVER if found is None else found


@dataclass(frozen=True)
class Batch:
    """Records that are handed over together, and how often they were tried again."""

    records: tuple[Record, ...]
    retries: int = 0


@dataclass(frozen=True)
class Result:
    """What a function answered: an error, or a response."""

    failed: bool
    response: Any = None


def left_over(batch: Batch, result: Result, options: Options) -> list[Batch]:
    """Return what must be handed over again, in order; nothing after a success.

    A cut, be it in the middle or where the function says, does not use up a retry.
    """
    first = 0 if result.failed else _first_failed(batch, result.response, options)
    if first is None:
        return []
    if first > 0:
        return [Batch(batch.records[first:], batch.retries)]
    if options.bisect and result.failed and len(batch.records) > 1:
        middle = len(batch.records) // 2
        return [Batch(batch.records[:middle], batch.retries), Batch(batch.records[middle:], batch.retries)]
    return [Batch(batch.records, batch.retries + 1)]


def _first_failed(batch: Batch, response: Any, options: Options) -> int | None:
    """Return the position from which to go on, by the lowest sequence number that is reported; None after a success."""
    failures = response.get("batchItemFailures") if isinstance(response, dict) else None
    if not options.reports_failures or not failures:
        return None
    positions = {record.sequence_number: index for index, record in enumerate(batch.records)}
    named = [failure.get("itemIdentifier") if isinstance(failure, dict) else None for failure in failures]
    # A failure without a sequence number, or with one that was not handed over, makes all fail.
    return min(positions.get(str(name), 0) for name in named)


def too_old(batch: Batch, options: Options, now: float) -> tuple[Batch, Batch]:
    """Return the records of `batch` that have become too old, and the others."""
    if options.max_age_s == FOREVER:
        return Batch(()), batch
    count = sum(record.arrived_at < now - options.max_age_s for record in batch.records)
    return Batch(batch.records[:count], batch.retries), Batch(batch.records[count:], batch.retries)


def exhausted(batch: Batch, options: Options) -> bool:
    """Tell whether `batch` has been tried as often as it may."""
    return options.max_retries != FOREVER and batch.retries > options.max_retries
