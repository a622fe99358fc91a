"""The block `endpoint.asynchronous`: requests that wait in a queue, answers that are put into the bucket."""

from __future__ import annotations

from pydantic import Field

from headrace.config.block import Block


class Asynchronous(Block):
    """How an asynchronous endpoint works off its queue, and what becomes of the answers.

    Examples
    --------
    >>> block = Asynchronous()
    >>> block.concurrent_requests, block.max_request_mb, block.notify, block.keep_days
    (4, 50, False, 30)
    """

    concurrent_requests: int = Field(
        4, ge=1, le=1000, description="Requests that one instance works on at the same time."
    )
    max_request_mb: int = Field(
        50,
        ge=6,
        le=200,
        description="What one request may be at most, in MB; the container refuses more (413).",
    )
    notify: bool = Field(
        False,
        description="Whether each answer and each failure is told to an SNS topic, one topic for either.",
    )
    keep_days: int = Field(
        30,
        ge=1,
        le=3650,
        description="After so many days inputs, answers and failures are deleted from the bucket.",
    )
