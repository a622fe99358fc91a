"""Which rows a model learns from: those of a window, or all by their age. Ages are whole numbers, so every machine agrees.

References
----------
.. [1] Gama, J., Zliobaite, I., Bifet, A., Pechenizkiy, M. and Bouchachia, A. (2014). A survey on concept drift adaptation.
   ACM Computing Surveys 46 (4), section 3.1: sliding windows and gradual forgetting.
.. [2] Kish, L. (1965). Survey Sampling. Wiley, section 11.7: the effective number of rows.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable
from dataclasses import asdict, dataclass
from typing import Any, Literal

import numpy as np
import pandas as pd
import pyarrow as pa

from headrace.ml.arrays import Flags, Floats, Ints, Labels

AGE = "__headrace_age"
"""The column of a part that says how old its rows are; no model sees it."""

UNKNOWN = np.iinfo(np.int64).max
"""The age of a row without a time: it is in no window, and weighs nothing."""

_TICKS = {"days": 86_400_000_000, "rows": 1}  # of one unit: microseconds, rows


@dataclass(frozen=True)
class WindowRule:
    """What is learned from.

    Parameters
    ----------
    use : {"recent", "weighted"}
        Rows of the window only, or all by a weight that halves with age.
    unit : {"days", "rows"}
        Age is counted back from the newest row by the time column, or in rows accepted since.
    reach : float
        Width of the window, or the half-life, in that unit.
    min_rows : int
        With fewer rows, or weights worth fewer, all rows are learned from alike.
    """

    use: Literal["recent", "weighted"]
    unit: Literal["days", "rows"]
    reach: float
    min_rows: int

    @property
    def ticks(self) -> float:
        """The reach in the unit of ages: microseconds, or rows."""
        return self.reach * _TICKS[self.unit]

    def chosen(self, ages: Ints) -> Flags:
        """Tell which rows are learned from; where rows are weighted, all are."""
        return ages < self.ticks if self.use == "recent" else np.ones(len(ages), dtype=bool)

    def weights(self, ages: Ints) -> Floats:
        r"""Return how much each row counts, in [0, 1]; 1 is the newest.

        .. math:: w = 2^{-\mathrm{age} / \mathrm{half\text{-}life}}

        Examples
        --------
        >>> WindowRule("weighted", "rows", 10, 500).weights(np.array([0, 10, 30, UNKNOWN])).tolist()
        [1.0, 0.5, 0.125, 0.0]
        """
        if self.use == "recent":
            return self.chosen(ages).astype(np.float64)
        return np.exp2(-np.minimum(ages / self.ticks, 2000.0))


@dataclass(frozen=True)
class Tally:
    """Sums over rows by which a window is judged; those of several files add up."""

    rows: int = 0
    chosen: int = 0
    weight: float = 0.0
    squares: float = 0.0

    @classmethod
    def of(cls, ages: Ints, rule: WindowRule) -> Tally:
        """Sum over training rows."""
        weights = rule.weights(ages)
        return cls(len(ages), int(rule.chosen(ages).sum()), float(weights.sum()), float(weights @ weights))

    def __add__(self, other: Tally) -> Tally:
        return Tally(
            self.rows + other.rows,
            self.chosen + other.chosen,
            self.weight + other.weight,
            self.squares + other.squares,
        )

    @property
    def worth(self) -> float:
        r"""How many rows of equal weight they are worth, :math:`(\sum w)^2 / \sum w^2` [2]_."""
        return self.weight**2 / self.squares if self.squares else 0.0


@dataclass(frozen=True)
class Window:
    """How a window turned out.

    Parameters
    ----------
    rule : WindowRule
        What was asked for.
    applied : bool
        Whether it was done; otherwise all rows are learned from alike.
    rows : int
        Training rows that are learned from.
    worth : float
        How many rows of equal weight they are worth.
    why : str
        A sentence for people.
    """

    rule: WindowRule
    applied: bool
    rows: int
    worth: float
    why: str

    @classmethod
    def judged(cls, rule: WindowRule, found: Tally) -> Window:
        """Apply a window that holds enough; else fall back to all rows, and say so.

        Examples
        --------
        >>> rule = WindowRule("recent", "days", 30, min_rows=500)
        >>> Window.judged(rule, Tally(rows=9000, chosen=700, weight=700, squares=700)).why
        '700 of 9000 training rows are learned from: those of the last 30 days'
        >>> Window.judged(rule, Tally(rows=9000, chosen=70, weight=70, squares=70)).why
        'all 9000 training rows are learned from: the last 30 days hold 70 where retraining.data.min_rows asks for 500'
        """
        worth = found.worth
        reach = f"{rule.reach:g} {rule.unit}"
        if worth < rule.min_rows:
            what = (
                f"the last {reach} hold"
                if rule.use == "recent"
                else f"with a half-life of {reach} they are worth"
            )
            why = f"all {found.rows} training rows are learned from: {what} {worth:.0f} where retraining.data.min_rows asks for {rule.min_rows}"
            return cls(rule, False, found.rows, float(found.rows), why)
        if rule.use == "recent":
            why = f"{found.chosen} of {found.rows} training rows are learned from: those of the last {reach}"
            return cls(rule, True, found.chosen, float(found.chosen), why)
        why = f"all {found.rows} training rows are learned from with a half-life of {reach}: they are worth {worth:.0f} equal ones"
        return cls(rule, True, found.rows, round(worth, 1), why)

    def as_dict(self) -> dict[str, Any]:
        """Return it as JSON has it."""
        return asdict(self)

    @classmethod
    def from_dict(cls, document: dict[str, Any]) -> Window:
        """Read what `as_dict` wrote."""
        return cls(**{**document, "rule": WindowRule(**document["rule"])})

    @property
    def weighted(self) -> WindowRule | None:
        """The rule by which rows are weighted; None if all count the same."""
        return self.rule if self.applied and self.rule.use == "weighted" else None


def newest(times: pd.Series) -> np.datetime64 | None:
    """Return the newest moment of training rows, from which ages count: not the clock, so a training can be repeated.

    None stands for no moment at all. Where rows are dealt by time, the newest row is in the test part, which nobody learns from.
    """
    moment = times.max()
    return None if pd.isna(moment) else np.datetime64(moment, "us")


def ages_by_time(times: pd.Series, now: np.datetime64 | None) -> Ints:
    """Return how much older than `now` each row is, in microseconds; 0 if it is newer, `UNKNOWN` without a time.

    Examples
    --------
    >>> times = pd.Series(pd.to_datetime(["2026-01-01", None, "2026-01-02"]))
    >>> ages = ages_by_time(times, newest(times))
    >>> [age // 1_000_000 for age in ages.tolist() if age != UNKNOWN]
    [86400, 0]
    """
    if now is None:
        return np.full(len(times), UNKNOWN, dtype=np.int64)
    moments = times.to_numpy(dtype="datetime64[us]")
    return np.where(np.isnat(moments), UNKNOWN, np.maximum((now - moments).astype(np.int64), 0))


def ages_by_order(training: Flags, later: int = 0) -> Ints:
    """Return how many training rows were accepted after each row.

    Parameters
    ----------
    training : ndarray of shape (n_rows,)
        Which rows are training rows, in the order of acceptance.
    later : int
        How many training rows came after all of these.

    Examples
    --------
    >>> ages_by_order(np.array([True, False, True, True]), later=10).tolist()
    [12, 12, 11, 10]
    """
    counted: Ints = training.astype(np.int64)
    return np.cumsum(counted[::-1])[::-1] - counted + later


def ages_of(
    times: pd.Series | None,
    dealt: Labels,
    rule: WindowRule | None,
    now: np.datetime64 | None = None,
    later: int = 0,
) -> Ints:
    """Return how old rows are, as `rule` counts; -1 for those of the test part, and for all without a rule.

    Parameters
    ----------
    times : Series or None
        When they are, for a rule that counts days.
    dealt : ndarray of shape (n_rows,)
        Their parts, in the order of acceptance.
    now, later
        Of all training rows: the newest moment, and how many were accepted after these rows.
    """
    if rule is None:
        return np.full(len(dealt), -1, dtype=np.int64)
    if rule.unit == "rows":
        counted = ages_by_order(dealt == "train", later)
    else:
        assert times is not None
        counted = ages_by_time(times, now)
    ages: Ints = np.where(dealt == "test", -1, counted)
    return ages


def in_window(dealt: Labels, ages: Ints, window: Window | None) -> Labels:
    """Return the parts of rows; training and validation rows that are not learned from are in none."""
    if window is None or not window.applied:
        return dealt
    return np.where((dealt != "test") & ~window.rule.chosen(ages), "outside", dealt)


def part_rows(rows: pa.Table, dealt: Labels, ages: Ints, window: Window | None, part: str) -> pa.Table:
    """Return the rows of one part; where training rows are weighted, with a column of their ages."""
    chosen = dealt == part
    found = rows.filter(pa.array(chosen))
    if part == "test" or window is None or window.weighted is None:
        return found
    return found.append_column(AGE, pa.array(ages[chosen]))


def ages_digest(ages: Iterable[Ints]) -> str:
    """Return 64 hexadecimal digits for ages in the order of the rows' hashes, in as many arrays as wanted."""
    digest = hashlib.sha256()
    for part in ages:
        digest.update(part.astype("<i8").tobytes())
    return digest.hexdigest()
