"""When a training may start. Pure: the clock and everything known are arguments."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Literal

Reason = Literal["new_data", "drift", "schedule", "manual"]


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
    """

    on: frozenset[str]
    min_rows: int
    min_new_rows: int
    cooldown: timedelta


@dataclass(frozen=True)
class Situation:
    """What is known at the moment of asking.

    Parameters
    ----------
    reason : {"new_data", "drift", "schedule", "manual"}
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
    drift_pending : bool
        Whether a drift alarm has not been answered by a training yet.
    running : str or None
        The execution that trains now.
    """

    reason: Reason
    follow_up: bool
    now: datetime
    has_model: bool
    rows: int
    new_rows: int
    last_retraining: datetime | None
    drift_pending: bool
    running: str | None


@dataclass(frozen=True)
class Verdict:
    """Whether to train, for which reason in the end, and why, for people."""

    proceed: bool
    reason: Reason
    why: str


def decide(policy: Policy, situation: Situation) -> Verdict:
    """Decide whether a training may start.

    A drift alarm that finds no labels stays pending, and the data that brings them is then trained on because of
    the drift: alarm and labels may come in either order.

    Parameters
    ----------
    policy : Policy
        What the pipeline file says.
    situation : Situation
        What is known now.

    Returns
    -------
    Verdict
        With the reason under which the training runs, which is ``drift`` where data answers a pending alarm.

    Examples
    --------
    >>> from datetime import UTC
    >>> policy = Policy(frozenset({"drift"}), min_rows=200, min_new_rows=200, cooldown=timedelta(minutes=60))
    >>> decide(policy, Situation("drift", False, datetime(2026, 1, 31, tzinfo=UTC), True, 900, 0, None, True, None)).why
    'no new labelled data since the last training; the alarm stays pending until there is'
    """
    reason = _effective_reason(policy, situation)
    for rule in (_single_flight, _some_data, _by_hand, _first, _wanted, _enough_new_rows, _cooled_down):
        verdict = rule(policy, situation, reason)
        if verdict is not None:
            return verdict
    return Verdict(True, reason, f"{situation.new_rows} new labelled rows")


_Rule = Callable[[Policy, Situation, Reason], Verdict | None]


def _effective_reason(policy: Policy, situation: Situation) -> Reason:
    answers_alarm = situation.reason == "new_data" and situation.drift_pending and situation.has_model
    return "drift" if answers_alarm and "new_data" not in policy.on else situation.reason


def _single_flight(policy: Policy, situation: Situation, reason: Reason) -> Verdict | None:
    if situation.running is None:
        return None
    return Verdict(False, reason, f"a training is already running: {situation.running}")


def _some_data(policy: Policy, situation: Situation, reason: Reason) -> Verdict | None:
    return None if situation.rows else Verdict(False, reason, "no data has been accepted yet")


def _by_hand(policy: Policy, situation: Situation, reason: Reason) -> Verdict | None:
    return Verdict(True, reason, "started by hand") if reason == "manual" else None


def _first(policy: Policy, situation: Situation, reason: Reason) -> Verdict | None:
    if situation.has_model:
        return None
    if situation.rows < policy.min_rows:
        return Verdict(
            False, reason, f"the first training needs {policy.min_rows} rows, {situation.rows} are here"
        )
    return Verdict(True, reason, f"the first training, on {situation.rows} rows")


def _wanted(policy: Policy, situation: Situation, reason: Reason) -> Verdict | None:
    if reason in policy.on or situation.follow_up:
        return None
    named = ", ".join(sorted(policy.on)) or "nothing"
    return Verdict(False, reason, f"{reason} alone does not retrain: retraining.on names {named}")


def _enough_new_rows(policy: Policy, situation: Situation, reason: Reason) -> Verdict | None:
    if situation.new_rows >= max(1, policy.min_new_rows):
        return None
    why = "no new labelled data since the last training"
    if situation.new_rows > 0:
        why = f"only {situation.new_rows} new labelled rows since the last training, {policy.min_new_rows} are needed"
    return Verdict(
        False, reason, why + ("; the alarm stays pending until there is" if reason == "drift" else "")
    )


def _cooled_down(policy: Policy, situation: Situation, reason: Reason) -> Verdict | None:
    if situation.last_retraining is None:
        return None
    until = situation.last_retraining + policy.cooldown
    if situation.now >= until:
        return None
    return Verdict(
        False, reason, f"the cooldown after the last retraining ends at {until:%Y-%m-%dT%H:%M:%SZ}"
    )
