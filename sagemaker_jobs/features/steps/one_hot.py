"""Makes a column of each category."""

from __future__ import annotations

import numpy as np
from scipy import sparse

from sagemaker_jobs.features.levels import LevelStep
from sagemaker_jobs.features.registry import feature_step
from sagemaker_jobs.features.step import READY, Feature, Features

_DENSE = 64


@feature_step("one_hot")
class OneHot(LevelStep):
    """Writes 1 in the column of a row's category, and 0 in the others; in all of them if it is missing or not known.

    Parameters
    ----------
    max_levels : int
        The most frequent categories have a column.
    """

    def __init__(self, max_levels: int = 50) -> None:
        self.max_levels = max_levels

    def transform(self, features: Features) -> Features:
        """Return a block of columns for each column."""
        made: Features = {}
        for name, (_, values) in features.items():
            codes, width = self.codes(name, values, other=np.nan), len(self.levels_[name])
            rows = np.flatnonzero(~np.isnan(codes))
            block = sparse.csr_matrix(
                (np.ones(len(rows)), (rows, codes[rows].astype(np.int64))), shape=(len(values), width)
            )
            made[name] = Feature(READY, block.toarray() if width <= _DENSE else block)
        return made
