"""From the matrix to what a network is given. `sagemaker_jobs.learners.networks.graph` does the same in the graph."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from headrace.ml.arrays import Floats, Ints
from sagemaker_jobs.learners.networks.description import Category, Network, Numbers, Picture

Single = NDArray[np.float32]
Inputs = dict[str, NDArray[Any]]
"""``dense`` (float32), ``codes`` and ``tokens`` (int64), ``picture0``, … (float32), each with rows as its first dimension."""

FARTHEST = 1e6
"""Scaled numbers beyond are cut, so that their squares stay numbers."""

BEND = 3.0
"""Scaled numbers stay below this: x / sqrt(1 + (x / 3)²).

References
----------
.. [1] Holzmüller, D., Grinsztajn, L. and Steinwart, I. (2024). Better by default: strong pre-tuned MLPs. NeurIPS.
"""


def inputs_of(network: Network, matrix: Floats) -> Inputs:
    """Return the inputs of a network.

    Parameters
    ----------
    network : Network
        Which columns it reads, and how.
    matrix : ndarray of float64, shape (n_rows, n_columns)
        NaN where a cell is missing.
    """
    inputs: Inputs = {}
    if network.dense_width:
        hot = [_hot(category, matrix) for category in network.one_hot]
        inputs["dense"] = np.hstack([_scaled(network.numbers, matrix), *hot]).astype(np.float32)
    if network.embedded:
        inputs["codes"] = np.column_stack([_codes(category, matrix) for category in network.embedded])
    if network.tokens:
        words = np.nan_to_num(matrix[:, network.tokens.columns], nan=0.0)
        inputs["tokens"] = words.clip(0, network.tokens.vocabulary - 1).astype(np.int64)
    for place, picture in enumerate(network.pictures):
        inputs[f"picture{place}"] = _points(picture, matrix)
    return inputs


def chosen(inputs: Inputs, rows: Ints | slice) -> Inputs:
    """Return the inputs of some rows."""
    return {name: values[rows] for name, values in inputs.items()}


def _scaled(numbers: Numbers, matrix: Floats) -> Floats:
    """Return numbers on one scale, 0 where one is missing, and behind them where that was."""
    cells = matrix[:, numbers.columns]
    missing = np.isnan(cells)
    far = np.clip((cells - numbers.centre) / numbers.scale, -FARTHEST, FARTHEST)
    bent = np.where(missing, 0.0, far / np.sqrt(1 + np.square(far / BEND)))
    return np.hstack([bent, missing[:, numbers.gaps].astype(np.float64)])


def _codes(category: Category, matrix: Floats) -> Ints:
    """Return codes from 1 on, 0 where there is none that is known."""
    cells = matrix[:, category.column]
    known = (cells >= 0) & (cells < category.levels)
    return np.where(known, cells + 1, 0).astype(np.int64)


def _hot(category: Category, matrix: Floats) -> Floats:
    hot: Floats = (_codes(category, matrix)[:, None] == np.arange(category.levels + 1)).astype(np.float64)
    return hot


def _points(picture: Picture, matrix: Floats) -> Single:
    """Return pictures as (rows, colours, height, width), in the average brightness where there is none."""
    points = (matrix[:, picture.columns] - picture.centre) / picture.scale
    points = np.where(np.isnan(points), 0.0, np.clip(points, -FARTHEST, FARTHEST))
    shaped = points.reshape(-1, picture.height, picture.width, picture.colours)
    return np.ascontiguousarray(shaped.transpose(0, 3, 1, 2), dtype=np.float32)
