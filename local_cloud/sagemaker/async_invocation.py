"""InvokeEndpointAsync: requests wait in a queue until an instance has room for them.

References
----------
.. [1] SageMaker developer guide, "Asynchronous inference".
"""

from __future__ import annotations

import json
import logging
import threading
import time
from collections.abc import Callable, Mapping
from functools import partial

from local_cloud.sagemaker.answers import Metric, metric_data
from local_cloud.sagemaker.async_answers import AsyncAnswers
from local_cloud.sagemaker.async_queues import AsyncQueues
from local_cloud.sagemaker.async_requests import AsyncRequest, async_request
from local_cloud.sagemaker.endpoints import Endpoints
from local_cloud.sagemaker.errors import ApiError
from local_cloud.sagemaker.fleets import Fleet
from local_cloud.sagemaker.instances import Instances
from local_cloud.sagemaker.records import Record
from local_cloud.sagemaker.surroundings import Surroundings

_BY_DEFAULT = 4
"""Requests at the same time on one instance, where the configuration leaves that to SageMaker."""
_EVERY_S = 1.0
_MEASURED_EVERY = 5
"""Ticks; AWS counts once a minute, and alarms look at whole minutes."""
logger = logging.getLogger(__name__)


def _in_a_thread(work: Callable[[], None]) -> None:
    threading.Thread(target=work, name="sagemaker-async", daemon=True).start()


class AsyncInvocations:
    """The queues of all asynchronous endpoints, and what empties them.

    Parameters
    ----------
    clock : callable
        Returns seconds since 1970.
    start : callable
        Does some work at the side.
    """

    def __init__(
        self,
        endpoints: Endpoints,
        surroundings: Surroundings,
        *,
        clock: Callable[[], float] = time.time,
        start: Callable[[Callable[[], None]], None] = _in_a_thread,
    ) -> None:
        self._endpoints, self._around = endpoints, surroundings
        self._clock, self._start = clock, start
        self._queues = AsyncQueues()
        self._answers = AsyncAnswers(surroundings, clock)

    def invoke(self, name: str, body: bytes, headers: Mapping[str, str]) -> tuple[bytes, dict[str, str]]:
        """Queue a request; return the body and the headers of AWS's answer.

        Raises
        ------
        ApiError
            ``ValidationError`` for an endpoint that is unknown or not asynchronous, and for what no request can be.
        """
        with self._endpoints.serving(name) as fleet:
            config = _config(fleet)
            if config is None:
                raise ApiError(
                    "ValidationError", f"Endpoint {name} is not an asynchronous endpoint: use InvokeEndpoint."
                )
            request = async_request(name, config, headers, body, self._clock())
        self._queues.add([request])
        self._work_off(name)
        return json.dumps({"InferenceId": request.inference_id}).encode(), request.answer

    def keep_going(self) -> None:
        """Look after the queues from now on: capacity comes, requests grow too old, and all is counted."""
        tick = 0
        while True:
            time.sleep(_EVERY_S)
            tick += 1
            try:
                self.look_after()
                if tick % _MEASURED_EVERY == 0:
                    self.measure()
            except Exception:
                logger.exception("the queues of asynchronous endpoints were not looked after")

    def look_after(self) -> None:
        """Drop what has waited too long, or for an endpoint that is gone, and start what there is room for."""
        for request in self._queues.expired(self._clock()):
            with self._endpoints.traffic.serving(request.endpoint) as fleet:
                if fleet and _config(fleet):
                    self._answers.expire(request, fleet)
        for name in self._queues.endpoints():
            if self._endpoints.exists(name):
                self._work_off(name)
            else:
                self._queues.drop(name)

    def measure(self) -> None:
        """Count what waits for each endpoint."""
        for name, fleet in self._endpoints.traffic.fleets().items():
            if _config(fleet):
                measured = self._backlog(name, _instances(fleet))
                dimensions = {"EndpointName": name}
                self._around.put_metrics("AWS/SageMaker", metric_data(measured, dimensions, self._clock()))

    def dump(self) -> Record:
        """Return what is not done, as plain values."""
        return {"requests": [request.dump() for request in self._queues.dump()]}

    def load(self, state: Record) -> None:
        """Take over what `dump` returned in an earlier life; what was being answered is asked once more."""
        self._queues.add(AsyncRequest.load(stored) for stored in state.get("requests", []))

    def _backlog(self, name: str, instances: int) -> dict[str, Metric]:
        size, oldest = self._queues.size(name), self._queues.oldest(name)
        per_instance = {"ApproximateBacklogSizePerInstance": (size / instances, "Count")} if instances else {}
        age = {} if oldest is None else {"ApproximateAgeOfOldestRequest": (self._clock() - oldest, "Seconds")}
        return {
            "ApproximateBacklogSize": (float(size), "Count"),
            "HasBacklogWithoutCapacity": (float(size > 0 and not instances), "Count"),
            **per_instance,
            **age,
        }

    def _work_off(self, name: str) -> None:
        """Start as many requests as the endpoint has room for."""
        with self._endpoints.traffic.serving(name) as fleet:
            capacity = _capacity(fleet) if fleet else 0
        for request in self._queues.take(name, capacity):
            self._start(partial(self._answer, request))

    def _answer(self, request: AsyncRequest) -> None:
        try:
            with self._endpoints.traffic.serving(request.endpoint) as fleet:
                if fleet and _config(fleet):
                    self._answers.answer(request, fleet)
        except Exception:
            logger.exception("the request %s was lost", request.inference_id)
        finally:
            self._queues.done(request)
            self._work_off(request.endpoint)


def _config(fleet: Fleet) -> Record | None:
    config: Record | None = fleet.config.get("AsyncInferenceConfig")
    return config


def _capacity(fleet: Fleet) -> int:
    config = _config(fleet) or {}
    each = config.get("ClientConfig", {}).get("MaxConcurrentInvocationsPerInstance") or _BY_DEFAULT
    return int(each) * _instances(fleet)


def _instances(fleet: Fleet) -> int:
    return sum(variant.count for variant in fleet.variants.values() if isinstance(variant, Instances))
