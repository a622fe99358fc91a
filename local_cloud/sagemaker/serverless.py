"""A serverless variant: a bounded number of requests at the same time, on containers that come and go.

References
----------
.. [1] SageMaker developer guide, "Deploy models with Amazon SageMaker Serverless Inference".
.. [2] SageMaker developer guide, "Alarms and logs for tracking metrics from serverless endpoints".
"""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import replace

from local_cloud.clock import Clock
from local_cloud.sagemaker.answers import Answer, Metric, timed
from local_cloud.sagemaker.errors import ApiError, JobError
from local_cloud.sagemaker.instances import Server
from local_cloud.sagemaker.records import Record
from local_cloud.sagemaker.servers import INVOKE_S
from local_cloud.sagemaker.slots import Slots
from local_cloud.sagemaker.warm_pool import WarmPool


class Serverless:
    """A variant without instances, whose first container comes with the endpoint.

    Parameters
    ----------
    start : callable
        Starts one server; ``JobError`` if it is not healthy.
    config : Record
        The variant's ``ServerlessConfig``.
    most : int
        How many servers there are at most.
    clock : Clock
        By which a server is idle.
    """

    def __init__(self, start: Callable[[], Server], config: Record, most: int, clock: Clock) -> None:
        self._pool = WarmPool(start, most, clock)
        # All at the same time: if one fails, the others are ended.
        self._pool.warm_up(max(1, config.get("ProvisionedConcurrency", 0)))
        self.reconfigure(config)

    def ask(self, body: bytes, headers: dict[str, str], timeout_s: float = INVOKE_S) -> Answer:
        """Have a container answer; ``ThrottlingException`` beyond the variant's concurrency."""
        slots, config = self._slots, self._config
        taken = slots.take()
        if taken is None:
            raise ApiError("ThrottlingException", "Rate exceeded", 429)
        try:
            answer, setup = self._ask(body, headers, timeout_s)
        finally:
            slots.give_back()
        return replace(answer, measured={**setup, **_measured(taken, config)})

    def reconfigure(self, config: Record) -> None:
        """Answer as many requests at the same time, and keep as many containers warm, as `config` says from now on.

        Raises
        ------
        JobError
            If a container that is to be kept warm is not healthy; then everything is as before.
        """
        self._pool.keep(config.get("ProvisionedConcurrency", 0))
        self._slots, self._config = Slots(config["MaxConcurrency"]), config

    def end_idle(self) -> None:
        """End containers that nobody has needed for long."""
        self._pool.end_idle()

    def stop(self) -> None:
        """End all containers now."""
        self._pool.stop()

    def _ask(
        self, body: bytes, headers: dict[str, str], timeout_s: float
    ) -> tuple[Answer, dict[str, Metric]]:
        try:
            with self._pool.server() as (server, setup_s):
                answer = timed(lambda: server.invoke(body, headers, timeout_s))
        except JobError as failure:
            return Answer(500, json.dumps({"message": str(failure)}).encode(), {}), {}
        return answer, {} if setup_s is None else {"ModelSetupTime": (1e6 * setup_s, "Microseconds")}


def _measured(taken: float, config: Record) -> dict[str, Metric]:
    """Return the metrics of a request that was among this share of the concurrency."""
    measured: dict[str, Metric] = {"ServerlessConcurrentExecutionsUtilization": (taken, "None")}
    provisioned = config.get("ProvisionedConcurrency")
    if not provisioned:
        return measured
    concurrent = round(taken * config["MaxConcurrency"])
    spilt = concurrent > provisioned
    return measured | {
        "ServerlessProvisionedConcurrencyExecutions": (float(concurrent), "Count"),
        "ServerlessProvisionedConcurrencyUtilization": (concurrent / provisioned, "None"),
        "ServerlessProvisionedConcurrencyInvocations": (float(not spilt), "Count"),
        "ServerlessProvisionedConcurrencySpilloverInvocations": (float(spilt), "Count"),
    }
