"""When a training may start. Pure: the clock and everything known are arguments."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta

from lambdas.guard_training.policy import Policy, Reason, Situation

WEEK = timedelta(days=7)
_LONGEST_COOLDOWN = timedelta(days=7)
"""Doubling ends here, unless the pipeline file itself names a longer cooldown."""
_DOUBLINGS = 14
"""A minute, doubled so often, is longer than a week."""


@dataclass(frozen=True)
class Verdict:
    """Whether to train, for which reason in the end, why, for people, and the name of the rule that has said so."""

    proceed: bool
    reason: Reason
    why: str
    rule: str = ""


def decide(policy: Policy, situation: Situation) -> Verdict:
    """Decide whether a training may start.

    An alarm that finds no labels waits, and the data that brings them is then trained on because of the alarm: alarm
    and labels may come in either order.

    Parameters
    ----------
    policy : Policy
        What the pipeline file says.
    situation : Situation
        What is known now.

    Returns
    -------
    Verdict
        With the reason under which the training runs: the alarm's, where data answers an alarm that waits.

    Examples
    --------
    >>> from datetime import UTC
    >>> policy = Policy(frozenset({"drift"}), min_rows=200, min_new_rows=200, cooldown=timedelta(minutes=60))
    >>> decide(policy, Situation("drift", False, datetime(2026, 1, 31, tzinfo=UTC), True, 900, 0, None, None)).why
    'no new labelled data since the last training; the alarm stays pending until there is'
    """
    reason = _effective_reason(policy, situation)
    rules = _REPLACING if situation.has_model else _FIRST
    for name, rule in {**_ALWAYS, **rules}.items():
        verdict = rule(policy, situation, reason)
        if isinstance(verdict, Verdict):
            return verdict
        if verdict is not None:
            return Verdict(False, reason, verdict, name)
    why = (
        f"{situation.new_rows} new labelled rows"
        if situation.has_model
        else f"the first training, on {situation.rows} rows"
    )
    return Verdict(True, reason, why, "none")


_Rule = Callable[[Policy, Situation, Reason], Verdict | str | None]
"""Answers with a refusal in words, with a verdict that ends the matter, or with None: the next rule is asked."""


def rows_suffice(policy: Policy, new_rows: int) -> bool:
    """Tell whether `new_rows` labelled rows are a reason by themselves to replace a model.

    Examples
    --------
    >>> policy = Policy(frozenset({"drift"}), 200, 200, timedelta(0), new_rows=500)
    >>> rows_suffice(policy, 499), rows_suffice(policy, 500)
    (False, True)
    """
    return "new_data" in policy.on or (policy.new_rows is not None and new_rows >= policy.new_rows)


def cooldown_after(policy: Policy, in_vain: int) -> timedelta:
    """Return the cooldown after so many retrainings in a row that did not cure: doubled for each, up to a week.

    Examples
    --------
    >>> policy = Policy(frozenset({"drift"}), 200, 200, timedelta(hours=1))
    >>> [str(cooldown_after(policy, n)) for n in (0, 1, 3, 10)]
    ['1:00:00', '2:00:00', '8:00:00', '7 days, 0:00:00']
    """
    return max(policy.cooldown, min(policy.cooldown * (1 << min(in_vain, _DOUBLINGS)), _LONGEST_COOLDOWN))


def _effective_reason(policy: Policy, situation: Situation) -> Reason:
    if situation.reason != "new_data" or not situation.has_model or rows_suffice(policy, situation.new_rows):
        return situation.reason
    waiting = [alarm for alarm in situation.open_alarms if alarm.waiting and alarm.reason in policy.on]
    # Measured quality is the stronger reason of two, unless it has been tried more often.
    waiting.sort(key=lambda alarm: (alarm.in_vain, alarm.reason != "quality"))
    return waiting[0].reason if waiting else "new_data"


def _in_vain(situation: Situation, reason: Reason) -> int:
    alarm = situation.alarm(reason)
    return alarm.in_vain if alarm else 0


def _single_flight(policy: Policy, situation: Situation, reason: Reason) -> str | None:
    return situation.running and f"a training is already running: {situation.running}"


def _no_data(policy: Policy, situation: Situation, reason: Reason) -> str | None:
    return None if situation.rows else "no data has been accepted yet"


def _by_hand(policy: Policy, situation: Situation, reason: Reason) -> Verdict | None:
    if reason == "erasure":
        why = "somebody was erased from the rows that the model has learnt from"
        return Verdict(True, reason, why, "by_hand")
    return Verdict(True, reason, "started by hand", "by_hand") if reason == "manual" else None


def _too_few_rows(policy: Policy, situation: Situation, reason: Reason) -> str | None:
    if situation.rows >= policy.min_rows:
        return None
    return f"the first training needs {policy.min_rows} rows, {situation.rows} are here"


def _not_wanted(policy: Policy, situation: Situation, reason: Reason) -> str | None:
    if reason in policy.on or situation.follow_up:
        return None
    if reason == "new_data" and policy.new_rows is not None:
        if rows_suffice(policy, situation.new_rows):
            return None
        return f"{situation.new_rows} new labelled rows since the last training, retraining.new_rows waits for {policy.new_rows}"
    named = ", ".join(sorted(policy.on)) or "nothing"
    return f"{reason} alone does not retrain: retraining.on names {named}"


def _not_judged_yet(policy: Policy, situation: Situation, reason: Reason) -> str | None:
    alarm = situation.alarm(reason)
    if alarm is None or alarm.waiting:
        return None
    return "a model that was trained because of this alarm has not been judged on new traffic yet"


def _given_up(policy: Policy, situation: Situation, reason: Reason) -> str | None:
    tried = _in_vain(situation, reason)
    if tried < policy.give_up_after:
        return None
    return (
        f"{tried} retrainings in a row have not cured the alarm: a person has to look, and may train by hand"
    )


def _no_new_labels(policy: Policy, situation: Situation, reason: Reason) -> str | None:
    if situation.new_rows >= max(1, policy.min_new_rows):
        return None
    why = "no new labelled data since the last training"
    if situation.new_rows > 0:
        why = f"only {situation.new_rows} new labelled rows since the last training, {policy.min_new_rows} are needed"
    return why + ("; the alarm stays pending until there is" if reason in ("drift", "quality") else "")


def _cooldown(policy: Policy, situation: Situation, reason: Reason) -> str | None:
    if situation.last_retraining is None:
        return None
    tried = _in_vain(situation, reason)
    until = situation.last_retraining + cooldown_after(policy, tried)
    if situation.now >= until:
        return None
    longer = f", longer because {tried} in a row did not cure the alarm" if tried else ""
    return f"the cooldown after the last retraining ends at {_iso(until)}{longer}"


def _max_per_week(policy: Policy, situation: Situation, reason: Reason) -> str | None:
    if len(situation.this_week) < policy.max_per_week:
        return None
    free_at = situation.this_week[-policy.max_per_week] + WEEK
    return (
        f"{len(situation.this_week)} retrainings within seven days, retraining.max_per_week is {policy.max_per_week}: "
        f"the next may start at {_iso(free_at)}"
    )


def _money_cap(policy: Policy, situation: Situation, reason: Reason) -> str | None:
    cap = policy.max_usd_per_month
    if cap is None or situation.spent_usd + situation.expected_usd <= cap:
        return None
    return (
        f"this month's trainings have cost ${situation.spent_usd:.2f}, the next is expected to cost "
        f"${situation.expected_usd:.2f}, and retraining.max_usd_per_month is ${cap:.2f}"
    )


def _iso(moment: datetime) -> str:
    return f"{moment:%Y-%m-%dT%H:%M:%SZ}"


_ALWAYS: dict[str, _Rule] = {"single_flight": _single_flight, "no_data": _no_data, "by_hand": _by_hand}
_FIRST: dict[str, _Rule] = {"too_few_rows": _too_few_rows, "money_cap": _money_cap}
_REPLACING: dict[str, _Rule] = {
    "not_wanted": _not_wanted,
    "not_judged_yet": _not_judged_yet,
    "given_up": _given_up,
    "no_new_labels": _no_new_labels,
    "cooldown": _cooldown,
    "max_per_week": _max_per_week,
    "money_cap": _money_cap,
}
"""The order decides which of several refusals is told: first what a person may change, last what time brings."""
RULES = (*_ALWAYS, *(name for name in _FIRST if name not in _REPLACING), *_REPLACING)
"""Names of all rules."""
