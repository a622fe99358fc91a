"""On which columns a model's answers rest: how much worse they become when a column says nothing any more."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import asdict, dataclass, replace
from functools import partial
from typing import Any

import numpy as np
from scipy import stats

from headrace.ml.arrays import Floats, Labels
from headrace.ml.contract import Problem
from headrace.ml.metrics import LOWER_IS_BETTER, METRICS, Predictions, prepare
from headrace.ml.rows import Columns

_COVERAGE = 0.95
_MOST_ROWS, _FEWEST_ROWS = 5_000, 100
_MOST_REPEATS, _FEWEST_REPEATS, _WANTED_REPEATS = 10, 3, 5


@dataclass(frozen=True)
class Importance:
    """Of one column.

    Parameters
    ----------
    feature : str
        The column, as it is in the files.
    mean, low, high : float
        How much worse the metric is when the cells of the column are dealt anew among the rows, in the metric's unit; and the
        95 % interval. 0 is a column that does not matter; below 0 it does harm, or luck.
    """

    feature: str
    mean: float
    low: float
    high: float

    def as_dict(self) -> dict[str, Any]:
        """Return it as JSON has it."""
        return asdict(self)


@dataclass(frozen=True)
class HeldOut:
    """Rows that are asked about.

    Parameters
    ----------
    columns : dict of str to ndarray of shape (n_rows,)
        Their cells.
    truth : ndarray of shape (n_rows,)
        Their targets.
    classes : tuple of str
        Labels, in the order of the probabilities; empty in a regression.
    threshold : float or None
        Of two labels: the probability from which the second one is answered.
    """

    columns: Columns
    truth: Floats | Labels
    classes: tuple[str, ...] = ()
    threshold: float | None = None


@dataclass(frozen=True)
class Effort:
    """How much is asked.

    Parameters
    ----------
    rows, repeats : int
        Rows that are answered, and how often each column is dealt anew.
    """

    rows: int
    repeats: int

    @classmethod
    def within(cls, budget: int, columns: int, rows: int) -> Effort:
        """Choose how many rows and repeats keep to a number of answers, whatever the columns.

        Parameters
        ----------
        budget : int
            Answers that may be asked for. At least 100 rows are asked 3 times for each column, if there are so many.
        columns, rows : int
            How many there are.

        Examples
        --------
        >>> Effort.within(200_000, columns=54, rows=10_000), Effort.within(200_000, columns=4, rows=300)
        (Effort(rows=740, repeats=5), Effort(rows=300, repeats=10))
        """
        each = budget // max(1, columns)
        chosen = min(rows, max(_FEWEST_ROWS, min(_MOST_ROWS, each // _WANTED_REPEATS)))
        return cls(chosen, min(_MOST_REPEATS, max(_FEWEST_REPEATS, each // max(1, chosen))))


def permutation_importance(
    predict: Callable[[Columns], Floats],
    problem: Problem,
    metric: str,
    held_out: HeldOut,
    *,
    budget: int = 200_000,
    seed: int = 0,
    threads: int = 1,
) -> list[Importance]:
    """Measure every column.

    Whole raw columns are dealt anew, before the model's own steps, so that a date or a text counts as one. Each repeat is
    measured on rows drawn with replacement, and compared with the untouched answers to the same rows; so the interval
    (mean ± t · s, s over the repeats) knows the luck of the rows as well as that of dealing. Columns that say the same
    share their importance: each can be replaced by the other [1]_.

    Parameters
    ----------
    predict : callable
        From columns to answers.
    problem, metric : str
        What is measured.
    held_out : HeldOut
        Rows that the model has not learnt.
    budget : int
        Answers that may be asked for (`Effort.within`).
    seed, threads : int
        Of the dealing; and how many columns are asked about at the same time, which changes nothing.

    Returns
    -------
    list of Importance
        The most important column first. Empty if the metric has no value on these rows.

    References
    ----------
    .. [1] Breiman, L. (2001). Random Forests. Machine Learning 45. Fisher, A., Rudin, C. and Dominici, F. (2019). All models
       are wrong, but many are useful. JMLR 20.

    Examples
    --------
    >>> rows = {"x": np.arange(200.0), "noise": np.zeros(200)}
    >>> found = permutation_importance(lambda c: c["x"], "regression", "r2", HeldOut(rows, np.arange(200.0)))
    >>> [(each.feature, round(each.mean)) for each in found]
    [('x', 2), ('noise', 0)]
    """
    columns, truth = held_out.columns, held_out.truth
    effort = Effort.within(budget, len(columns), len(truth))
    rng = np.random.default_rng(seed)
    rows = np.sort(rng.choice(len(truth), effort.rows, replace=False))
    asked = {name: cells[rows] for name, cells in columns.items()}
    question = _Question(
        predict, problem, metric, replace(held_out, columns=asked, truth=truth[rows]), effort
    )
    drawn = rng.integers(0, effort.rows, (effort.repeats, effort.rows))
    draws = np.stack([np.bincount(each, minlength=effort.rows) for each in drawn]).astype(np.float64)
    before = question.values(predict(asked), draws)
    if not np.isfinite(before).all():
        return []
    with ThreadPoolExecutor(threads) as pool:
        measure = partial(question.of, draws=draws, before=before, seed=seed)
        found = list(pool.map(measure, range(len(columns))))
    return sorted(found, key=lambda each: (-each.mean, each.feature))


@dataclass(frozen=True)
class _Question:
    """Rows, and what is asked about them."""

    predict: Callable[[Columns], Floats]
    problem: Problem
    metric: str
    asked: HeldOut
    effort: Effort

    def values(self, answers: Floats, draws: Floats) -> Floats:
        """Return the metric for each line of draws, which say how often a row counts; the larger the better."""
        asked = self.asked
        rows = prepare(self.problem, Predictions(asked.truth, answers, asked.classes, asked.threshold))
        found = METRICS[self.problem][self.metric](rows.weighted(draws))
        return -found if self.metric in LOWER_IS_BETTER else found

    def of(self, place: int, draws: Floats, before: Floats, seed: int) -> Importance:
        """Deal one column anew, as often as is wanted, and ask for all repeats at once."""
        columns = self.asked.columns
        name = list(columns)[place]
        rng, repeats = np.random.default_rng([seed, place]), self.effort.repeats
        dealt = np.concatenate([columns[name][rng.permutation(self.effort.rows)] for _ in range(repeats)])
        asked = {other: np.concatenate([cells] * repeats) for other, cells in columns.items()}
        answers = np.split(self.predict({**asked, name: dealt}), repeats)
        after = [self.values(each, draw[None]) for each, draw in zip(answers, draws, strict=True)]
        drops = before - np.concatenate(after)
        drops = drops[np.isfinite(drops)]
        if len(drops) < 2:  # noqa: PLR2004
            return Importance(name, 0.0, 0.0, 0.0)
        half = float(stats.t.ppf((1 + _COVERAGE) / 2, len(drops) - 1) * drops.std(ddof=1))
        mean = float(drops.mean())
        return Importance(name, mean, mean - half, mean + half)
