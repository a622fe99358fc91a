"""What is known of a classifier from rows it was not trained on: enough to estimate its quality from scores alone."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any, Self

import numpy as np

from headrace.ml.arrays import Flags, Floats, Ints
from headrace.ml.quality.calibration import Method
from headrace.ml.quality.counted_metrics import METRICS, CountedMetric
from headrace.ml.quality.estimate import Calibration, Estimate, estimate_metric, excess_sd
from headrace.ml.quality.score_counts import bins_of, count_scores
from headrace.ml.statistics import variance_inflation

_ROWS_OF_WINDOW, _MOST_WINDOWS = 200, 20
_ROWS_FOR_DEPENDENCE, _DRAWS_OF_PART = 16_384, 25


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
    """

    problem: str
    positives: Ints
    negatives: Ints
    method: Method
    inflation: float = 1.0
    excess: Mapping[str, float] = field(default_factory=dict)
    transfer: Mapping[str, float] = field(default_factory=dict)

    @property
    def rows(self) -> int:
        """How many rows it is made from."""
        return int(self.positives.sum() + self.negatives.sum())

    @cached_property
    def calibration(self) -> Calibration:
        """From scores to probabilities."""
        return Calibration(self.positives, self.negatives, self.method)

    def estimate(self, counts: Ints, *, moved: float = 0.0) -> dict[str, Estimate]:
        """Estimate every metric of a window.

        Parameters
        ----------
        counts : ndarray of shape (n_bins,)
            Rows of the window by score.
        moved : float
            Share of rows by which the window's features differ from the reference's, in [0, 1].

        Returns
        -------
        dict of str to Estimate
            By metric, without those that have no value.
        """
        found = {name: self._estimate(name, metric, counts, moved) for name, metric in self.metrics.items()}
        return {name: estimate for name, estimate in found.items() if math.isfinite(estimate.value)}

    @property
    def metrics(self) -> Mapping[str, CountedMetric]:
        """What can be estimated."""
        return METRICS[self.problem]

    def _estimate(self, name: str, metric: CountedMetric, counts: Ints, moved: float) -> Estimate:
        plain = estimate_metric(metric, counts, self.calibration, self.inflation)
        beyond = self.excess.get(name, 0.0), moved * self.transfer.get(name, 0.0)
        return Estimate(plain.value, math.hypot(plain.sd, *beyond))

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
        }

    @classmethod
    def from_dict(cls, entry: Mapping[str, Any]) -> Self:
        """Read what `as_dict` wrote."""
        counts = {name: np.asarray(entry[name], dtype=np.int64) for name in ("positives", "negatives")}
        return cls(**{**entry, **counts})


def refer_to_labels(
    problem: str, scores: Floats, positive: Flags, slices: Sequence[Flags] = ()
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
    """
    positives, negatives = count_scores(scores, positive), count_scores(scores, ~positive)
    calibration = Calibration(positives, negatives)
    residuals = positive - calibration.probabilities[bins_of(scores)]
    inflation = variance_inflation(residuals[:_ROWS_FOR_DEPENDENCE])
    plain = LabelReference(problem, positives, negatives, calibration.method, round(inflation, 3))
    pieces = int(np.clip(len(scores) // _ROWS_OF_WINDOW, 2, _MOST_WINDOWS))
    order = np.arange(len(scores)) * pieces // max(1, len(scores))
    windows = [order == piece for piece in range(pieces)]
    return LabelReference(
        problem,
        positives,
        negatives,
        calibration.method,
        plain.inflation,
        _excess(plain, scores, positive, windows),
        _excess(plain, scores, positive, slices),
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
