"""Formulas as nodes of a graph."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from onnx import TensorProto

from sagemaker_jobs.onnx_export.graph import Graph

Operand = str | float | Sequence[float]


@dataclass(frozen=True)
class Arithmetic:
    """Operators between tensors and numbers; a sequence of numbers has one for each column."""

    graph: Graph

    def number(self, value: float | Sequence[float]) -> str:
        """Return a constant."""
        return self.graph.constant(np.asarray(value, dtype=np.float64))

    def plus(self, left: str, right: Operand) -> str:
        """Add."""
        return self._node("Add", left, right)

    def minus(self, left: str, right: Operand) -> str:
        """Subtract."""
        return self._node("Sub", left, right)

    def times(self, left: str, right: Operand) -> str:
        """Multiply."""
        return self._node("Mul", left, right)

    def over(self, left: str, right: Operand) -> str:
        """Divide."""
        return self._node("Div", left, right)

    def whole(self, left: str, right: float) -> str:
        """Divide and round down."""
        return self.graph.node("Floor", self.over(left, right))

    def is_less(self, left: str, right: Operand) -> str:
        """Return 1 where it is, else 0."""
        return self.as_number(self._node("Less", left, right))

    def as_number(self, flags: str) -> str:
        """Return 1 for true and 0 for false."""
        return self.graph.node("Cast", flags, to=TensorProto.DOUBLE)

    def where(self, flags: str, then: Operand, otherwise: Operand) -> str:
        """Choose cell by cell."""
        both = (value if isinstance(value, str) else self.number(value) for value in (then, otherwise))
        return self.graph.node("Where", flags, *both)

    def is_nan(self, left: str) -> str:
        """Return where a number is missing."""
        return self.graph.node("IsNaN", left)

    def zeros_like(self, left: str) -> str:
        """Return 0 for every number, also for a missing one."""
        return self.times(self.as_number(self.is_nan(left)), 0)

    def _node(self, operator: str, left: str, right: Operand) -> str:
        return self.graph.node(operator, left, right if isinstance(right, str) else self.number(right))
