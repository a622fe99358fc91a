"""Metrics of a decision between two labels, on rows that count as often as weights say."""

from __future__ import annotations

from functools import cached_property

import numpy as np

from headrace.ml.arrays import Floats
from headrace.ml.evaluation.numbers import weighted_sums
from headrace.ml.evaluation.ranking import Ranking, average_precision, ratio
from headrace.ml.evaluation.reliability import Reliability
from headrace.ml.predictions import Predictions, is_positive

TINY = float(np.finfo(np.float64).eps)
"""Probabilities are kept so far from 0 and 1 in a logarithm, so that one certain mistake costs a finite 36 nats."""


class TwoLabels:
    """Probabilities of two labels, prepared once for all weights that rows are given.

    Parameters
    ----------
    predictions : Predictions
        Truth and answers; at least one row. A row whose label the model does not know is neither positive nor negative
        where labels are counted, and counts as negative where rows are ranked.
    """

    def __init__(self, predictions: Predictions) -> None:
        positive, negative = (predictions.truth == label for label in reversed(predictions.classes))
        named = is_positive(predictions.values, predictions.threshold)
        self.scores: Floats = predictions.values[:, 1]
        self.positive = positive
        of_truth = np.where(positive, self.scores, predictions.values[:, 0])
        losses = np.where(positive | negative, -np.log(np.clip(of_truth, TINY, 1 - TINY)), np.nan)
        squares = np.where(positive | negative, np.square(positive - self.scores), np.nan)
        cells = [positive & named, ~positive & named, positive & ~named, negative & ~named]
        self.sums = np.stack([*cells, losses, squares, np.ones(len(positive))]).astype(np.float64)

    @cached_property
    def ranking(self) -> Ranking:
        """The rows in the order of their scores."""
        return Ranking(self.scores, self.positive)

    @cached_property
    def reliability(self) -> Reliability:
        """The scores and what came true."""
        return Reliability(self.scores, self.positive)

    def weighted(self, weights: Floats | None) -> WeightedTwoLabels:
        """Return the same rows, each counted as often as each line of `weights` says; None counts each once."""
        return WeightedTwoLabels(self, weights)


class WeightedTwoLabels:
    """Two labels with weights of shape (n_resamples, n_rows), whole numbers from 0; each metric has (n_resamples,) values.

    Precision, recall, F1, accuracy, balanced accuracy and Matthews' coefficient are of the labels that are answered, and so
    depend on the threshold; all others are of the probabilities.
    """

    def __init__(self, rows: TwoLabels, weights: Floats | None) -> None:
        self._rows, self._weights = rows, weights

    @cached_property
    def _sums(self) -> Floats:
        return weighted_sums(self._rows.sums, self._weights)

    @cached_property
    def _cells(self) -> tuple[Floats, Floats, Floats, Floats]:
        """Return hits, false alarms, misses, and correct rejections."""
        hits, alarms, misses, rejections = self._sums[:, :4].T
        return hits, alarms, misses, rejections

    def accuracy(self) -> Floats:
        """Return the share of rows whose answered label is the true one, in [0, 1]."""
        hits, _, _, rejections = self._cells
        return (hits + rejections) / self._sums[:, -1]

    def precision(self) -> Floats:
        """Return the share of truly positive rows among those answered positive, in [0, 1]; 0 if none is."""
        hits, alarms, _, _ = self._cells
        return ratio(hits, hits + alarms, 0.0)

    def recall(self) -> Floats:
        """Return the share of positive rows that are answered positive, in [0, 1]; NaN without a positive row."""
        hits, _, misses, _ = self._cells
        return ratio(hits, hits + misses)

    def f1(self) -> Floats:
        """Return the harmonic mean of precision and recall, in [0, 1]; 0 if the positive label is never answered rightly.

        References
        ----------
        .. [1] van Rijsbergen, C. J. (1979). Information Retrieval, 2nd ed. Butterworths.
        """
        hits, alarms, misses, _ = self._cells
        return ratio(2 * hits, 2 * hits + alarms + misses, 0.0)

    def balanced_accuracy(self) -> Floats:
        """Return the mean of the shares of positive and of negative rows that are answered rightly, in [0, 1].

        0.5 is as good as always answering one label. NaN if only one label occurs.

        References
        ----------
        .. [1] Brodersen, K. H. et al. (2010). The balanced accuracy and its posterior distribution. ICPR.
        """
        hits, alarms, misses, rejections = self._cells
        return (ratio(hits, hits + misses) + ratio(rejections, rejections + alarms)) / 2

    def matthews(self) -> Floats:
        """Return Matthews' correlation of answers and truth, in [-1, 1]; 0 is chance, and is given where one label is always answered.

        References
        ----------
        .. [1] Matthews, B. W. (1975). Comparison of the predicted and observed secondary structure of T4 phage lysozyme.
           Biochimica et Biophysica Acta 405.
        """
        hits, alarms, misses, rejections = self._cells
        sides = (hits + alarms) * (hits + misses) * (rejections + alarms) * (rejections + misses)
        return ratio(hits * rejections - alarms * misses, np.sqrt(sides), 0.0)

    def roc_auc(self) -> Floats:
        """Return the area under the ROC curve; see `Ranking.roc_auc`."""
        return self._rows.ranking.roc_auc(self._weights)

    def average_precision(self) -> Floats:
        """Return the area under the precision-recall curve; see `headrace.ml.evaluation.ranking.average_precision`."""
        return average_precision(*self._rows.ranking.counts(self._weights))

    def log_loss(self) -> Floats:
        r"""Return :math:`-\frac1n \sum_i \ln p_i(y_i)` in nats, in [0, inf); NaN if a label is unknown to the model."""
        return self._sums[:, 4] / self._sums[:, -1]

    def brier(self) -> Floats:
        r"""Return :math:`\frac1n \sum_i (p_i - y_i)^2`, in [0, 1]; NaN if a label is unknown to the model.

        References
        ----------
        .. [1] Brier, G. W. (1950). Verification of forecasts expressed in terms of probability. Monthly Weather Review 78.
        """
        return self._sums[:, 5] / self._sums[:, -1]

    def calibration_error(self) -> Floats:
        """Return the expected calibration error of the positive label's probability; see `Reliability`."""
        return self._rows.reliability.expected_calibration_error(self._weights)
