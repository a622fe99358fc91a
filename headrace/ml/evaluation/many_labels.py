"""Metrics of a decision between many labels, on rows that count as often as weights say."""

from __future__ import annotations

from functools import cached_property

import numpy as np

from headrace.ml.arrays import Floats, Ints
from headrace.ml.evaluation.numbers import weighted_sums
from headrace.ml.evaluation.ranking import Ranking, ratio
from headrace.ml.evaluation.reliability import Reliability
from headrace.ml.evaluation.two_labels import TINY
from headrace.ml.predictions import Predictions

MOST_RANKED = 100
"""Labels; with more of them the ROC AUC is not computed, because each takes a sort of all rows."""


class ManyLabels:
    """Probabilities of many labels, prepared once for all weights that rows are given.

    Parameters
    ----------
    predictions : Predictions
        Truth and answers; at least one row.

    Attributes
    ----------
    labels : tuple of str
        The model's, and after them those that only the truth has.
    truth, answered : ndarray of shape (n_rows,)
        Places in `labels`.
    """

    def __init__(self, predictions: Predictions) -> None:
        known = predictions.classes
        strange = sorted(set(predictions.truth.tolist()) - set(known))
        self.labels = (*known, *strange)
        place = {label: index for index, label in enumerate(self.labels)}
        self.truth: Ints = np.array([place[label] for label in predictions.truth.tolist()], dtype=np.int64)
        self.answered: Ints = np.argmax(predictions.values, axis=1)
        self.values = predictions.values
        rows = np.arange(len(self.truth))
        is_known = self.truth < len(known)
        of_truth = self.values[rows, np.minimum(self.truth, len(known) - 1)]
        losses = np.where(is_known, -np.log(np.clip(of_truth, TINY, 1 - TINY)), np.nan)
        # Over all labels (p - y)² adds up to Σp² - 2p + 1, where p is the truth's.
        squares = np.where(is_known, np.square(self.values).sum(axis=1) - 2 * of_truth + 1, np.nan)
        right = self.truth == self.answered
        self.sums = np.stack([right, losses, squares, np.ones(len(rows))]).astype(np.float64)

    @cached_property
    def rankings(self) -> list[Ranking]:
        """For each label that some rows have, and some have not, the rows in the order of its probability."""
        known = range(self.values.shape[1])
        rows = np.bincount(self.truth, minlength=len(self.labels))
        ranked = [place for place in known if 0 < rows[place] < len(self.truth)]
        return [Ranking(self.values[:, place], self.truth == place) for place in ranked]

    @cached_property
    def reliability(self) -> Reliability:
        """The answered labels' probabilities, and whether they were right."""
        return Reliability(self.values.max(axis=1), self.truth == self.answered)

    def weighted(self, weights: Floats | None) -> WeightedManyLabels:
        """Return the same rows, each counted as often as each line of `weights` says; None counts each once."""
        return WeightedManyLabels(self, weights)


class WeightedManyLabels:
    """Many labels with weights of shape (n_resamples, n_rows), whole numbers from 0; each metric has (n_resamples,) values.

    Means over labels are of those that occur in truth or answers; `weighted` ones by how many rows truly have the label.
    """

    def __init__(self, rows: ManyLabels, weights: Floats | None) -> None:
        self._rows, self._weights = rows, weights

    @cached_property
    def _sums(self) -> Floats:
        return weighted_sums(self._rows.sums, self._weights)

    @cached_property
    def counts(self) -> tuple[Floats, Floats, Floats]:
        """Return rows by label, each of shape (n_resamples, n_labels): answered rightly, answered, and true."""
        rows, size = self._rows, len(self._rows.labels)
        right = rows.truth == rows.answered
        lines = np.ones((1, len(rows.truth))) if self._weights is None else self._weights
        hits, answered, true = (
            np.stack([np.bincount(codes, line * factor, minlength=size) for line in lines]).astype(np.float64)
            for codes, factor in ((rows.truth, right), (rows.answered, 1.0), (rows.truth, 1.0))
        )
        return hits, answered, true

    def by_label(self) -> tuple[Floats, Floats, Floats]:
        """Return precision, recall and F1 of each label, of shape (n_resamples, n_labels); 0 where it is never answered or true."""
        hits, answered, true = self.counts
        return ratio(hits, answered, 0.0), ratio(hits, true, 0.0), ratio(2 * hits, answered + true, 0.0)

    def _macro(self, values: Floats) -> Floats:
        _, answered, true = self.counts
        present = answered + true > 0
        return (values * present).sum(axis=1) / present.sum(axis=1)  # type: ignore[no-any-return]

    def _by_rows(self, values: Floats) -> Floats:
        true = self.counts[2]
        return (values * true).sum(axis=1) / true.sum(axis=1)  # type: ignore[no-any-return]

    def accuracy(self) -> Floats:
        """Return the share of rows whose answered label is the true one, in [0, 1]."""
        return self._sums[:, 0] / self._sums[:, -1]

    def precision_macro(self) -> Floats:
        """Return the plain mean of the labels' precision, in [0, 1]; a label that is never answered has 0."""
        return self._macro(self.by_label()[0])

    def recall_macro(self) -> Floats:
        """Return the plain mean of the labels' recall, in [0, 1]; a label that no row truly has counts 0."""
        return self._macro(self.by_label()[1])

    def f1_macro(self) -> Floats:
        """Return the plain mean of the labels' F1 scores, in [0, 1]: rare labels count as much as frequent ones."""
        return self._macro(self.by_label()[2])

    def precision_weighted(self) -> Floats:
        """Return the mean of the labels' precision by their true rows, in [0, 1]."""
        return self._by_rows(self.by_label()[0])

    def recall_weighted(self) -> Floats:
        """Return the mean of the labels' recall by their true rows, in [0, 1], which is the accuracy."""
        return self._by_rows(self.by_label()[1])

    def f1_weighted(self) -> Floats:
        """Return the mean of the labels' F1 scores by their true rows, in [0, 1]."""
        return self._by_rows(self.by_label()[2])

    def balanced_accuracy(self) -> Floats:
        """Return the plain mean of the recall of the labels that rows truly have, in [0, 1]."""
        hits, _, true = self.counts
        return ratio(hits, true, 0.0).sum(axis=1) / (true > 0).sum(axis=1)  # type: ignore[no-any-return]

    def matthews(self) -> Floats:
        """Return Matthews' correlation of answers and truth over all labels, in [-1, 1]; 0 is chance, and for one label alone.

        References
        ----------
        .. [1] Gorodkin, J. (2004). Comparing two K-category assignments by a K-category correlation coefficient.
           Computational Biology and Chemistry 28.
        """
        hits, answered, true = self.counts
        rows = true.sum(axis=1)
        together = hits.sum(axis=1) * rows - (answered * true).sum(axis=1)
        sides = (np.square(rows) - np.square(answered).sum(axis=1)) * (
            np.square(rows) - np.square(true).sum(axis=1)
        )
        return ratio(together, np.sqrt(np.maximum(sides, 0.0)), 0.0)

    def roc_auc_ovr(self) -> Floats:
        """Return the plain mean over labels of the ROC AUC of each against all others, in [0, 1].

        Of labels that some rows have and some have not; NaN if there is none, and of more than 100 labels.
        """
        if len(self._rows.labels) > MOST_RANKED or not self._rows.rankings:
            return np.full(len(self._sums), np.nan)
        areas = np.stack([ranking.roc_auc(self._weights) for ranking in self._rows.rankings])
        known = np.isfinite(areas)
        return ratio(np.where(known, areas, 0.0).sum(axis=0), known.sum(axis=0))

    def log_loss(self) -> Floats:
        r"""Return :math:`-\frac1n \sum_i \ln p_i(y_i)` in nats, in [0, inf); NaN if a label is unknown to the model."""
        return self._sums[:, 1] / self._sums[:, -1]

    def brier(self) -> Floats:
        r"""Return :math:`\frac1n \sum_i \sum_k (p_{ik} - y_{ik})^2`, in [0, 2]; NaN if a label is unknown to the model.

        References
        ----------
        .. [1] Brier, G. W. (1950). Verification of forecasts expressed in terms of probability. Monthly Weather Review 78.
        """
        return self._sums[:, 2] / self._sums[:, -1]

    def calibration_error(self) -> Floats:
        """Return the expected calibration error of the answered label's probability; see `Reliability`."""
        return self._rows.reliability.expected_calibration_error(self._weights)
