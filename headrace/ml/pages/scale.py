"""Axes: which part of a range is shown, in which steps, and where a number is on it."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

from headrace.ml.arrays import Floats

_DECADES = 1000.0
"""Positive numbers that spread further are shown in powers of ten."""
_HEAVY = 25.0
"""So many times the middle half's width, and a range is compressed."""
_FEW_TICKS = 5


@dataclass(frozen=True)
class Scale:
    """An axis.

    Parameters
    ----------
    low, high : float
        Its ends.
    kind : {"linear", "whole", "log", "compressed"}
        Whole has its ticks at whole numbers; compressed is linear about 0 and logarithmic further out, on both sides.
    unit : float
        Of a compressed axis: how far from 0 it is about linear.
    """

    low: float
    high: float
    kind: str = "linear"
    unit: float = 1.0

    def along(self, numbers: Floats) -> Floats:
        """Return where numbers are: 0 at the low end, 1 at the high end."""
        start, end = self._bend(np.array([self.low, self.high]))
        bent = self._bend(np.clip(numbers, self.low, self.high))
        # Halves, since the range of all numbers is no number.
        way: Floats = (bent / 2 - start / 2) / (end / 2 - start / 2)
        return way

    def cut(self, parts: int) -> Floats:
        """Return `parts` + 1 ascending points that look equally far apart."""
        start, end = self._bend(np.array([self.low, self.high]))
        way = np.linspace(0.0, 1.0, parts + 1)
        points = self._unbend(start * (1 - way) + end * way)
        points[0], points[-1] = self.low, self.high
        return points

    def ticks(self) -> list[float]:
        """Return some round numbers between the ends."""
        if self.kind in ("linear", "whole"):
            even = linear_ticks(self.low, self.high)
            return even if self.kind == "linear" else [tick for tick in even if tick.is_integer()]
        powers = _powers(max(abs(self.low), abs(self.high)), self.low if self.kind == "log" else self.unit)
        wanted = powers if self.kind == "log" else [*(-power for power in reversed(powers)), 0.0, *powers]
        inside = [tick for tick in wanted if self.low <= tick <= self.high]
        return _thinned(inside) or linear_ticks(self.low, self.high)

    def _bend(self, numbers: Floats) -> Floats:
        if self.kind == "log":
            return np.log10(numbers)
        bent: Floats = np.arcsinh(numbers / self.unit) if self.kind == "compressed" else numbers
        return bent

    def _unbend(self, numbers: Floats) -> Floats:
        if self.kind == "log":
            return np.power(10.0, numbers)
        plain: Floats = np.sinh(numbers) * self.unit if self.kind == "compressed" else numbers
        return plain


def fitting_scale(low: float, high: float, middle: tuple[float, float], *, positive: bool) -> Scale:
    """Return the scale on which numbers can be read, heavy tails or not.

    Parameters
    ----------
    low, high : float
        What is to be seen; low below high.
    middle : tuple of float
        The quartiles.
    positive : bool
        Whether `low` is above 0 and nothing is below it.

    Examples
    --------
    >>> fitting_scale(0.0, 1.0, (0.2, 0.7), positive=False).kind
    'linear'
    >>> fitting_scale(1.0, 1e9, (5.0, 50.0), positive=True).ticks()
    [1.0, 100.0, 10000.0, 1000000.0, 100000000.0]
    >>> fitting_scale(-1e6, 1e6, (-1.0, 1.0), positive=False).kind
    'compressed'
    """
    if positive and high / low > _DECADES:
        return Scale(low, high, "log")
    width = middle[1] / 2 - middle[0] / 2
    if width > 0 and high / 2 - low / 2 > _HEAVY * width:
        largest = max(abs(low), abs(high))
        return Scale(low, high, "compressed", max(2 * width, abs(middle[0]), abs(middle[1]), largest * 1e-12))
    return Scale(low, high)


def linear_ticks(low: float, high: float) -> list[float]:
    """Return up to five multiples of 1, 2 or 5 times a power of ten.

    Examples
    --------
    >>> linear_ticks(0.0, 0.9)
    [0.0, 0.2, 0.4, 0.6, 0.8]
    """
    width = high / _FEW_TICKS - low / _FEW_TICKS
    if not width > 0:
        return [low]
    power = 10.0 ** math.floor(math.log10(width))
    step = next(factor * power for factor in (1, 2, 5, 10) if factor * power >= width * (1 - 1e-9))
    first, last = math.ceil(low / step - 1e-9), math.floor(high / step + 1e-9)
    return [float(f"{index * step:.15g}") for index in range(first, last + 1)]


def _powers(largest: float, smallest: float) -> list[float]:
    first, last = math.ceil(math.log10(smallest) - 1e-9), math.floor(math.log10(largest) + 1e-9)
    return [10.0**power for power in range(first, last + 1)]


def _thinned(ticks: list[float]) -> list[float]:
    """Leave every second, third, … out, but keep 0."""
    every = max(1, math.ceil(len(ticks) / _FEW_TICKS))
    kept = ticks.index(0.0) % every if 0.0 in ticks else 0
    return ticks[kept::every]
