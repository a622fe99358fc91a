"""Makes a number of each category: the rank of its frequency."""

from __future__ import annotations

from functools import partial
from typing import Self

from sagemaker_jobs.features.registry import feature_step
from sagemaker_jobs.features.step import (
    READY,
    Feature,
    Features,
    Step,
    Target,
    places,
    ranked_levels,
    text_codes,
)


@feature_step("rank")
class Rank(Step):
    """Writes 0 for the most frequent category, 1 for the next, and one beyond the last for all that have no rank.

    Parameters
    ----------
    max_levels : int
        The most frequent categories have a rank.

    Attributes
    ----------
    levels_ : dict of str to list of str
        Categories by column, the most frequent first.
    """

    takes = ("category",)

    def __init__(self, max_levels: int = 250) -> None:
        self.max_levels = max_levels

    def fit(self, features: Features, target: Target | None = None) -> Self:
        """Learn the ranks."""
        self.levels_ = {
            name: ranked_levels(values, self.max_levels) for name, (_, values) in features.items()
        }
        return self

    def transform(self, features: Features) -> Features:
        """Return the ranks; missing cells stay missing."""
        made: Features = {}
        for name, (_, values) in features.items():
            levels = self.kept(name, partial(places, self.levels_[name]))
            made[name] = Feature(READY, text_codes(values, levels, len(levels)))
        return made
