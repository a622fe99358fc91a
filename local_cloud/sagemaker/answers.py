"""What came of asking a container, measured."""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from http import HTTPStatus
from typing import Any

from local_cloud.sagemaker.servers import Reply

_CLIENT_ERROR, _SERVER_ERROR = range(400, 500), range(500, 600)
Metric = tuple[float, str]
"""A value and its unit."""
_TIMED_OUT = (
    b"Your invocation timed out while waiting for a response from container primary. Review the latency metrics "
    b"for each container in Amazon CloudWatch, resolve the issue, and try again."
)


@dataclass(frozen=True)
class Answer(Reply):
    """A container's reply.

    Parameters
    ----------
    seconds : float
        How long the container took.
    measured : mapping of str to (float, str)
        Metrics, with their units, that only variants of its kind have.
    """

    seconds: float = 0.0
    measured: Mapping[str, Metric] = field(default_factory=dict)

    @property
    def ok(self) -> bool:
        """Whether the container has answered with success."""
        return HTTPStatus.OK <= self.status < HTTPStatus.MULTIPLE_CHOICES

    @property
    def error(self) -> str:
        """What kind of error AWS calls it if it is not `ok`: ``client`` or ``server``."""
        return "client" if self.status in _CLIENT_ERROR else "server"

    @property
    def counted(self) -> dict[str, Metric]:
        """Metrics, with their units, that variants of all kinds have."""
        return {
            "ModelLatency": (1e6 * self.seconds, "Microseconds"),
            "Invocation4XXErrors": (float(self.status in _CLIENT_ERROR), "None"),
            "Invocation5XXErrors": (float(self.status in _SERVER_ERROR), "None"),
        }


def timed(ask: Callable[[], Reply]) -> Answer:
    """Ask a container; that it does not answer is an answer, too."""
    started = time.monotonic()
    try:
        reply = ask()
    except TimeoutError:
        reply = Reply(0, _TIMED_OUT, {})
    except OSError as error:
        reply = Reply(500, json.dumps({"message": f"the container does not answer: {error}"}).encode(), {})
    return Answer(reply.status, reply.body, reply.headers, time.monotonic() - started)


def metric_data(
    measured: Mapping[str, Metric], dimensions: Mapping[str, str], now: float
) -> list[dict[str, Any]]:
    """Return metrics in the form of ``PutMetricData``."""
    named = [{"Name": name, "Value": value} for name, value in dimensions.items()]
    return [
        {"MetricName": name, "Value": value, "Unit": unit, "Timestamp": now, "Dimensions": named}
        for name, (value, unit) in measured.items()
    ]
