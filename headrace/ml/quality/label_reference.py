"""What is known of a classifier from rows it was not trained on: enough to estimate its quality from scores alone."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import Any, Self

import numpy as np

from headrace.ml.arrays import Flags, Floats, Ints
from headrace.ml.quality.calibration import Method
from headrace.ml.quality.counted_metrics import CountedMetric, counted_metrics
from headrace.ml.quality.estimate import Calibration, Estimate, estimate_metric, excess_sd
from headrace.ml.quality.evidence import Expectation, Mistakes
from headrace.ml.quality.intervals import inflation_of
from headrace.ml.quality.labelled import Labelled
from headrace.ml.quality.reference_windows import consecutive_windows
from headrace.ml.quality.score_counts import ABOVE_HALF, CENTRES, bins_of, count_scores

SCORE = "_score"
"""The column of the scores, as they are recorded."""

_DRAWS_OF_PART, _LEAST_CHANCE = 25, 1e-4


@dataclass(frozen=True)
class LabelReference:
    """Reference rows of a classifier by score, and how wrong estimates from them have been.

    Parameters
    ----------
    problem : {"binary", "multiclass"}
        With two labels the score is the probability of the second, and a row is positive if it has it. With more, the
        score is the probability of the answered label, and a row is positive if the answer was right.
    positives, negatives : ndarray of shape (n_bins,)
        Rows by score.
    method : {"beta", "isotonic"}
        The calibration map that fits them.
    inflation : float
        How many rows weigh as much as one independent row; at least 1.
    excess : dict of str to float
        By metric: how far estimates were off on the reference's own consecutive windows, beyond what was expected, as a
        standard deviation in the metric's unit.
    transfer : dict of str to float
        The same on parts of the reference with other features: what a complete shift may cost.
    threshold : float or None
        Of two labels: the probability from which the second one is answered; None answers the more probable one.
    """

    problem: str
    positives: Ints
    negatives: Ints
    method: Method
    inflation: float = 1.0
    excess: Mapping[str, float] = field(default_factory=dict)
    transfer: Mapping[str, float] = field(default_factory=dict)
    threshold: float | None = None

    @property
    def rows(self) -> int:
        """How many rows it is made from."""
        return int(self.positives.sum() + self.negatives.sum())

    @property
    def columns(self) -> list[str]:
        """What has to be read of recorded predictions."""
        return [SCORE]

    def summary(self, columns: Mapping[str, Any]) -> Floats:
        """Count rows by score; those without one are left out. Summaries of two windows may be added."""
        return count_scores(np.asarray(columns[SCORE], dtype=np.float64)).astype(np.float64)

    def rows_of(self, summary: Floats) -> int:
        """Return how many rows a summary is of."""
        return int(summary.sum())

    @cached_property
    def calibration(self) -> Calibration:
        """From scores to probabilities."""
        return Calibration(self.positives, self.negatives, self.method)

    def estimate(self, summary: Floats, *, moved: float = 0.0) -> dict[str, Estimate]:
        """Estimate every metric of a window.

        Parameters
        ----------
        summary : ndarray of shape (n_bins,)
            Rows of the window by score.
        moved : float
            Share of rows by which the window's features differ from the reference's, in [0, 1].

        Returns
        -------
        dict of str to Estimate
            By metric, without those that have no value.
        """
        found = {name: self._estimate(name, metric, summary, moved) for name, metric in self.metrics.items()}
        return {name: each for name, each in found.items() if math.isfinite(each.value + each.sd)}

    @cached_property
    def metrics(self) -> Mapping[str, CountedMetric]:
        """What can be estimated."""
        return counted_metrics(self.problem, self.threshold)

    def _estimate(self, name: str, metric: CountedMetric, counts: Floats, moved: float) -> Estimate:
        plain = estimate_metric(metric, counts, self.calibration, self.inflation)
        beyond = self.excess.get(name, 0.0), moved * self.transfer.get(name, 0.0)
        return Estimate(plain.value, math.hypot(plain.sd, *beyond))

    @property
    def expectation(self) -> Expectation:
        """How many mistakes the reference lets expect."""
        rows = (self.positives + self.negatives).astype(np.float64)
        return Expectation.of(self._wrong_by_bin, rows, self.inflation)

    @property
    def _wrong_by_bin(self) -> Floats:
        right = self.calibration.probabilities
        if self.problem == "binary":
            above = ABOVE_HALF if self.threshold is None else self.threshold <= CENTRES
            right = np.where(above, right, 1.0 - right)
        wrong: Floats = np.clip(1.0 - right, _LEAST_CHANCE, 1.0 - _LEAST_CHANCE)
        return wrong

    def mistakes(self, rows: Labelled, columns: Mapping[str, Any], times: Any) -> Mistakes:
        """Return which answers were wrong, and with which probability that was expected; rows without a score are left out."""
        known = np.isfinite(rows.score)
        expected = self._wrong_by_bin[bins_of(rows.score[known])]
        return Mistakes(rows.loss[known], expected, times[known])

    def as_dict(self) -> dict[str, Any]:
        """Return it as JSON has it."""
        return {
            "problem": self.problem,
            "positives": self.positives.tolist(),
            "negatives": self.negatives.tolist(),
            "method": self.method,
            "inflation": self.inflation,
            "excess": dict(self.excess),
            "transfer": dict(self.transfer),
            **({} if self.threshold is None else {"threshold": self.threshold}),
        }

    @classmethod
    def from_dict(cls, entry: Mapping[str, Any]) -> Self:
        """Read what `as_dict` wrote."""
        counts = {name: np.asarray(entry[name], dtype=np.int64) for name in ("positives", "negatives")}
        return cls(**{**entry, **counts})


def refer_to_labels(
    problem: str,
    scores: Floats,
    positive: Flags,
    slices: Sequence[Flags] = (),
    threshold: float | None = None,
) -> LabelReference:
    """Summarise answers to rows whose labels are known.

    Parameters
    ----------
    problem : {"binary", "multiclass"}
        What scores and positives mean; see `LabelReference`.
    scores : ndarray of shape (n_rows,)
        Probabilities, in the order of time, or of arrival.
    positive : ndarray of shape (n_rows,)
        Whether the row is positive.
    slices : sequence of ndarray of shape (n_rows,)
        Flags of rows whose features differ from those of the others, such as one category.
    threshold : float, optional
        Of two labels: the probability from which the second one is answered.
    """
    positives, negatives = count_scores(scores, positive), count_scores(scores, ~positive)
    calibration = Calibration(positives, negatives)
    residuals = positive - calibration.probabilities[bins_of(scores)]
    inflation = round(inflation_of(residuals), 3)
    plain = LabelReference(problem, positives, negatives, calibration.method, inflation, threshold=threshold)
    return replace(
        plain,
        excess=_excess(plain, scores, positive, consecutive_windows(len(scores))),
        transfer=_excess(plain, scores, positive, slices),
    )


def _excess(
    reference: LabelReference, scores: Floats, positive: Flags, parts: Sequence[Flags]
) -> dict[str, float]:
    """Estimate each part from all other rows, and return by metric how far off that was beyond what was expected."""
    errors: dict[str, list[float]] = {name: [] for name in reference.metrics}
    deviations: dict[str, list[float]] = {name: [] for name in reference.metrics}
    for part in parts:
        p, n = count_scores(scores, positive & part), count_scores(scores, ~positive & part)
        others = Calibration(
            reference.positives - p, reference.negatives - n, reference.method, _DRAWS_OF_PART
        )
        for name, metric in reference.metrics.items():
            found = estimate_metric(metric, p + n, others, reference.inflation)
            errors[name].append(found.value - float(metric.value(p.astype(np.float64), n.astype(np.float64))))
            deviations[name].append(found.sd)
    return {name: excess_sd(errors[name], deviations[name]) for name in reference.metrics}
