"""A serverless variant: a container that answers a bounded number of requests at the same time.

References
----------
.. [1] SageMaker developer guide, "Alarms and logs for tracking metrics from serverless endpoints".
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

from local_cloud.sagemaker.answers import Answer, timed
from local_cloud.sagemaker.errors import ApiError
from local_cloud.sagemaker.instances import Server
from local_cloud.sagemaker.records import Record
from local_cloud.sagemaker.servers import INVOKE_S
from local_cloud.sagemaker.slots import Slots


class Serverless:
    """A variant without instances.

    Parameters
    ----------
    start : callable
        Starts one server; ``JobError`` if it is not healthy.
    config : Record
        The variant's ``ServerlessConfig``.
    """

    def __init__(self, start: Callable[[], Server], config: Record) -> None:
        self._slots = Slots(config["MaxConcurrency"])
        self._server = start()

    def ask(self, body: bytes, headers: dict[str, str], timeout_s: float = INVOKE_S) -> Answer:
        """Have the container answer; ``ThrottlingException`` beyond the variant's concurrency."""
        slots = self._slots
        taken = slots.take()
        if taken is None:
            raise ApiError("ThrottlingException", "Rate exceeded", 429)
        try:
            answer = timed(lambda: self._server.invoke(body, headers, timeout_s))
        finally:
            slots.give_back()
        return replace(answer, measured={"ServerlessConcurrentExecutionsUtilization": (taken, "None")})

    def reconfigure(self, config: Record) -> None:
        """Answer as many requests at the same time as `config` says from now on."""
        self._slots = Slots(config["MaxConcurrency"])

    def stop(self) -> None:
        """End the container."""
        self._server.stop()
