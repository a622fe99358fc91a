"""What is known of a regression from rows it was not trained on: enough to estimate its error without the truth."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from typing import Any, Self

import numpy as np

from headrace.ml.arrays import Flags, Floats
from headrace.ml.quality.estimate import Estimate, excess_sd
from headrace.ml.quality.evidence import Expectation, Mistakes
from headrace.ml.quality.intervals import inflation_of
from headrace.ml.quality.labelled import Labelled
from headrace.ml.quality.loss_forest import LossForest
from headrace.ml.quality.reference_windows import consecutive_windows

METRICS = ("rmse", "mae")
"""What can be estimated."""

_USUAL = 0.8


@dataclass(frozen=True)
class LossShape:
    r"""How errors scatter around what is expected of them, as multiples of it.

    With :math:`a` the expected absolute error of a row, its squared error is expected to be :math:`k_2 a^2` and its fourth
    power :math:`k_4 a^4`.

    Parameters
    ----------
    first, second, fourth : float
        :math:`k_1, k_2, k_4`; :math:`k_1` corrects the forest where it is too high or too low on the whole.
    first_sd, second_sd : float
        Standard deviation of :math:`k_1` and :math:`k_2` for want of reference rows.
    """

    first: float
    second: float
    fourth: float
    first_sd: float
    second_sd: float

    @classmethod
    def of(cls, errors: Floats, expected: Floats, inflation: float) -> Self:
        """Measure it on reference rows.

        Parameters
        ----------
        errors, expected : ndarray of shape (n_rows,)
            Absolute errors, and what was expected of them by trees that had not seen them; both in the target's unit.
        inflation : float
            How many rows weigh as much as one independent row; at least 1.
        """
        first, first_sd = _ratio(errors, expected, inflation)
        second, second_sd = _ratio(np.square(errors), np.square(expected), inflation)
        fourth, _ = _ratio(errors**4, expected**4, inflation)
        return cls(first, second, fourth, first_sd, second_sd)


@dataclass(frozen=True)
class NumberReference:
    """The errors of a regression on reference rows, by what a forest expects of them, and how wrong estimates have been.

    Parameters
    ----------
    forest : LossForest
        Expects an absolute error of each row.
    shape : LossShape
        How errors scatter around that.
    rows : int
        Reference rows.
    inflation : float
        How many rows weigh as much as one independent row; at least 1.
    exceeded : float
        Share of the reference rows whose error is more than `usual` times what is expected.
    usual : float
        That multiple.
    excess, transfer : dict of str to float
        As in `LabelReference`.
    """

    forest: LossForest
    shape: LossShape
    rows: int
    inflation: float
    usual: float
    exceeded: float
    excess: Mapping[str, float] = field(default_factory=dict)
    transfer: Mapping[str, float] = field(default_factory=dict)

    @property
    def columns(self) -> list[str]:
        """What has to be read of recorded predictions."""
        return self.forest.names

    def summary(self, columns: Mapping[str, Any]) -> Floats:
        """Sum up rows: their number and the powers of their expected errors. Summaries of two windows may be added."""
        return _sums(self.forest.expected_errors(self.forest.matrix(columns)))

    def rows_of(self, summary: Floats) -> int:
        """Return how many rows a summary is of."""
        return int(summary[0])

    def estimate(self, summary: Floats, *, moved: float = 0.0) -> dict[str, Estimate]:
        """Estimate the errors of a window.

        Parameters
        ----------
        summary : ndarray of shape (4,)
            Of the window.
        moved : float
            Share of rows by which the window's features differ from the reference's, in [0, 1].
        """
        plain = _estimate(summary, self.shape, self.inflation)
        return {
            name: Estimate(
                found.value,
                math.hypot(found.sd, self.excess.get(name, 0.0), moved * self.transfer.get(name, 0.0)),
            )
            for name, found in plain.items()
        }

    @property
    def expectation(self) -> Expectation:
        """How often the reference lets expect an unusually large error."""
        return Expectation.of(np.array([self.exceeded]), np.array([float(self.rows)]), self.inflation)

    def mistakes(self, rows: Labelled, columns: Mapping[str, Any], times: Any) -> Mistakes:
        """Return which errors were unusually large for their row, and with which probability that was expected."""
        usual = self.usual * self.forest.expected_errors(self.forest.matrix(columns))
        return Mistakes((rows.loss > usual).astype(np.float64), np.full(rows.rows, self.exceeded), times)

    def as_dict(self) -> dict[str, Any]:
        """Return it as JSON has it."""
        return {
            "forest": self.forest.as_dict(),
            "shape": asdict(self.shape),
            "rows": self.rows,
            "inflation": self.inflation,
            "usual": self.usual,
            "exceeded": self.exceeded,
            "excess": dict(self.excess),
            "transfer": dict(self.transfer),
        }

    @classmethod
    def from_dict(cls, entry: Mapping[str, Any]) -> Self:
        """Read what `as_dict` wrote."""
        read = {"forest": LossForest.from_dict(entry["forest"]), "shape": LossShape(**entry["shape"])}
        return cls(**{**entry, **read})


def refer_to_numbers(
    errors: Floats, expected: Floats, forest: LossForest, slices: Sequence[Flags] = ()
) -> NumberReference | None:
    """Summarise answers to rows whose truth is known; None if there is no error to estimate.

    Parameters
    ----------
    errors : ndarray of shape (n_rows,)
        Absolute errors in the target's unit, in the order of time, or of arrival.
    expected : ndarray of shape (n_rows,)
        What trees that have not seen the row expect of them.
    forest : LossForest
        All trees.
    slices : sequence of ndarray of shape (n_rows,)
        Flags of rows whose features differ from those of the others.
    """
    if not (expected > 0).all() or not (errors > 0).any():
        return None
    relative = errors / expected
    inflation = round(inflation_of(relative), 3)
    usual = float(np.quantile(relative, _USUAL))

    def excess(parts: Sequence[Flags]) -> dict[str, float]:
        return _excess(errors, expected, inflation, parts)

    return NumberReference(
        forest,
        LossShape.of(errors, expected, inflation),
        len(errors),
        inflation,
        usual,
        float(np.mean(relative > usual)),
        excess(consecutive_windows(len(errors))),
        excess(slices),
    )


def _excess(errors: Floats, expected: Floats, inflation: float, parts: Sequence[Flags]) -> dict[str, float]:
    """Estimate each part from all other rows, and return by metric how far off that was beyond what was expected."""
    off: dict[str, list[float]] = {name: [] for name in METRICS}
    deviations: dict[str, list[float]] = {name: [] for name in METRICS}
    for part in (part for part in parts if part.any() and not part.all()):
        shape = LossShape.of(errors[~part], expected[~part], inflation)
        found = _estimate(_sums(expected[part]), shape, inflation)
        for name, metric in _METRICS.items():
            off[name].append(found[name].value - metric(errors[part]))
            deviations[name].append(found[name].sd)
    return {name: excess_sd(off[name], deviations[name]) for name in METRICS}


_METRICS: dict[str, Callable[[Floats], float]] = {
    "rmse": lambda errors: math.sqrt(float(np.mean(np.square(errors)))),
    "mae": lambda errors: float(np.mean(errors)),
}


def _sums(expected: Floats) -> Floats:
    squared = np.square(expected)
    return np.array([len(expected), expected.sum(), squared.sum(), np.square(squared).sum()])


def _estimate(summary: Floats, shape: LossShape, inflation: float) -> dict[str, Estimate]:
    n, first, second, fourth = summary.tolist()
    if not n or not second:
        return {}
    mae, mse = shape.first * first / n, shape.second * second / n
    of_errors = inflation * max(0.0, shape.second - shape.first**2) * second / n**2
    of_squares = inflation * max(0.0, shape.fourth - shape.second**2) * fourth / n**2
    mae_sd = math.hypot(math.sqrt(of_errors), shape.first_sd * first / n)
    mse_sd = math.hypot(math.sqrt(of_squares), shape.second_sd * second / n)
    rmse = math.sqrt(mse)
    return {"rmse": Estimate(rmse, mse_sd / (2 * rmse)), "mae": Estimate(mae, mae_sd)}


def _ratio(values: Floats, expected: Floats, inflation: float) -> tuple[float, float]:
    """Return the ratio of two means and its standard deviation (Cochran, W. G. (1977). Sampling Techniques, 6.3)."""
    ratio = float(values.sum() / expected.sum())
    residual = values - ratio * expected
    sd = math.sqrt(inflation * float(np.mean(np.square(residual))) / len(values)) / float(expected.mean())
    return ratio, sd
