"""What judging a release needs from outside."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Protocol

from headrace.aws.alarm_states import AlarmState
from headrace.aws.metrics import Unit
from headrace.aws.release_log import RunningRelease
from lambdas.judge_release.answers import Captured
from lambdas.judge_release.labels import Rows


class Releases(Protocol):
    """The ledger, of releases."""

    def running(self) -> RunningRelease | None:
        """Return the release that runs."""
        ...


class Baselines(Protocol):
    """By what models are watched."""

    def publish(self, plan: Mapping[str, Any]) -> None:
        """Publish the documents of a model, unless they are there."""
        ...


class Documents(Protocol):
    """Documents and pages in the artifacts bucket."""

    def load(self, key: str) -> dict[str, Any] | None:
        """Return the document, or None if there is none."""
        ...

    def store(self, key: str, document: Mapping[str, Any]) -> None:
        """Write a document."""
        ...

    def put(self, key: str, body: bytes, *, content_type: str = ...) -> None:
        """Write bytes."""
        ...


class Alarms(Protocol):
    """The alarms of the release."""

    def states(self) -> list[AlarmState]:
        """Return those that there are."""
        ...


class Counted(Protocol):
    """What SageMaker counts of the endpoint."""

    def over(
        self, start: datetime, end: datetime, variant: str, wanted: Sequence[tuple[str, str]]
    ) -> Mapping[tuple[str, str], float]:
        """Return statistics of one variant over one period."""
        ...


class Metrics(Protocol):
    """CloudWatch."""

    def put(
        self, metrics: Mapping[str, float], *, unit: Unit = ..., dimensions: Mapping[str, str] | None = ...
    ) -> None:
        """Emit values."""
        ...


@dataclass(frozen=True)
class Ports:
    """Everything outside of this function."""

    releases: Releases
    baselines: Baselines
    documents: Documents
    captured: Captured
    rows: Rows
    alarms: Alarms
    counted: Counted
    metrics: Metrics
