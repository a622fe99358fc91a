"""Decides whether a new model may replace the one in service. In doubt it may not."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from headrace.ml.evaluation.fairness import FairnessRule
from headrace.ml.evaluation.fairness_words import unfair
from headrace.ml.metrics import LOWER_IS_BETTER

CHANGED = frozenset({"drift", "quality"})
"""Reasons of a training that say that the world has changed: what came since decides then."""

_STAYS = "the model in service stays: "


@dataclass(frozen=True)
class GateRule:
    """What a new model must reach on the rows that neither model has learned from.

    Parameters
    ----------
    metric : str
        What is compared.
    min_value, max_value : float or None
        Limits of the metric, in its unit; `min_value` for scores, `max_value` for errors.
    min_improvement : float
        How much better than the model in service it must be, in the metric's unit.
    min_rows : int
        The old holdout and the recent rows are judged apart if each has so many; together otherwise.
    old_tolerance : float
        How much worse it may be on the old holdout, as a share of the value of the model in service.
    floors : mapping of str to float
        What further metrics must reach on the rows that decide: at least the value if higher is better, at most if lower is.
    fairness : FairnessRule or None
        How far groups of rows may be apart in how they are treated.
    beyond_luck : bool
        Whether the improvement must be more than `min_improvement` on resampled rows, too: its 95 % interval lies above it.
    """

    metric: str
    min_value: float | None = None
    max_value: float | None = None
    min_improvement: float = 0.0
    min_rows: int = 100
    old_tolerance: float = 0.25
    floors: Mapping[str, float] = field(default_factory=dict)
    beyond_luck: bool = False
    fairness: FairnessRule | None = None


@dataclass(frozen=True)
class Decision:
    """Whether the new model replaces the one in service, and why, in a sentence with figures."""

    promote: bool
    why: str


class _RefusedError(Exception):
    """What was not proven."""


@dataclass(frozen=True)
class _Comparison:
    """Two models on the same rows."""

    rows: str
    metric: str
    value: float
    champion: float
    interval: tuple[float, float] | None
    others: Mapping[str, Any]

    @property
    def gain(self) -> float:
        """How much better the new one is, in the metric's unit."""
        return self.champion - self.value if self.metric in LOWER_IS_BETTER else self.value - self.champion

    @property
    def surely_worse(self) -> bool:
        """Whether it is worse on resampled rows, too: then luck does not explain it."""
        return self.gain < 0 and (self.interval is None or self.interval[1] < 0)

    def is_sure_to_gain(self, least: float) -> bool:
        """Whether it is better by more than `least` on resampled rows, too."""
        return self.interval is not None and self.interval[0] > least

    def __str__(self) -> str:
        """Say it with figures."""
        measured = f"{self.metric} {self.value:.4g} on {self.rows}"
        if self.gain == 0:
            return f"{measured}, as good as the model in service"
        side = "better" if self.gain > 0 else "worse"
        within = "" if self.interval is None else f" (95 %: {self.interval[0]:.3g} to {self.interval[1]:.3g})"
        than = f"{abs(self.gain):.4g} {side} than the {self.champion:.4g} of the model in service"
        return f"{measured}, {than}{within}"


def decide(
    evaluation: Mapping[str, Any], rule: GateRule, *, reason: str = "manual", has_champion: bool = False
) -> Decision:
    """Judge an evaluation.

    Where the old holdout and the rows that came since both have `min_rows` rows, the reason of the training decides what is
    asked. After drift or a loss of quality it must be better by `min_improvement` on the recent rows; for any other reason on
    both together, and on the recent rows not worse beyond what luck explains. On the old holdout it may be worse by at
    most `old_tolerance` in any case. Where one of them is smaller, all rows are judged together.

    Parameters
    ----------
    evaluation : mapping
        As the evaluation job writes it: ``{"rows": int, "challenger": {metric: value}, "champion": {metric: value} or None,
        "champion_problem": str, "intervals": {"improvement": [low, high]}}``, and the same again in ``holdout`` and
        ``recent``; `champion_problem` says why a model in service could not be measured.
    rule : GateRule
        What is asked for.
    reason : str
        Why there was a training.
    has_champion : bool
        Whether a model is in service: an evaluation that says nothing about it is then refused.

    Returns
    -------
    Decision
        It promotes only what is proven: a missing, infinite or NaN value, no rows, or a worse value keep the champion.
        With `min_improvement` 0 an equal value promotes, because the newer model has seen more.

    Examples
    --------
    >>> def part(rows, new, old):
    ...     return {"rows": rows, "challenger": {"rmse": new}, "champion": {"rmse": old}}
    >>> evaluation = {**part(900, 42.0, 61.5), "holdout": part(880, 42.0, 50.0), "recent": part(20, 40.0, 90.0)}
    >>> decide(evaluation, GateRule("rmse")).why
    'rmse 42 on 900 unseen rows, 19.5 better than the 61.5 of the model in service; too few to be judged apart: 20 recent rows'
    >>> decide(evaluation, GateRule("rmse", max_value=40.0)).why
    'refused: rmse 42 on 900 unseen rows is above the limit of 40'
    >>> evaluation = {**part(900, 42.0, 61.5), "holdout": part(600, 31.0, 30.0), "recent": part(300, 50.0, 90.0)}
    >>> print(decide(evaluation, GateRule("rmse"), reason="drift").why)
    rmse 50 on 300 recent rows, 40 better than the 90 of the model in service; rmse 31 on 600 rows of the old holdout, 1 worse than the 30 of the model in service, within the 7.5 that are tolerated
    """
    try:
        if evaluation.get("champion") is None:
            decision = _without_champion(evaluation, rule, has_champion)
        else:
            decision = _against_champion(evaluation, rule, reason)
        if decision.promote and rule.fairness and (why := unfair(evaluation, rule.fairness)):
            raise _RefusedError(why)
        return decision
    except _RefusedError as refusal:
        return Decision(False, f"refused: {refusal}")


def _without_champion(evaluation: Mapping[str, Any], rule: GateRule, has_champion: bool) -> Decision:
    rows = f"{_rows(evaluation)} unseen rows"
    value = _value(evaluation.get("challenger"), rule.metric)
    if value is None:
        raise _RefusedError(f"the evaluation has no value for {rule.metric}")
    _check_limits(value, rule, rows)
    _check_floors(evaluation["challenger"], rule, rows)
    measured = f"{rule.metric} {value:.4g} on {rows}"
    if problem := evaluation.get("champion_problem"):
        return Decision(True, f"{measured}; the model in service cannot answer them: {problem}")
    if has_champion:
        raise _RefusedError("the evaluation says nothing about the model in service")
    return Decision(True, f"{measured}; it is the first model")


def _against_champion(evaluation: Mapping[str, Any], rule: GateRule, reason: str) -> Decision:
    _rows(evaluation)
    parts = {"recent rows": evaluation.get("recent"), "rows of the old holdout": evaluation.get("holdout")}
    counts = {name: _count(part, name) for name, part in parts.items()}
    together = _compared(evaluation, rule, "unseen rows")
    learned = evaluation.get("learned_rows") or 0
    left_out = (
        f"; {learned} more rows do not count, because the model in service may have learned from them"
        if learned
        else ""
    )
    if few := [name for name, count in counts.items() if count < rule.min_rows]:
        note = " and ".join(f"{counts[name] or 'no'} {name}" for name in few)
        return _asked(together, rule, f"; too few to be judged apart: {note}{left_out}")
    recent, old = (_compared(part, rule, name) for name, part in parts.items())
    tolerated = rule.old_tolerance * abs(old.champion)
    if old.gain < -tolerated:
        return Decision(False, f"{_STAYS}{old}, more than the {tolerated:.4g} that are tolerated; {recent}")
    lost = f"; {old}" + (f", within the {tolerated:.4g} that are tolerated" if old.gain < 0 else "")
    if reason in CHANGED:
        return _asked(recent, rule, lost + left_out)
    if recent.surely_worse:
        return Decision(False, f"{_STAYS}{recent}, which luck does not explain; {together}{lost}")
    return _asked(together, rule, f"; {recent}{lost}{left_out}")


def _asked(comparison: _Comparison, rule: GateRule, further: str) -> Decision:
    """Promote a model that is better by what is asked for."""
    _check_limits(comparison.value, rule, comparison.rows)
    _check_floors(comparison.others, rule, comparison.rows)
    if comparison.gain < 0:
        return Decision(False, f"{_STAYS}{comparison}{further}")
    if comparison.gain < rule.min_improvement:
        return Decision(
            False, f"{_STAYS}{comparison}, where {rule.min_improvement:.4g} is asked for{further}"
        )
    if rule.beyond_luck and not comparison.is_sure_to_gain(rule.min_improvement):
        least = f"{rule.min_improvement:.4g} or less" if rule.min_improvement else "no improvement"
        return Decision(False, f"{_STAYS}{comparison}, where luck may explain {least}{further}")
    newer = ", and trained on newer data" if comparison.gain == 0 else ""
    return Decision(True, f"{comparison}{newer}{further}")


def _compared(part: Any, rule: GateRule, name: str) -> _Comparison:
    rows = f"{part['rows']} {name}"
    values = {}
    for model, title in (("challenger", "new model"), ("champion", "model in service")):
        value = _value(part.get(model), rule.metric)
        if value is None:
            raise _RefusedError(f"the {title} has no value for {rule.metric} on {rows}")
        values[model] = value
    return _Comparison(
        rows, rule.metric, values["challenger"], values["champion"], _interval(part), part["challenger"]
    )


def _interval(part: Mapping[str, Any]) -> tuple[float, float] | None:
    """Return the limits between which the improvement lies, or None if it could not be resampled."""
    found = (part.get("intervals") or {}).get("improvement")
    if not found or not all(isinstance(limit, int | float) and math.isfinite(limit) for limit in found):
        return None
    low, high = found
    return float(low), float(high)


def _rows(evaluation: Mapping[str, Any]) -> int:
    rows = evaluation.get("rows")
    if isinstance(rows, bool) or not isinstance(rows, int) or rows < 1:
        raise _RefusedError("the new model was measured on no rows")
    return rows


def _count(part: object, name: str) -> int:
    rows = part.get("rows") if isinstance(part, Mapping) else None
    if isinstance(rows, bool) or not isinstance(rows, int):
        raise _RefusedError(f"the evaluation says nothing about {name}")
    return rows


def _check_limits(value: float, rule: GateRule, rows: str) -> None:
    measured = f"{rule.metric} {value:.4g} on {rows}"
    if rule.min_value is not None and value < rule.min_value:
        raise _RefusedError(f"{measured} is below the limit of {rule.min_value:.4g}")
    if rule.max_value is not None and value > rule.max_value:
        raise _RefusedError(f"{measured} is above the limit of {rule.max_value:.4g}")


def _check_floors(metrics: Mapping[str, Any], rule: GateRule, rows: str) -> None:
    """Refuse a model of which a further metric is not good enough, or not known."""
    for name, floor in rule.floors.items():
        value = _value(metrics, name)
        if value is None:
            raise _RefusedError(
                f"the new model has no value for {name} on {rows}, where {floor:.4g} is asked"
            )
        if value > floor if name in LOWER_IS_BETTER else value < floor:
            side, limit = ("above", "most") if name in LOWER_IS_BETTER else ("below", "least")
            raise _RefusedError(
                f"{name} {value:.4g} on {rows} is {side} the {floor:.4g} that it must be at {limit}"
            )


def _value(metrics: object, name: str) -> float | None:
    value = metrics.get(name) if isinstance(metrics, Mapping) else None
    if isinstance(value, bool) or not isinstance(value, int | float) or not math.isfinite(value):
        return None
    return float(value)
