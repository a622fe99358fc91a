"""Reads metrics out of what a job prints, as its ``MetricDefinitions`` say.

References
----------
.. [1] SageMaker developer guide, "Define metrics and environment variables".
"""

from __future__ import annotations

import re
from collections.abc import Iterable


def metric_values(lines: Iterable[str], regex: str) -> list[float]:
    """Return what the first group of `regex` finds, in order; what is no number is left out.

    Parameters
    ----------
    lines : iterable of str
        What the job printed. At most one value is read from a line.
    regex : str
        With one group, the value.

    Returns
    -------
    list of float
        NaN and infinities included, if that is what the job printed.

    Examples
    --------
    >>> metric_values(["epoch 1 rmse=0.5;", "hello", "epoch 2 rmse=0.25;", "rmse=?;"], "rmse=(.*?);")
    [0.5, 0.25]
    """
    found = (re.search(regex, line) for line in lines)
    values = (_number(match[1]) for match in found if match and match.re.groups)
    return [value for value in values if value is not None]


def _number(text: str | None) -> float | None:
    try:
        return float(text or "")
    except ValueError:
        return None
