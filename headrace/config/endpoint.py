"""Where the model answers."""

from __future__ import annotations

from typing import Literal

from pydantic import Field

from headrace.config.asynchronous import Asynchronous
from headrace.config.batch import Batch
from headrace.config.block import Block, Instance
from headrace.config.front import Front
from headrace.config.scaling import Scaling


class Endpoint(Block):
    """Where the model answers.

    Examples
    --------
    >>> Endpoint(kind="batch").batches == Batch(), Endpoint().batches is None
    (True, True)
    >>> Endpoint(kind="asynchronous").has_instances, Endpoint(kind="asynchronous").logs_requests
    (True, True)
    """

    kind: Literal["serverless", "realtime", "asynchronous", "batch"] = Field(
        "serverless",
        description="Serverless scales to zero; realtime keeps instances running; asynchronous keeps them too, takes "
        "requests from the bucket and puts the answers there; batch has no endpoint, and answers files.",
    )
    memory_mb: Literal[1024, 2048, 3072, 4096, 5120, 6144] = Field(
        2048, description="Serverless: memory, in MB."
    )
    max_concurrency: int = Field(5, ge=1, le=200, description="Serverless: requests at the same time.")
    provisioned_concurrency: int | None = Field(
        None,
        ge=1,
        le=200,
        description="Serverless: so many of them never wait for a start, and bill around the clock; none by default.",
    )
    instance: Instance = Field("ml.m5.large", description="Realtime and asynchronous: instance type.")
    instances: int = Field(
        2,
        ge=1,
        le=100,
        description="Realtime and asynchronous: how many; two survive the loss of one. With `scaling`: how many at first.",
    )
    scaling: Scaling | None = Field(
        None,
        description="Realtime and asynchronous: adds and removes instances with the load; left out, `instances` stay.",
    )
    asynchronous: Asynchronous = Field(
        default_factory=Asynchronous, description="Asynchronous: the queue, and what becomes of the answers."
    )
    capture_share: float = Field(
        1.0, gt=0, le=1, description="Share of requests that are captured for monitoring."
    )
    front: Front | None = Field(
        None,
        description="An API before a serverless or real-time endpoint, for callers by HTTPS; left out, there is none.",
    )
    batch: Batch | None = Field(
        None,
        description="Files under batch/ that are answered whole, beside the endpoint or, with the kind batch, instead of it.",
    )

    @property
    def exists(self) -> bool:
        """Whether there is an endpoint at all."""
        return self.kind != "batch"

    @property
    def batches(self) -> Batch | None:
        """How files are answered; None if none are."""
        return self.batch or (Batch() if self.kind == "batch" else None)

    @property
    def has_instances(self) -> bool:
        """Whether it runs on instances that the pipeline file counts."""
        return self.kind in ("realtime", "asynchronous")

    @property
    def logs_requests(self) -> bool:
        """Whether its container logs what it answered, because SageMaker's DataCapture does not know this kind."""
        return self.kind in ("serverless", "asynchronous")
