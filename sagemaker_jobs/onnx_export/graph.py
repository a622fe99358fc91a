"""Collects the nodes and constants of a graph, and names them in order: the same model gives the same bytes."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from onnx import TensorProto, helper, numpy_helper

from sagemaker_jobs.engines import ANSWERS, WORDS
from sagemaker_jobs.onnx_export.symbols import Column

OPSET, ML_OPSET, IR_VERSION = 21, 5, 10
"""Versions of the operators and of the file, as ONNX Runtime 1.20 and later know them."""

ML = "ai.onnx.ml"
_MOST_BYTES = 2**31 - 1  # of a protocol buffer


class NotExportableError(ValueError):
    """A part of the pipeline has no equal among ONNX's operators; the text says which."""


class Graph:
    """A graph in the making.

    Every method that adds something returns the name of the tensor that it makes.
    """

    def __init__(self) -> None:
        self._nodes: list[Any] = []
        self._constants: dict[tuple[Any, ...], Any] = {}
        self._names: dict[tuple[Any, ...], str] = {}

    def node(self, operator: str, *inputs: str, domain: str = "", **attributes: Any) -> str:
        """Add a node with one output; the same node is added once."""
        key = (operator, inputs, domain, repr(sorted(attributes.items())) if not domain else len(self._nodes))
        if key not in self._names:
            name = f"{operator.lower()}{len(self._nodes)}"
            self._nodes.append(
                helper.make_node(operator, list(inputs), [name], domain=domain or None, **attributes)
            )
            self._names[key] = name
        return self._names[key]

    def nodes(self, operator: str, *inputs: str, outputs: int, domain: str, **attributes: Any) -> list[str]:
        """Add a node with several outputs, and return their names."""
        names = [f"{operator.lower()}{len(self._nodes)}.{place}" for place in range(outputs)]
        self._nodes.append(
            helper.make_node(operator, list(inputs), names, domain=domain or None, **attributes)
        )
        return names

    def constant(self, values: Any) -> str:
        """Add an array of numbers or of texts; the same one is added once."""
        array = np.asarray(values)
        if array.dtype.kind == "U":
            array = array.astype(object)
        content = tuple(array.ravel().tolist()) if array.dtype.kind == "O" else array.tobytes()
        key = (array.dtype.str, array.shape, content)
        if key not in self._constants:
            self._constants[key] = numpy_helper.from_array(array, f"constant{len(self._constants)}")
        return str(self._constants[key].name)

    def side_by_side(self, columns: Sequence[Column]) -> str:
        """Return columns as one tensor of shape (n_rows, n_columns); neighbours of one tensor are taken together."""
        runs: list[list[Column]] = []
        for column in columns:
            if runs and runs[-1][0].tensor == column.tensor:
                runs[-1].append(column)
            else:
                runs.append([column])
        parts = [self._taken(run) for run in runs]
        return parts[0] if len(parts) == 1 else self.node("Concat", *parts, axis=1)

    def _taken(self, run: Sequence[Column]) -> str:
        places = [column.place for column in run]
        if places == list(range(run[0].width)):
            return run[0].tensor
        return self.node("Gather", run[0].tensor, self.constant(np.array(places, dtype=np.int64)), axis=1)

    def finished(self, answers: str, widths: Mapping[str, int], *, flat: bool) -> bytes:
        """Return the model whose answers are the tensor `answers`.

        Parameters
        ----------
        answers : str
            Name of a tensor of shape (n_rows, n_answers).
        widths : dict of str to int
            Columns of the inputs by name; one without columns is left out. ``words`` holds texts, any other numbers.
        flat : bool
            Whether to return shape (n_rows,).

        Raises
        ------
        NotExportableError
            If the graph is larger than a file can be.
        """
        rows: list[Any] = ["rows"]
        if flat:
            shape = self.constant(np.array([-1], dtype=np.int64))
            self._nodes.append(helper.make_node("Reshape", [answers, shape], [ANSWERS]))
        else:
            self._nodes.append(helper.make_node("Identity", [answers], [ANSWERS]))
        inputs = [
            helper.make_tensor_value_info(
                name, TensorProto.STRING if name == WORDS else TensorProto.DOUBLE, [*rows, width]
            )
            for name, width in widths.items()
            if width
        ]
        outputs = [
            helper.make_tensor_value_info(ANSWERS, TensorProto.DOUBLE, rows if flat else [*rows, "answers"])
        ]
        graph = helper.make_graph(self._nodes, "headrace", inputs, outputs, list(self._constants.values()))
        return _serialised(graph)


def _serialised(graph: Any) -> bytes:
    opsets = [helper.make_opsetid("", OPSET), helper.make_opsetid(ML, ML_OPSET)]
    model = helper.make_model(
        graph, opset_imports=opsets, ir_version=IR_VERSION, producer_name="headrace", producer_version=""
    )
    size = model.ByteSize()
    if size > _MOST_BYTES:
        raise NotExportableError(f"its graph has {size / 2**30:.1f} GB, and a file holds 2 GB")
    return bytes(model.SerializeToString(deterministic=True))
