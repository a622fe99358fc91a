"""What becomes of a release at one look."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

from headrace.ml.release.sequential import Finding
from headrace.ml.release.shift import Shift

Strategy = Literal["canary", "linear", "shadow", "ab"]
Outcome = Literal["hold", "promote", "withdraw"]


@dataclass(frozen=True)
class Situation:
    """All that a decision depends on.

    Parameters
    ----------
    strategy : {"canary", "linear", "shadow", "ab"}
        How requests come to the challenger.
    shares : sequence of float
        That it gets, one after the other.
    step : int
        Which of them is in force, from 0.
    over : bool
        Whether the time for the release is over.
    by_labels : bool
        Whether the comparison is of labels that have come.
    min_rows : int
        Rows that each model has to answer before they are compared.
    rows : tuple of int
        Rows that the champion, and the challenger, have answered.
    alarms : sequence of str
        The alarms of the release that are on.
    shift : Shift or None
        How far the answers are apart; None if nothing may come of it.
    finding : Finding or None
        Of the comparison; None if there is nothing to compare by.
    wanted : {"promote", "rollback", ""}
        What somebody has asked for.
    """

    strategy: Strategy
    shares: Sequence[float]
    step: int
    over: bool
    by_labels: bool
    min_rows: int
    rows: tuple[int, int]
    alarms: Sequence[str] = ()
    shift: Shift | None = None
    finding: Finding | None = None
    wanted: str = ""


@dataclass(frozen=True)
class Decision:
    """What is to be done; where people have the last word, it is they who promote.

    Parameters
    ----------
    outcome : {"hold", "promote", "withdraw"}
        Go on, exchange the models, or leave the champion alone.
    why : str
        A sentence.
    share : float or None
        Of requests that the challenger gets from now on; None if that stays as it is.
    """

    outcome: Outcome
    why: str
    share: float | None = None


def decide(situation: Situation) -> Decision:
    """Decide: what people want comes first, then what does harm, then what the strategy says.

    Examples
    --------
    >>> steps = Situation("canary", (0.1, 1.0), 0, False, False, 1000, (900, 100))
    >>> decide(steps)
    Decision(outcome='hold', why='no alarm at a share of 10 %, the next is 100 %', share=1.0)
    """
    return _wanted(situation) or _harm(situation) or _by_strategy(situation)


def _wanted(situation: Situation) -> Decision | None:
    if situation.wanted == "promote":
        return Decision("promote", "somebody has asked for it")
    if situation.wanted == "rollback":
        return Decision("withdraw", "somebody has asked for it")
    return None


def _harm(situation: Situation) -> Decision | None:
    if situation.alarms:
        return Decision("withdraw", f"an alarm is on: {', '.join(situation.alarms)}")
    shift = situation.shift
    if shift is not None and shift.verdict == "shift":
        moved = "; ".join(
            f"{column.name}: {column.summary}" for column in shift.report.features if column.drifted
        )
        why = f"its answers lie {shift.size:.1f} standard deviations from those of the model in service ({moved})"
        return Decision("withdraw", why)
    return None


def _by_strategy(situation: Situation) -> Decision:
    if situation.strategy in ("canary", "linear"):
        return _by_steps(situation)
    verdict = situation.finding.verdict if situation.finding else "open"
    if min(situation.rows) < situation.min_rows:
        return _undecided(situation)
    if verdict == "worse":
        return Decision("withdraw", f"it is {'not better' if situation.strategy == 'ab' else 'worse'}")
    if verdict == "better":
        return Decision("promote", "it is better" if situation.strategy == "ab" else "it is not worse")
    if situation.strategy == "shadow" and not situation.by_labels:
        # The gate has judged it better on the holdout: without labels, a shadow looks for harm and has found none.
        return Decision("promote", "no alarm, and nothing that speaks against it")
    return _undecided(situation)


def _by_steps(situation: Situation) -> Decision:
    following = situation.step + 1
    share = situation.shares[min(situation.step, len(situation.shares) - 1)]
    if following < len(situation.shares):
        why = f"no alarm at a share of {share:.0%}{_unseen(situation)}, the next is {situation.shares[following]:.0%}"
        return Decision("hold", why.replace("%", " %"), situation.shares[following])
    return Decision("promote", f"no alarm at any share{_unseen(situation)}")


def _unseen(situation: Situation) -> str:
    """Tell whether the answers were too few to see what they have become."""
    few = situation.shift is not None and situation.shift.verdict == "not enough data"
    return " (too few answers to compare them with those of the model in service)" if few else ""


def _undecided(situation: Situation) -> Decision:
    why = _why_not(situation)
    if situation.over:
        return Decision("withdraw", f"the time is over: {why}")
    return Decision("hold", why)


def _why_not(situation: Situation) -> str:
    fewest = min(situation.rows)
    if fewest < situation.min_rows:
        return f"{fewest} of {situation.min_rows} rows have been answered by each model"
    finding = situation.finding
    if finding is None:
        return "there is nothing to compare the models by"
    if finding.verdict == "wrong shares":
        return f"requests are not shared as they should be: {finding.requests[0]} and {finding.requests[1]} are known"
    return "no difference that is sure yet"
