"""What a network knows before it has seen a row."""

from __future__ import annotations

import math

import numpy as np

from headrace.ml.arrays import Ints
from sagemaker_jobs.learners.networks.description import Network, Shape
from sagemaker_jobs.learners.networks.inputs import Single

_SPREAD_OF_TABLES = 0.1


def initial_arrays(network: Network, seed: int, words: Ints | None = None) -> dict[str, Single]:
    """Return arrays by the names of `Network.shapes`, by which every framework begins alike.

    Weights are normal with variance 2 / inputs, which keeps the size of what passes through layers that cut below 0 [1]_. Biases
    and the last layer are 0: the first answer is the mean, or that all labels are equally probable. The rows of tables are small; those of words that training has not seen are 0, so that such a word says nothing.

    Parameters
    ----------
    network : Network
        The layers.
    seed : int
        The same seed gives the same arrays.
    words : ndarray of int, optional
        All words' numbers that occur in training.

    References
    ----------
    .. [1] He, K., Zhang, X., Ren, S. and Sun, J. (2015). Delving deep into rectifiers. ICCV.
    """
    rng = np.random.default_rng(seed)
    arrays = {name: _initial(name, shape, rng) for name, shape in network.shapes.items()}
    arrays[f"layer{len(network.hidden)}_weight"][:] = 0
    if "tokens_table" in arrays and words is not None:
        seen = np.zeros(len(arrays["tokens_table"]), dtype=bool)
        seen[words] = True
        seen[0] = False
        arrays["tokens_table"][~seen] = 0
    return arrays


def _initial(name: str, shape: Shape, rng: np.random.Generator) -> Single:
    if name.endswith("_bias"):
        return np.zeros(shape, dtype=np.float32)
    spread = _SPREAD_OF_TABLES if name.endswith("_table") else math.sqrt(2 / math.prod(shape[1:]))
    return (rng.standard_normal(shape) * spread).astype(np.float32)
