"""From which probability on the positive label is answered: chosen by what mistakes cost, on rows that taught nothing."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Literal

import numpy as np

from headrace.ml.arrays import Floats
from headrace.ml.evaluation.bootstrap import Limits, draws, interval
from headrace.ml.evaluation.ranking import Ranking, ratio
from headrace.ml.predictions import Predictions, is_positive

Rule = Literal["cost", "f_beta", "youden", "recall_at", "precision_at"]

_HALF, _TIED = 0.5, 1e-12


@dataclass(frozen=True)
class ThresholdRule:
    r"""What the best threshold is.

    Parameters
    ----------
    by : {"cost", "f_beta", "youden", "recall_at", "precision_at"}
        The lowest mean cost of a row; the highest :math:`F_\beta` [1]_; the highest sum of sensitivity and specificity [2]_; the
        highest precision with a recall of `at_least`; the highest recall with a precision of `at_least`.
    false_positive_cost, false_negative_cost : float
        Of a negative row that is answered positive, and of a positive one that is not; in any one unit.
    beta : float
        How many times as much recall counts as precision.
    at_least : float
        In (0, 1].

    References
    ----------
    .. [1] van Rijsbergen, C. J. (1979). Information Retrieval, 2nd ed. Butterworths.
    .. [2] Youden, W. J. (1950). Index for rating diagnostic tests. Cancer 3.
    """

    by: Rule
    false_positive_cost: float = 1.0
    false_negative_cost: float = 1.0
    beta: float = 1.0
    at_least: float = 0.0

    def worth(self, hits: Floats, alarms: Floats, positives: Floats, negatives: Floats) -> Floats:
        """Return how good decisions are, the higher the better; minus infinity where `at_least` is not reached.

        Parameters
        ----------
        hits, alarms : ndarray
            Positive and negative rows that are answered positive.
        positives, negatives : ndarray
            Rows that truly are.
        """
        misses = positives - hits
        recall, precision = ratio(hits, positives, 0.0), ratio(hits, hits + alarms, 0.0)
        if self.by == "cost":
            cost = self.false_positive_cost * alarms + self.false_negative_cost * misses
            return -cost / (positives + negatives)
        if self.by == "f_beta":
            weight = self.beta**2
            return ratio((1 + weight) * hits, (1 + weight) * hits + weight * misses + alarms, 0.0)
        if self.by == "youden":
            return recall - ratio(alarms, negatives, 0.0)
        kept, best = (recall, precision) if self.by == "recall_at" else (precision, recall)
        return np.where(kept >= self.at_least, best, -np.inf)

    def worth_of(self, predictions: Predictions) -> float | None:
        """Return what the decisions of `predictions` are worth: the mean cost, positive, or what is to be high; None if not reached."""
        positive = np.asarray(predictions.truth == predictions.classes[1])
        named = is_positive(predictions.values, predictions.threshold)
        counts = [positive & named, ~positive & named, positive, ~positive]
        worth = float(self.worth(*(np.array(float(each.sum())) for each in counts)))
        if not np.isfinite(worth):
            return None
        return abs(worth) if self.by == "cost" else worth


@dataclass(frozen=True)
class Threshold:
    """A threshold, and how sure it is.

    Parameters
    ----------
    value : float
        The positive label is answered from this probability on.
    limits : list of float or None
        Between which the choice lies on 95 % of resampled rows: far apart means that another sample would choose otherwise.
    rows, positive : int
        On which it was chosen, and how many of them are positive.
    """

    value: float
    limits: Limits
    rows: int
    positive: int

    def as_dict(self) -> dict[str, Any]:
        """Return it as JSON has it."""
        low, high = self.limits or (None, None)
        chosen_on = {"part": "validation", "rows": self.rows, "positive": self.positive}
        return {"value": self.value, "low": low, "high": high, "chosen_on": chosen_on}


class ThresholdError(ValueError):
    """No threshold can be chosen; the text says why."""


def choose_threshold(predictions: Predictions, rule: ThresholdRule, seed: int) -> Threshold:
    """Choose the best threshold between two labels.

    Candidates lie halfway between neighbouring scores, so that the last digit of a score decides nothing. Of equally good ones the
    one nearest to 0.5 is taken.

    Parameters
    ----------
    predictions : Predictions
        Probabilities of rows that the model was not fitted to; both labels must occur.
    rule : ThresholdRule
        What is good.
    seed : int
        Of the resamples.

    Raises
    ------
    ThresholdError
        If only one label occurs, or no threshold reaches what is asked for.

    Examples
    --------
    >>> scores = np.array([0.1, 0.2, 0.35, 0.4, 0.8])
    >>> truth = np.array(["no", "no", "yes", "no", "yes"])
    >>> answers = Predictions(truth, np.column_stack([1 - scores, scores]), ("no", "yes"))
    >>> dear = ThresholdRule("cost", false_positive_cost=1.0, false_negative_cost=5.0)
    >>> round(choose_threshold(answers, dear, 7).value, 3)
    0.275
    """
    positive = np.asarray(predictions.truth == predictions.classes[1])
    if positive.all() or not positive.any():
        raise ThresholdError(f"the {len(positive)} rows that it is chosen on have one label only")
    ranking = Ranking(predictions.values[:, 1], positive)
    candidates = _candidates(ranking.thresholds)
    (value,) = _best(ranking, candidates, rule, None)
    if np.isnan(value):
        asked = f"{rule.by.removesuffix('_at')} of at least {rule.at_least:g}"
        raise ThresholdError(f"no threshold gives a {asked} on the {len(positive)} rows that it is chosen on")
    rng = np.random.default_rng(seed)
    resampled = [_best(ranking, candidates, rule, weights) for weights in draws(len(positive), rng)]
    return Threshold(float(value), interval(np.concatenate(resampled)), len(positive), int(positive.sum()))


def _candidates(scores: Floats) -> Floats:
    """Return a threshold below each of the ascending scores, and one above all if there is room for it."""
    between = (scores[:-1] + scores[1:]) / 2
    between = np.where(between > scores[:-1], between, scores[1:])
    return np.concatenate([[0.0], between, [(scores[-1] + 1) / 2 if scores[-1] < 1 else np.inf]])


def _best(ranking: Ranking, candidates: Floats, rule: ThresholdRule, weights: Floats | None) -> Floats:
    """Return the best candidate for each line of weights; NaN where none reaches what is asked for."""
    positives, negatives = ranking.counts(weights)
    hits, alarms = _from_each_on(positives), _from_each_on(negatives)
    worth = rule.worth(hits, alarms, hits[:, :1], alarms[:, :1])
    worth[:, ~np.isfinite(candidates)] = -np.inf
    best = worth.max(axis=1, keepdims=True)
    distance = np.where(worth >= best - _TIED, np.abs(candidates - _HALF), np.inf)
    return np.where(np.isfinite(best[:, 0]), candidates[distance.argmin(axis=1)], np.nan)


def _from_each_on(counts: Floats) -> Floats:
    """Return how many rows have a score from each one on, and after the last none."""
    summed = np.zeros((len(counts), counts.shape[1] + 1))
    summed[:, :-1] = np.cumsum(counts[:, ::-1], axis=1)[:, ::-1]
    return summed
