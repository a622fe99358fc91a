"""The step that brings numbers to one scale."""

from __future__ import annotations

from typing import Any

from sagemaker_jobs.features.steps.scale import Scale
from sagemaker_jobs.onnx_export.arithmetic import Arithmetic
from sagemaker_jobs.onnx_export.graph import NotExportableError

_NEARLY_ZERO = 1e-8  # an exponent that makes a logarithm of a power


def rescaled(a: Arithmetic, step: Scale, name: str, cells: str) -> str:
    """Return the scaled numbers of the column `name`, which is `cells` of shape (n_rows, 1)."""
    if step.method == "log":
        return a.times(a.graph.node("Sign", cells), _log1p(a, a.graph.node("Abs", cells)))
    if name not in step.scalers_:
        return a.zeros_like(cells)
    scaler = step.scalers_[name]
    if step.method == "standard":
        return a.over(a.minus(cells, scaler.mean_.tolist()), scaler.scale_.tolist())
    if step.method == "robust":
        return a.over(a.minus(cells, scaler.center_.tolist()), scaler.scale_.tolist())
    if step.method == "min_max":
        return a.plus(a.times(cells, scaler.scale_.tolist()), scaler.min_.tolist())
    if step.method == "yeo_johnson":
        return _yeo_johnson(a, scaler, cells)
    raise NotExportableError(f"there is no operator for the scale {step.method!r}")


def _yeo_johnson(a: Arithmetic, scaler: Any, cells: str) -> str:
    """Return numbers raised to powers, then with mean 0 and standard deviation 1.

    References
    ----------
    .. [1] Yeo, I. and Johnson, R. (2000). A new family of power transformations. Biometrika 87(4).
    """
    exponent = float(scaler.lambdas_[0])
    size = a.graph.node("Abs", cells)
    above = _power(a, size, exponent)
    below = a.times(_power(a, size, 2 - exponent), -1)
    negative = a.graph.node("Less", cells, a.number(0))
    powers = a.where(negative, below, above)
    inner = scaler._scaler
    return a.over(a.minus(powers, inner.mean_.tolist()), inner.scale_.tolist())


def _power(a: Arithmetic, size: str, exponent: float) -> str:
    """Return ((1 + size)^exponent - 1) / exponent, or the logarithm of 1 + size where that is its limit."""
    if abs(exponent) < _NEARLY_ZERO:
        return _log1p(a, size)
    raised = a.graph.node("Pow", a.plus(size, 1), a.number(exponent))
    return a.over(a.minus(raised, 1), exponent)


def _log1p(a: Arithmetic, size: str) -> str:
    """Return ln(1 + size) of numbers from 0, as exactly for small ones as for large ones.

    References
    ----------
    .. [1] Goldberg, D. (1991). What every computer scientist should know about floating-point arithmetic, theorem 4.
    """
    sum_ = a.plus(size, 1)
    rounded = a.minus(sum_, 1)
    nothing = a.graph.node("Equal", rounded, a.number(0))
    ratio = a.over(size, a.where(nothing, 1.0, rounded))
    # Infinity over infinity is none; such a sum is as exact as its logarithm.
    logarithm = a.graph.node("Log", sum_)
    exact = a.where(nothing, size, a.times(logarithm, ratio))
    return a.where(a.graph.node("Less", size, a.number(_WHOLE)), exact, logarithm)


_WHOLE = 2.0**53  # from here on 1 more makes no difference
