"""Makes a column of each category."""

from __future__ import annotations

from functools import partial
from typing import Self

import numpy as np
from scipy import sparse

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

_DENSE = 64


@feature_step("one_hot")
class OneHot(Step):
    """Writes 1 in the column of a row's category, and 0 in the others; in all of them if it is missing or not known.

    Parameters
    ----------
    max_levels : int
        The most frequent categories have a column.

    Attributes
    ----------
    levels_ : dict of str to list of str
        Categories by column, the most frequent first.
    """

    takes = ("category",)

    def __init__(self, max_levels: int = 50) -> None:
        self.max_levels = max_levels

    def fit(self, features: Features, target: Target | None = None) -> Self:
        """Learn the categories."""
        self.levels_ = {
            name: ranked_levels(values, self.max_levels) for name, (_, values) in features.items()
        }
        return self

    def transform(self, features: Features) -> Features:
        """Return a block of columns for each column."""
        made: Features = {}
        for name, (_, values) in features.items():
            levels = self.kept(name, partial(places, self.levels_[name]))
            codes = text_codes(values, levels, np.nan)
            rows = np.flatnonzero(~np.isnan(codes))
            block = sparse.csr_matrix(
                (np.ones(len(rows)), (rows, codes[rows].astype(np.int64))), shape=(len(values), len(levels))
            )
            made[name] = Feature(READY, block.toarray() if len(levels) <= _DENSE else block)
        return made
