"""Which network is built for which columns."""

from __future__ import annotations

from typing import Any

import numpy as np

from headrace.ml.arrays import Floats
from sagemaker_jobs.failures import JobError
from sagemaker_jobs.learners.interface import Layout
from sagemaker_jobs.learners.networks.description import Category, Network, Numbers, Picture, Tokens
from sagemaker_jobs.learners.networks.hyperparameters import Hyperparameters

_MOST_INPUTS = 12  # codes of a category that have an input each
_MOST_NUMBERS = 50  # that are learned for a code
_SMALLEST_PICTURE = 4  # points, at which pictures are not halved any more
_MOST_BLOCKS = 4
_HALF = 0.5


def plan_network(layout: Layout, matrix: Floats, outputs: int, given: Hyperparameters) -> Network:
    """Return the network for the columns of a matrix.

    Numbers are centred on their median and divided by the distance of their quartiles. A category of up to 12 codes has an
    input for each; of others 1.6 · levels^0.56 numbers are learned for each code, at most 50 [1]_. Words of texts are averaged. A
    picture goes through blocks of two convolutions until it has fewer than 8 points in a direction.

    Parameters
    ----------
    layout : Layout
        What the columns are.
    matrix : ndarray of float64, shape (n_rows, n_columns)
        The training rows.
    outputs : int
        1 in a regression, one for each label otherwise.
    given : Hyperparameters
        Widths.

    Raises
    ------
    JobError
        If a picture's points do not fill its columns.

    References
    ----------
    .. [1] Howard, J. and Gugger, S. (2020). Fastai: a layered API for deep learning. Information 11, section on tabular data.
    """
    numbers, pixels, shape = layout.places("number"), layout.places("pixel"), layout.image_shape
    if given.picture_shape and not pixels:
        numbers, pixels, shape = [], numbers, given.picture_shape
    words = layout.places("token")
    return Network(
        _numbers(matrix, numbers),
        tuple(_category(place, _levels(layout, place, matrix)) for place in layout.places("category")),
        _tokens(layout, words, matrix, given) if words else None,
        tuple(_pictures(matrix, pixels, shape, given)),
        (given.hidden_units,) * given.hidden_layers,
        outputs,
        given.dropout,
    )


def _numbers(matrix: Floats, places: list[int]) -> Numbers:
    cells = matrix[:, places]
    gaps = tuple(np.flatnonzero(np.isnan(cells).any(axis=0)).tolist())
    pairs = [_centre_and_scale(column[np.isfinite(column)]) for column in cells.T]
    return Numbers(tuple(places), tuple(c for c, _ in pairs), tuple(s for _, s in pairs), gaps)


def _centre_and_scale(present: Floats) -> tuple[float, float]:
    """Return the median and the distance of the quartiles in units of a normal deviation; if that is 0, the deviation, or 1."""
    if not len(present):
        return 0.0, 1.0
    low, centre, high = np.quantile(present, [0.25, 0.5, 0.75])
    scale = (high - low) / 1.349  # the distance of a standard normal distribution's quartiles
    for candidate in (scale, float(present.std())):
        if candidate > 0 and np.isfinite(candidate):
            return float(centre), float(candidate)
    return float(centre), 1.0


def _levels(layout: Layout, place: int, matrix: Floats) -> int:
    if place in layout.levels:
        return layout.levels[place]
    column = matrix[:, place]
    return int(np.nanmax(column, initial=0)) + 1


def _category(place: int, levels: int) -> Category:
    size = 0 if levels <= _MOST_INPUTS else min(_MOST_NUMBERS, round(1.6 * levels**0.56))
    return Category(place, levels, size)


def _tokens(layout: Layout, places: list[int], matrix: Floats, given: Hyperparameters) -> Tokens:
    vocabulary = max(_levels(layout, place, matrix) for place in places)
    return Tokens(tuple(places), vocabulary, given.embedding_size)


def _pictures(matrix: Floats, places: list[int], shape: Any, given: Hyperparameters) -> list[Picture]:
    if not places:
        return []
    height, width, colours = shape or (0, 0, 0)
    points = height * width * colours
    if not points or len(places) % points:
        raise JobError(
            f"there are {len(places)} columns of points, and a picture of {height} by {width} points with {colours} colours "
            f"needs {points}: training.hyperparameters.picture says the picture's shape"
        )
    filters = _filters(min(height, width), given.filters)
    if not filters:
        raise JobError(f"a picture of {height} by {width} points is too small: it needs 4 by 4 at least")
    groups = [tuple(places[start : start + points]) for start in range(0, len(places), points)]
    return [
        Picture(group, height, width, colours, *_brightness(matrix[:, group]), filters) for group in groups
    ]


def _brightness(points: Floats) -> tuple[float, float]:
    present = points[np.isfinite(points)]
    spread = float(present.std()) if len(present) else 0.0
    return (float(present.mean()) if len(present) else _HALF), spread or 1.0


def _filters(side: int, first: int) -> tuple[int, ...]:
    """Return the filters of each block.

    Examples
    --------
    >>> _filters(8, 32), _filters(32, 32), _filters(256, 32)
    ((32, 64), (32, 64, 128, 128), (32, 64, 128, 128))
    """
    filters: list[int] = []
    while side >= _SMALLEST_PICTURE and len(filters) < _MOST_BLOCKS:
        filters.append(first * min(2 ** len(filters), _SMALLEST_PICTURE))
        side //= 2
    return tuple(filters)
