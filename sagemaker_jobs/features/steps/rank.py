"""Makes a number of each category: the rank of its frequency."""

from __future__ import annotations

from sagemaker_jobs.features.levels import LevelStep
from sagemaker_jobs.features.registry import feature_step
from sagemaker_jobs.features.step import READY, Feature, Features


@feature_step("rank")
class Rank(LevelStep):
    """Writes 0 for the most frequent category, 1 for the next, and one beyond the last for all that have no rank.

    Parameters
    ----------
    max_levels : int
        The most frequent categories have a rank.
    """

    def __init__(self, max_levels: int = 250) -> None:
        self.max_levels = max_levels

    def transform(self, features: Features) -> Features:
        """Return the ranks; missing cells stay missing."""
        return {
            name: Feature(READY, self.codes(name, values, other=len(self.levels_[name])))
            for name, (_, values) in features.items()
        }
