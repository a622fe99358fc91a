"""Whether the world answers otherwise than it did: mistakes beyond what the model was expected to make.

Every labelled prediction has an expected probability of being wrong, from the reference. A bank of cumulative sums [1]_ adds
up, prediction by prediction, how much likelier what happened is if the odds of a mistake have risen by a factor than if they
have not; a sum that would fall below zero starts again. As each prediction has an expectation of its own, traffic that is
merely harder raises no alarm: the sums are risk-adjusted [2]_. A sum that reaches its limit says that the concept has drifted,
and where it was zero last says since when.

The limits follow from how many predictions may pass between two false alarms. A sum against an alternative reaches the limit
:math:`h` once in about :math:`e^h / I` predictions by luck [3]_, with :math:`I` the information of one prediction against that
alternative in nats; overshoot makes it rarer. The odds are shared out evenly among the sums.

References
----------
.. [1] Page, E. S. (1954). Continuous inspection schemes. Biometrika 41.
.. [2] Steiner, S. H., Cook, R. J., Farewell, V. T. and Treasure, T. (2000). Monitoring surgical performance using risk-adjusted
   cumulative sum charts. Biostatistics 1.
.. [3] Siegmund, D. (1985). Sequential Analysis, chapter 2. Springer. Lorden, G. (1971). Procedures for reacting to a change in
   distribution. Ann. Math. Stat. 42, for the bank.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from typing import Any, Self

import numpy as np

from headrace.ml.arrays import FloatOrArray, Floats
from headrace.ml.quality.evidence import Evidence, Expectation, Mistakes

ODDS_RATIOS = (1.3, 1.7, 2.5, 5.0)
"""The alternatives: by which factor the odds of a mistake may have risen."""

ROWS_PER_FALSE_ALARM = 1_000_000
"""So many predictions pass between two false alarms, on average; more, the more there have been: see `ConceptWatch.limits`."""

_ROWS_PER_FALSE_ALARM_SEEN = 10
_BLOCK = 500
_SDS_ADDED, _SDS_OF_REFERENCE = 1.5, 1.96
_OFF_AT = 0.5


@dataclass(frozen=True)
class Sum:
    """One cumulative sum.

    Parameters
    ----------
    value : float
        In nats, at least 0.
    since : str or None
        Time of the first prediction after it was zero last, ISO 8601.
    evidence : Evidence
        The predictions since then.
    """

    value: float = 0.0
    since: str | None = None
    evidence: Evidence = field(default_factory=Evidence)

    def after(self, gains: Floats, mistakes: Mistakes) -> tuple[Sum, float, int]:
        """Go on with some predictions.

        Parameters
        ----------
        gains : ndarray of shape (n_rows,)
            What each prediction adds, in nats.
        mistakes : Mistakes
            The predictions.

        Returns
        -------
        Sum
            After the last one.
        float
            The largest value on the way.
        int
            How many predictions there were up to the last one that left it at zero; 0 if none did.
        """
        path = self.value + np.cumsum(gains)
        values = path - np.minimum(np.minimum.accumulate(path), 0.0)
        zeros = np.flatnonzero(values == 0.0)
        reset = int(zeros[-1]) + 1 if len(zeros) else 0
        rest = mistakes[reset:]
        since = rest.first_time if reset else self.since or mistakes.first_time
        evidence = rest.evidence if reset else self.evidence + rest.evidence
        return Sum(float(values[-1]), since, evidence), float(values.max()), reset


@dataclass(frozen=True)
class ConceptWatch:
    """What is remembered of all labelled predictions of a model: a few numbers, however many there were.

    Predictions come in the order of their time, as far as their labels have come; a label that comes later is added to the end
    and does not rewrite what was decided without it.

    Parameters
    ----------
    sums : tuple of Sum
        One for each alternative of :data:`ODDS_RATIOS`.
    settled : Evidence
        Predictions before the last time that the first sum was zero: they sharpen what is expected.
    drifted : bool
        Whether a sum has reached its limit, and one is at half of it or more still.

    Examples
    --------
    >>> wrong = np.repeat([[1.0, 0, 0, 0, 0], [1.0, 0, 1, 0, 0]], 400, axis=0).ravel()
    >>> times = np.datetime64("2026-01-31T00:00:00") + np.arange(4000)
    >>> watch = ConceptWatch().following(
    ...     Expectation(0.2, 1e6), Mistakes(wrong, np.full(4000, 0.2), times)
    ... )
    >>> found = watch.finding(Expectation(0.2, 1e6))
    >>> found.drifted, found.since, found.wrong_share, round(found.expected_share, 2)
    (True, '2026-01-31T00:33:20', 0.4, 0.2)
    """

    sums: tuple[Sum, ...] = (Sum(),) * len(ODDS_RATIOS)
    settled: Evidence = field(default_factory=Evidence)
    drifted: bool = False

    @property
    def rows(self) -> int:
        """How many predictions were seen."""
        return self.settled.rows + self.sums[0].evidence.rows

    def limits(self, expectation: Expectation) -> Floats:
        """Return what each sum must reach, in nats.

        For one false alarm in a million predictions, or in ten times as many as there have been: so of the first billion
        about one is expected, not a thousand.
        """
        spared = max(ROWS_PER_FALSE_ALARM, _ROWS_PER_FALSE_ALARM_SEEN * self.rows)
        information = np.array([_information(expectation.rate, ratio) for ratio in ODDS_RATIOS])
        limits: Floats = np.log(np.maximum(spared * len(ODDS_RATIOS) * information, math.e))
        return limits

    def following(self, expectation: Expectation, mistakes: Mistakes) -> ConceptWatch:
        """Return what is known after some more predictions."""
        watch = self
        for start in range(0, len(mistakes), _BLOCK):
            watch = watch._after(expectation, mistakes[start : start + _BLOCK])
        return watch

    def _after(self, expectation: Expectation, block: Mistakes) -> ConceptWatch:
        limits = self.limits(expectation)
        usual = _raised(block.expected, math.exp(self._shift(expectation)))
        went = [
            before.after(_gains(usual, ratio, block.wrong) / expectation.inflation, block)
            for before, ratio in zip(self.sums, ODDS_RATIOS, strict=True)
        ]
        reached = any(most >= limit for (_, most, _), limit in zip(went, limits, strict=True))
        high = any(each.value >= _OFF_AT * limit for (each, _, _), limit in zip(went, limits, strict=True))
        # A sum that went on for long after its limit would take as long to come down.
        sums = tuple(
            Sum(min(each.value, float(limit)), each.since, each.evidence)
            for (each, _, _), limit in zip(went, limits, strict=True)
        )
        reset = went[0][2]
        settled = self.settled + self.sums[0].evidence + block[:reset].evidence if reset else self.settled
        return ConceptWatch(sums, settled, reached or (self.drifted and high))

    def _shift(self, expectation: Expectation) -> float:
        """Return by how much the usual log odds of a mistake are above the expected ones.

        What was settled sharpens the reference, within the reference's own uncertainty, so that a slow change is not taken
        for usual. What is left of the uncertainty is added one and a half times: a reference of few rows may be too good.
        """
        information = expectation.information + self.settled.variance / expectation.inflation
        excess = (self.settled.wrong - self.settled.expected) / expectation.inflation
        most = _SDS_OF_REFERENCE / math.sqrt(expectation.information)
        return float(np.clip(excess / information, -most, most)) + _SDS_ADDED / math.sqrt(information)

    def finding(self, expectation: Expectation) -> ConceptFinding:
        """Say what was found: of the stretches since each sum was zero, the one that speaks most clearly."""
        levels = [each.value / limit for each, limit in zip(self.sums, self.limits(expectation), strict=True)]
        clearest = max(self.sums, key=lambda each: each.evidence.surprise)
        return ConceptFinding(
            drifted=self.drifted,
            level=float(max(levels)),
            since=clearest.since,
            rows=clearest.evidence.rows,
            wrong_share=clearest.evidence.wrong_share,
            expected_share=clearest.evidence.expected_share,
            rows_seen=self.rows,
        )

    def as_dict(self) -> dict[str, Any]:
        """Return it as JSON has it."""
        return asdict(self)

    @classmethod
    def from_dict(cls, entry: Mapping[str, Any]) -> Self:
        """Read what `as_dict` wrote."""
        return cls(
            tuple(Sum(each["value"], each["since"], Evidence(**each["evidence"])) for each in entry["sums"]),
            Evidence(**entry["settled"]),
            entry["drifted"],
        )


@dataclass(frozen=True)
class ConceptFinding:
    """What a watch says.

    Parameters
    ----------
    drifted : bool
        Whether mistakes are more than was expected.
    level : float
        How near a sum is to its limit, in [0, 1].
    since : str or None
        Time of the prediction from which on they probably are.
    rows : int
        Labelled predictions since then.
    wrong_share, expected_share : float
        Mistakes among them, and how many were expected, in [0, 1].
    rows_seen : int
        Labelled predictions since the model is in service.
    """

    drifted: bool
    level: float
    since: str | None
    rows: int
    wrong_share: float
    expected_share: float
    rows_seen: int

    def as_dict(self) -> dict[str, Any]:
        """Return it as JSON has it."""
        return asdict(self)


def _raised(probability: FloatOrArray, ratio: float) -> FloatOrArray:
    """Return probabilities after their odds have risen by a factor."""
    return ratio * probability / (1.0 - probability + ratio * probability)


def _information(p: float, ratio: float) -> float:
    """Return the Kullback-Leibler divergence of a Bernoulli variable from one with higher odds, in nats."""
    q = _raised(p, ratio)
    return p * math.log(p / q) + (1 - p) * math.log((1 - p) / (1 - q))


def _gains(usual: Floats, ratio: float, wrong: Floats) -> Floats:
    """Return the log likelihood ratio of each prediction."""
    raised = _raised(usual, ratio)
    gains: Floats = np.where(wrong > 0, np.log(raised / usual), np.log((1 - raised) / (1 - usual)))
    return gains
