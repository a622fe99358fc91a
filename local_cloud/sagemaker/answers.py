"""What came of asking a container, measured."""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from http import HTTPStatus

from local_cloud.sagemaker.servers import Reply

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
    measured: Mapping[str, tuple[float, str]] = field(default_factory=dict)

    @property
    def ok(self) -> bool:
        """Whether the container has answered with success."""
        return HTTPStatus.OK <= self.status < HTTPStatus.MULTIPLE_CHOICES


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
