"""A trained network as an ONNX graph from the matrix to answers, written by hand with onnx's helpers."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
from onnx import TensorProto

from sagemaker_jobs.learners.graph_estimator import MATRIX
from sagemaker_jobs.learners.networks.answers import Answers
from sagemaker_jobs.learners.networks.description import KERNEL, Category, Network, Numbers, Picture
from sagemaker_jobs.learners.networks.forward import forward
from sagemaker_jobs.learners.networks.inputs import BEND, FARTHEST, Single
from sagemaker_jobs.onnx_export.arithmetic import Arithmetic
from sagemaker_jobs.onnx_export.graph import Graph

_AROUND = [KERNEL // 2] * 4


class GraphOperators:
    """The operators as nodes; tensors are names."""

    def __init__(self, graph: Graph) -> None:
        self._graph = graph

    def linear(self, given: str, weight: str, bias: str) -> str:
        """Return ``given @ weight.T + bias``."""
        return self._graph.node("Gemm", given, weight, bias, transB=1)

    def relu(self, given: str) -> str:
        """Return what is above 0, and 0 otherwise."""
        return self._graph.node("Relu", given)

    def dropout(self, given: str, share: float) -> str:
        """Return all: nothing is left out of an answer."""
        return given

    def convolution(self, given: str, weight: str, bias: str) -> str:
        """Return a picture of the same width and height."""
        return self._graph.node("Conv", given, weight, bias, pads=_AROUND)

    def halved(self, given: str) -> str:
        """Return the largest of each two by two points."""
        return self._graph.node("MaxPool", given, kernel_shape=[2, 2], strides=[2, 2])

    def flat(self, given: str) -> str:
        """Return each row's numbers in one dimension."""
        return self._graph.node("Flatten", given, axis=1)

    def looked_up(self, table: str, codes: str, place: int) -> str:
        """Return the table's row for the code in column `place`."""
        column = self._graph.node("Gather", codes, self._graph.constant(np.int64(place)), axis=1)
        return self._graph.node("Gather", table, column, axis=0)

    def mean_of(self, table: str, codes: str) -> str:
        """Return the mean of the table's rows; that of the code 0 is all zeros."""
        graph = self._graph
        columns = graph.constant(np.array([1], dtype=np.int64))
        total = graph.node("ReduceSum", graph.node("Gather", table, codes, axis=0), columns, keepdims=0)
        present = graph.node("Cast", graph.node("Cast", codes, to=TensorProto.BOOL), to=TensorProto.FLOAT)
        count = graph.node("ReduceSum", present, columns, keepdims=1)
        return graph.node("Div", total, graph.node("Max", count, graph.constant(np.float32(1))))

    def beside(self, blocks: Sequence[str]) -> str:
        """Return blocks as one, side by side."""
        return self._graph.node("Concat", *blocks, axis=1)


def write_graph(
    graph: Graph, matrix: str, network: Network, learned: Mapping[str, Single], answers: Answers
) -> str:
    """Add a network to a graph, and return its answers, in double precision and of shape (n_rows, n_answers).

    Parameters
    ----------
    graph : Graph
        To which nodes are added.
    matrix : str
        Name of a tensor of float64, shape (n_rows, n_columns). Codes that are missing are NaN or -1.
    network : Network
        The layers.
    learned : mapping
        Arrays by the names of `Network.shapes`.
    answers : Answers
        What the sums mean.
    """
    inputs = _inputs(graph, matrix, network)
    constants = {name: graph.constant(array) for name, array in learned.items()}
    sums = forward(network, inputs, constants, GraphOperators(graph))
    a = Arithmetic(graph)
    exact = graph.node("Cast", sums, to=TensorProto.DOUBLE)
    if answers.classes:
        return graph.node("Softmax", exact, axis=1)
    return a.plus(a.times(exact, answers.scale), answers.centre)


def _inputs(graph: Graph, matrix: str, network: Network) -> dict[str, str]:
    inputs: dict[str, str] = {}
    if network.dense_width:
        hot = [_hot(graph, category, matrix) for category in network.one_hot]
        dense = [*_scaled(graph, network.numbers, matrix), *hot]
        inputs["dense"] = _single(
            graph, dense[0] if len(dense) == 1 else graph.node("Concat", *dense, axis=1)
        )
    if network.embedded:
        codes = [_codes(graph, category, matrix) for category in network.embedded]
        side_by_side = codes[0] if len(codes) == 1 else graph.node("Concat", *codes, axis=1)
        inputs["codes"] = graph.node("Cast", side_by_side, to=TensorProto.INT64)
    if network.tokens:
        words = _filled(graph, _taken(graph, matrix, network.tokens.columns))
        highest = network.tokens.vocabulary - 1
        inputs["tokens"] = graph.node("Cast", _clipped(graph, words, 0, highest), to=TensorProto.INT64)
    for place, picture in enumerate(network.pictures):
        inputs[f"picture{place}"] = _points(graph, picture, matrix)
    return inputs


def _scaled(graph: Graph, numbers: Numbers, matrix: str) -> list[str]:
    if not numbers.columns:
        return []
    a = Arithmetic(graph)
    cells = _taken(graph, matrix, numbers.columns)
    missing = a.is_nan(cells)
    scaled = a.over(a.minus(cells, list(numbers.centre)), list(numbers.scale))
    far = _clipped(graph, scaled, -FARTHEST, FARTHEST)
    shrunk = a.over(far, BEND)
    bent = a.over(far, graph.node("Sqrt", a.plus(a.times(shrunk, shrunk), 1)))
    made = [a.where(missing, 0.0, bent)]
    if numbers.gaps:
        made.append(_taken(graph, a.as_number(missing), numbers.gaps))
    return made


def _codes(graph: Graph, category: Category, matrix: str) -> str:
    """Return codes from 1 on as numbers, 0 where there is none that is known, of shape (n_rows, 1)."""
    a = Arithmetic(graph)
    cells = _taken(graph, matrix, (category.column,))
    known = graph.node(
        "And",
        graph.node("GreaterOrEqual", cells, a.number(0)),
        graph.node("Less", cells, a.number(category.levels)),
    )
    return a.where(known, a.plus(cells, 1), 0.0)


def _hot(graph: Graph, category: Category, matrix: str) -> str:
    a = Arithmetic(graph)
    codes = graph.constant(np.arange(category.levels + 1, dtype=np.float64))
    return a.as_number(graph.node("Equal", _codes(graph, category, matrix), codes))


def _points(graph: Graph, picture: Picture, matrix: str) -> str:
    a = Arithmetic(graph)
    points = a.over(a.minus(_taken(graph, matrix, picture.columns), picture.centre), picture.scale)
    flat = _single(graph, _clipped(graph, _filled(graph, points), -FARTHEST, FARTHEST))
    shape = np.array([-1, picture.height, picture.width, picture.colours], dtype=np.int64)
    return graph.node("Transpose", graph.node("Reshape", flat, graph.constant(shape)), perm=[0, 3, 1, 2])


def _taken(graph: Graph, matrix: str, columns: Sequence[int]) -> str:
    return graph.node("Gather", matrix, graph.constant(np.array(columns, dtype=np.int64)), axis=1)


def _filled(graph: Graph, cells: str) -> str:
    a = Arithmetic(graph)
    return a.where(a.is_nan(cells), 0.0, cells)


def _clipped(graph: Graph, cells: str, lowest: float, highest: float) -> str:
    a = Arithmetic(graph)
    return graph.node("Clip", cells, a.number(lowest), a.number(highest))


def _single(graph: Graph, cells: str) -> str:
    return graph.node("Cast", cells, to=TensorProto.FLOAT)


def network_graph(network: Network, learned: Mapping[str, Single], answers: Answers, width: int) -> bytes:
    """Return a network as an ONNX model; the same one gives the same bytes.

    Its input ``matrix`` has the shape (n_rows, `width`), its output ``answers`` (n_rows,) or (n_rows, n_classes).
    """
    graph = Graph()
    made = write_graph(graph, MATRIX, network, learned, answers)
    return graph.finished(made, {MATRIX: width}, flat=not answers.classes)
