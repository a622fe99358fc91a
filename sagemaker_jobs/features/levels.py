"""What the steps share that know categories by the frequency that they had in training."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import partial
from typing import Any, ClassVar, Self

import numpy as np

from headrace.ml.arrays import Floats
from sagemaker_jobs.features.step import Features, Step, Target


class LevelStep(Step):
    """Learns the `max_levels` most frequent categories.

    Attributes
    ----------
    levels_ : dict of str to list of str
        Categories by column, the most frequent first.
    """

    takes: ClassVar[tuple[str, ...]] = ("category",)
    max_levels: int

    def fit(self, features: Features, target: Target | None = None) -> Self:
        """Learn the categories."""
        self.levels_ = {
            name: ranked_levels(values, self.max_levels) for name, (_, values) in features.items()
        }
        return self

    def codes(self, name: str, values: np.ndarray[Any, Any], other: float) -> Floats:
        """Return the rank of each category; NaN where the cell is missing, `other` where the category has none."""
        return text_codes(values, self.kept(name, partial(places, self.levels_[name])), other)


def text_codes(values: np.ndarray[Any, Any], levels: Mapping[str, int], other: float) -> Floats:
    """Return the number of each category; NaN where the cell is missing, `other` where it is not among `levels`.

    Examples
    --------
    >>> text_codes(np.array(["b", None, "z"], dtype=object), {"a": 0, "b": 1}, -1).tolist()
    [1.0, nan, -1.0]
    """
    return np.array(
        [np.nan if value is None else levels.get(value, other) for value in values], dtype=np.float64
    )


def ranked_levels(values: np.ndarray[Any, Any], most: int) -> list[str]:
    """Return the categories, the most frequent first, at most `most` of them.

    Examples
    --------
    >>> ranked_levels(np.array(["b", "a", "b", None, "c"], dtype=object), 2)
    ['b', 'a']
    """
    present = [value for value in values if value is not None]
    found, counts = np.unique(np.array(present, dtype=object).astype(str), return_counts=True)
    order = np.lexsort((found, -counts))[:most]
    return [str(level) for level in found[order]]


def places(levels: Sequence[str]) -> dict[str, int]:
    """Return the place of each category in a list of them.

    Examples
    --------
    >>> places(["b", "a"])
    {'b': 0, 'a': 1}
    """
    return {level: place for place, level in enumerate(levels)}
