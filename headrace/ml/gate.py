"""Decides whether a new model may replace the one in service. In doubt it may not."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from headrace.ml.metrics import LOWER_IS_BETTER


@dataclass(frozen=True)
class GateRule:
    """What a new model must reach on the test part.

    Parameters
    ----------
    metric : str
        What is compared.
    min_value, max_value : float or None
        Limits of the metric, in its unit; `min_value` for scores, `max_value` for errors.
    min_improvement : float
        How much better than the model in service it must be, in the metric's unit.
    """

    metric: str
    min_value: float | None = None
    max_value: float | None = None
    min_improvement: float = 0.0


@dataclass(frozen=True)
class Decision:
    """Whether the new model replaces the one in service, and why, in a sentence with figures."""

    promote: bool
    why: str


def decide(evaluation: Mapping[str, Any], rule: GateRule, *, has_champion: bool = False) -> Decision:
    """Judge an evaluation.

    Parameters
    ----------
    evaluation : mapping
        ``{"rows": int, "challenger": {metric: value}, "champion": {metric: value} or None, "champion_problem": str}``
        as the evaluation job writes it; `champion_problem` says why a model in service could not be measured.
    rule : GateRule
        What is asked for.
    has_champion : bool
        Whether a model is in service: an evaluation that says nothing about it is then refused.

    Returns
    -------
    Decision
        It promotes only what is proven: a missing, infinite or NaN value, no rows, or a worse value keep the champion.
        With `min_improvement` 0 an equal value promotes, because the newer model has seen more.

    Examples
    --------
    >>> evaluation = {"rows": 900, "challenger": {"rmse": 42.0}, "champion": {"rmse": 61.5}}
    >>> decide(evaluation, GateRule("rmse")).why
    'rmse 42 on 900 unseen rows, 19.5 better than the 61.5 of the model in service'
    >>> decide(evaluation, GateRule("rmse", max_value=40.0)).why
    'refused: rmse 42 on 900 unseen rows is above the limit of 40'
    >>> decide({"rows": 900, "challenger": {}, "champion": None}, GateRule("rmse")).why
    'refused: the evaluation has no value for rmse'
    """
    rows = evaluation.get("rows")
    if not isinstance(rows, int) or rows < 1:
        return Decision(False, "refused: the new model was measured on no rows")
    value = _value(evaluation.get("challenger"), rule.metric)
    if value is None:
        return Decision(False, f"refused: the evaluation has no value for {rule.metric}")
    if complaint := _outside_limits(value, rule):
        return Decision(False, f"refused: {rule.metric} {value:.4g} on {rows} unseen rows {complaint}")
    measured = f"{rule.metric} {value:.4g} on {rows} unseen rows"
    if evaluation.get("champion") is None:
        return _without_champion(evaluation, measured, has_champion)
    return _against_champion(_value(evaluation["champion"], rule.metric), value, rule, measured)


def _without_champion(evaluation: Mapping[str, Any], measured: str, has_champion: bool) -> Decision:
    problem = evaluation.get("champion_problem")
    if problem:
        return Decision(True, f"{measured}; the model in service cannot answer them: {problem}")
    if has_champion:
        return Decision(False, "refused: the evaluation says nothing about the model in service")
    return Decision(True, f"{measured}; it is the first model")


def _against_champion(champion: float | None, value: float, rule: GateRule, measured: str) -> Decision:
    if champion is None:
        return Decision(False, f"refused: the model in service has no value for {rule.metric}")
    gain = champion - value if rule.metric in LOWER_IS_BETTER else value - champion
    if gain < rule.min_improvement:
        return Decision(False, f"the model in service stays: {measured}, {_shortfall(gain, champion, rule)}")
    if gain == 0:
        return Decision(True, f"{measured}, as good as the model in service, and trained on newer data")
    return Decision(True, f"{measured}, {gain:.4g} better than the {champion:.4g} of the model in service")


def _shortfall(gain: float, champion: float, rule: GateRule) -> str:
    against = f"the {champion:.4g} of the model in service"
    if gain < 0:
        return f"{-gain:.4g} worse than {against}"
    return f"{gain:.4g} better than {against}, where {rule.min_improvement:.4g} is asked for"


def _outside_limits(value: float, rule: GateRule) -> str | None:
    if rule.min_value is not None and value < rule.min_value:
        return f"is below the limit of {rule.min_value:.4g}"
    if rule.max_value is not None and value > rule.max_value:
        return f"is above the limit of {rule.max_value:.4g}"
    return None


def _value(metrics: object, name: str) -> float | None:
    value = metrics.get(name) if isinstance(metrics, Mapping) else None
    if isinstance(value, bool) or not isinstance(value, int | float) or not math.isfinite(value):
        return None
    return float(value)
