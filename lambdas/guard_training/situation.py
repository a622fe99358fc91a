"""The policy and the situation that the rules decide on, put together from the pipeline file and the ledger."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from itertools import takewhile
from typing import Protocol, cast

from headrace.aws.alarm_cases import AlarmCase
from headrace.aws.training_history import PastTraining
from headrace.aws.training_log import Champion, LastTraining, Lock
from headrace.config.pipeline import Pipeline
from headrace.config.tuning_plan import TuningPlan, longest_fit_minutes, longest_job_s, tuning_plan
from lambdas.guard_training.policy import OpenAlarm, Policy, Reason, Situation
from lambdas.guard_training.rules import WEEK

_RECENT = 3
"""The next training is expected to cost as much as the dearest of so many: data grows, and a failed run costs less."""


_AROUND_JOBS = timedelta(hours=3)
"""What the state machine's own limit allows beside the two jobs."""


class Log(Protocol):
    """What must be known of trainings."""

    def holder(self, kind: str) -> Lock | None:
        """Return the lock of who trains now."""
        ...

    def last(self) -> LastTraining | None:
        """Return how the last training ended."""
        ...

    def champion(self) -> Champion | None:
        """Return the model in service."""
        ...

    def rows(self) -> int:
        """Count the labelled rows accepted so far."""
        ...


class Cases(Protocol):
    """What must be known of alarms."""

    def all(self) -> list[AlarmCase]:
        """Return the alarms that are not known to have cleared."""
        ...


class History(Protocol):
    """What must be known of trainings that have ended."""

    def newest_first(self) -> Iterator[PastTraining]:
        """Yield them, the latest start first."""
        ...


@dataclass(frozen=True)
class Known:
    """Where everything is looked up."""

    log: Log
    cases: Cases
    history: History


def policy_of(pipeline: Pipeline) -> Policy:
    """Return what the pipeline file says, in the words of the rules."""
    retraining = pipeline.retraining
    return Policy(
        on=frozenset(retraining.on),
        min_rows=pipeline.training.min_rows,
        min_new_rows=retraining.min_new_rows,
        cooldown=timedelta(minutes=retraining.cooldown_minutes),
        new_rows=retraining.new_rows,
        max_per_week=retraining.max_per_week,
        max_usd_per_month=retraining.max_usd_per_month,
        give_up_after=retraining.give_up_after,
    )


def situation_of(
    reason: str,
    known: Known,
    pipeline: Pipeline,
    now: datetime,
    *,
    execution: str = "",
    follow_up: bool = False,
) -> Situation:
    """Return what is known at `now` to whoever asks for `reason`; a lock that `execution` holds itself is none."""
    cases = tuple(
        OpenAlarm(_reason(case.reason), case.awaits is None, case.in_vain) for case in known.cases.all()
    )
    champion, last, rows = known.log.champion(), known.log.last(), known.log.rows()
    past = _recent(known.history, now)
    return Situation(
        reason=_reason(reason),
        follow_up=follow_up,
        now=now,
        has_model=champion is not None or (last is not None and last.has_model),
        rows=rows,
        new_rows=rows - (last.rows_seen if last else 0),
        last_retraining=datetime.fromisoformat(last.finished_at) if last and last.retraining else None,
        running=_running(known.log.holder("training"), execution, now - stale_after(pipeline)),
        open_alarms=cases,
        this_week=tuple(
            sorted(_started(item) for item in past if item.retraining and _started(item) > now - WEEK)
        ),
        spent_usd=sum(item.cost_usd or 0.0 for item in past if _started(item) >= _month(now)),
        expected_usd=min(
            _expected_usd(past[:_RECENT], tuning_plan(pipeline)), pipeline.training.max_usd or math.inf
        ),
    )


def _expected_usd(recent: Sequence[PastTraining], plan: TuningPlan | None) -> float:
    """Return what the next training is expected to cost: as much as the dearest recent one that was made as it will be.

    The first one that searches hyperparameters costs at most what all its jobs may run, and as a rule not more than so many
    of the trainings before it.
    """
    alike = [item for item in recent if (item.tuning is None) == (plan is None)]
    dearest = max((item.cost_usd or 0.0 for item in alike or recent), default=0.0)
    if plan is None or alike:
        return dearest
    most = plan.usd or 0.0
    return min(most, (plan.trials + 1) * dearest) if dearest else most


def stale_after(pipeline: Pipeline) -> timedelta:
    """Return after how long a lock counts as left behind by an aborted execution: no execution may run longer."""
    longest = timedelta(minutes=longest_fit_minutes(pipeline), seconds=longest_job_s(pipeline))
    return longest + _AROUND_JOBS


def _recent(history: History, now: datetime) -> list[PastTraining]:
    """Return the trainings of this month and this week, and the last few however old they are; the newest first."""
    since = min(_month(now), now - WEEK)
    numbered = enumerate(history.newest_first())
    return [item for _, item in takewhile(lambda n: n[0] < _RECENT or _started(n[1]) >= since, numbered)]


def _running(lock: Lock | None, execution: str, stale_before: datetime) -> str | None:
    if lock is None or lock.execution == execution or datetime.fromisoformat(lock.acquired_at) < stale_before:
        return None
    return lock.execution


def _started(training: PastTraining) -> datetime:
    return datetime.fromisoformat(training.started_at)


def _month(now: datetime) -> datetime:
    return now.replace(day=1, hour=0, minute=0, second=0, microsecond=0)


def _reason(word: str) -> Reason:
    return cast("Reason", word)
