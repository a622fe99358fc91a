"""The hyperparameters that a tuning job searches: ranges, scales, and the texts that training jobs get.

References
----------
.. [1] SageMaker developer guide, "Define Hyperparameter Ranges", on scaling types.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

Hyperparameters = dict[str, str]
_LINEAR, _LOG, _REVERSE_LOG = "Linear", "Logarithmic", "ReverseLogarithmic"
_SPREAD_OF_LOG = 100.0
"""From two orders of magnitude on, ``Auto`` is logarithmic."""

_WARP: dict[str, tuple[Callable[[float], float], Callable[[float], float]]] = {
    _LINEAR: (lambda x: x, lambda y: y),
    _LOG: (math.log, math.exp),
    _REVERSE_LOG: (lambda x: -math.log1p(-x), lambda y: -math.expm1(-y)),
}


@dataclass(frozen=True)
class NumberRange:
    """An integer or continuous range.

    Parameters
    ----------
    name : str
        Of the hyperparameter.
    low, high : float
        Both belong to it.
    scale : str
        ``Linear``, ``Logarithmic`` (`low` > 0) or ``ReverseLogarithmic`` (0 <= `low`, `high` < 1).
    whole : bool
        Whether its values are integers, each of which has a width of 1 on its scale.

    Examples
    --------
    >>> NumberRange("rate", 0.001, 0.1, "Logarithmic").text(0.5)
    '0.01'
    >>> NumberRange("depth", 1, 3, whole=True).text(0.99)
    '3'
    >>> NumberRange("momentum", 0.0, 0.99, "ReverseLogarithmic").text(0.5)
    '0.9'
    """

    name: str
    low: float
    high: float
    scale: str = _LINEAR
    whole: bool = False

    def text(self, position: float) -> str:
        """Return the value at `position`, from 0 (lowest) to 1 (highest) along the scale."""
        first, last = self._ends()
        value = _WARP[self.scale][1](first + position * (last - first))
        value = min(max(value, self.low), self.high)
        return str(int(min(max(round(value), self.low), self.high))) if self.whole else repr(_short(value))

    def position(self, text: str) -> float | None:
        """Return where a value lies, the inverse of `text`; None if it lies outside of the range."""
        try:
            value = float(text)
        except ValueError:
            return None
        if not self.low <= value <= self.high:
            return None
        first, last = self._ends()
        return (_WARP[self.scale][0](value) - first) / (last - first) if last > first else 0.5

    def _ends(self) -> tuple[float, float]:
        warp, half = _WARP[self.scale][0], 0.5 if self.whole else 0.0
        return warp(self.low - half), warp(self.high + half)


@dataclass(frozen=True)
class CategoryRange:
    """A categorical range: one of `values`."""

    name: str
    values: tuple[str, ...]


Range = NumberRange | CategoryRange
Space = Sequence[Range]


def read_space(ranges: Mapping[str, Any]) -> Space:
    """Return the ranges of a request's ``ParameterRanges``, which were checked."""
    return [
        *(_number_range(item, whole=True) for item in ranges.get("IntegerParameterRanges", [])),
        *(_number_range(item, whole=False) for item in ranges.get("ContinuousParameterRanges", [])),
        *(
            CategoryRange(item["Name"], tuple(item["Values"]))
            for item in ranges.get("CategoricalParameterRanges", [])
        ),
    ]


def combinations(space: Space) -> int:
    """Return how many points a space of categorical ranges has."""
    return math.prod(len(one.values) for one in space if isinstance(one, CategoryRange))


def _number_range(item: Mapping[str, str], *, whole: bool) -> NumberRange:
    low, high = float(item["MinValue"]), float(item["MaxValue"])
    scale = item.get("ScalingType", "Auto")
    if scale == "Auto":
        scale = _LOG if low > 0 and high / low >= _SPREAD_OF_LOG else _LINEAR
    return NumberRange(item["Name"], low, high, scale, whole)


def _short(value: float) -> float:
    """Return the value with twelve significant digits: the last ones are noise of the scale."""
    return float(f"{value:.12g}")
