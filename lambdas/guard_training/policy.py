"""What the guard of the training is told: the policy, and the situation at the moment of asking. Plain values."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Literal

Reason = Literal["new_data", "drift", "quality", "schedule", "manual", "erasure"]


@dataclass(frozen=True)
class Policy:
    """What the pipeline file says about retraining.

    Parameters
    ----------
    on : frozenset of str
        Reasons that may start a training without a person.
    min_rows : int
        Rows that the first training needs.
    min_new_rows : int
        Rows that must have come since the last snapshot before a model is trained anew.
    cooldown : timedelta
        Least time between the end of a retraining and the start of the next.
    new_rows : int or None
        Rows that are a reason by themselves.
    max_per_week : int
        Retrainings within seven days.
    max_usd_per_month : float or None
        What the trainings of a calendar month may cost together, in US dollars; None is no cap.
    give_up_after : int
        Retrainings in a row that did not cure an alarm, after which it starts no more.
    """

    on: frozenset[str]
    min_rows: int
    min_new_rows: int
    cooldown: timedelta
    new_rows: int | None = None
    max_per_week: int = 20
    max_usd_per_month: float | None = None
    give_up_after: int = 3


@dataclass(frozen=True)
class OpenAlarm:
    """An alarm that is on, or was when it was last heard of.

    Parameters
    ----------
    reason : {"drift", "quality"}
        What it is about.
    waiting : bool
        Whether it still waits for a training; False if a model was trained because of it that has not been judged yet.
    in_vain : int
        Retrainings in a row that did not cure it.
    """

    reason: Reason
    waiting: bool = True
    in_vain: int = 0


@dataclass(frozen=True)
class Situation:
    """What is known at the moment of asking.

    Parameters
    ----------
    reason : {"new_data", "drift", "quality", "schedule", "manual", "erasure"}
        Who asks.
    follow_up : bool
        Whether a training that just ended asks on behalf of data that came while it ran.
    now : datetime
        In UTC.
    has_model : bool
        Whether a model is in service, or was registered and awaits approval or deployment.
    rows : int
        Labelled rows accepted so far.
    new_rows : int
        Those of them that were not in the last snapshot.
    last_retraining : datetime or None
        When the last training ended that had a model to replace. The first training is none.
    running : str or None
        The execution that trains now.
    open_alarms : tuple of OpenAlarm
        Alarms that have asked for a training and are not known to have cleared.
    this_week : tuple of datetime
        When the retrainings of the last seven days started, the oldest first.
    spent_usd : float
        What the trainings of this calendar month have cost, in US dollars, estimated.
    expected_usd : float
        What the next one is expected to cost.
    """

    reason: Reason
    follow_up: bool
    now: datetime
    has_model: bool
    rows: int
    new_rows: int
    last_retraining: datetime | None
    running: str | None
    open_alarms: tuple[OpenAlarm, ...] = ()
    this_week: tuple[datetime, ...] = ()
    spent_usd: float = 0.0
    expected_usd: float = 0.0

    def alarm(self, reason: Reason) -> OpenAlarm | None:
        """Return the open alarm of this reason."""
        return next((alarm for alarm in self.open_alarms if alarm.reason == reason), None)
