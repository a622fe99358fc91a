"""What deciding on a release needs from outside."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import timedelta
from typing import Any, Protocol

from headrace.aws.endpoints import Endpoint
from headrace.aws.registry import Package
from headrace.aws.release_log import Decision, Entry, RunningRelease
from headrace.aws.training_log import Champion, Lock
from headrace.config.pipeline import Pipeline


class LiveEndpoints(Protocol):
    """SageMaker's hosting."""

    def find(self, name: str) -> Endpoint | None:
        """Describe the endpoint."""
        ...


class Packages(Protocol):
    """The model registry."""

    def find(self, arn: str) -> Package | None:
        """Describe one package; None if there is none."""
        ...


class Log(Protocol):
    """The ledger, of deployments."""

    def champion(self) -> Champion | None:
        """Return the model in service."""
        ...

    def acquire(self, kind: str, lock: Lock, *, stale_after: timedelta) -> Lock | None:
        """Take the lock, or return that of who holds it."""
        ...

    def take_over(self, kind: str, lock: Lock, *, of: str) -> bool:
        """Take the lock from an execution that has ended."""
        ...

    def release(self, kind: str, execution: str) -> None:
        """Give the lock back."""
        ...


class Releases(Protocol):
    """The ledger, of releases."""

    def begin(self, release: RunningRelease) -> None:
        """Write down that a release runs."""
        ...

    def running(self) -> RunningRelease | None:
        """Return the release that runs."""
        ...

    def decide(self, execution: str, decision: Decision) -> RunningRelease | None:
        """Write down what somebody wants of it."""
        ...

    def adopt(self, execution: str, *, by: str) -> RunningRelease | None:
        """Give it to another execution."""
        ...

    def add(self, entry: Entry) -> bool:
        """Write a line of the history."""
        ...

    def waiting(self) -> str | None:
        """Return the ARN of the model package that waits."""
        ...


class Tokens(Protocol):
    """Executions that wait."""

    def wake(self, token: str, answer: Mapping[str, Any]) -> bool:
        """Hand an answer to the task that waits."""
        ...


class Executions(Protocol):
    """Executions of the deployment."""

    def is_running(self, execution_arn: str) -> bool:
        """Tell whether an execution has not ended."""
        ...


class Events(Protocol):
    """EventBridge."""

    def put(self, detail_type: str, detail: Mapping[str, Any]) -> None:
        """Publish an event of this pipeline."""
        ...


@dataclass(frozen=True)
class Ports:
    """Everything outside of this function.

    Parameters
    ----------
    pipeline : Pipeline
        Whose releases are decided on.
    """

    pipeline: Pipeline
    endpoints: LiveEndpoints
    packages: Packages
    log: Log
    releases: Releases
    tokens: Tokens
    executions: Executions
    events: Events

    @property
    def endpoint(self) -> str:
        """Name of the pipeline's endpoint."""
        return f"headrace-{self.pipeline.name}"
