"""Where the model answers."""

from __future__ import annotations

from typing import Literal

from pydantic import Field

from headrace.config.block import Block, Instance


class Endpoint(Block):
    """Where the model answers."""

    kind: Literal["serverless", "realtime"] = Field(
        "serverless", description="Serverless scales to zero; realtime keeps instances running."
    )
    memory_mb: Literal[1024, 2048, 3072, 4096, 5120, 6144] = Field(
        2048, description="Serverless: memory, in MB."
    )
    max_concurrency: int = Field(5, ge=1, le=200, description="Serverless: requests at the same time.")
    instance: Instance = Field("ml.m5.large", description="Realtime: instance type.")
    instances: int = Field(2, ge=1, le=100, description="Realtime: how many; two survive the loss of one.")
    capture_share: float = Field(
        1.0, gt=0, le=1, description="Share of requests that are captured for monitoring."
    )
