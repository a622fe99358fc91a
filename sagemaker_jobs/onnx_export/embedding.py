"""A graph within the graph: an estimator that is one already."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import groupby
from typing import Any

import onnx
from onnx import numpy_helper

from sagemaker_jobs.engines import ANSWERS
from sagemaker_jobs.learners.graph_estimator import MATRIX, GraphEstimator
from sagemaker_jobs.onnx_export.arithmetic import Arithmetic
from sagemaker_jobs.onnx_export.graph import ML, ML_OPSET, OPSET, Graph, NotExportableError
from sagemaker_jobs.onnx_export.symbols import Code, Hot, Symbol

_VERSIONS = {"": OPSET, "ai.onnx": OPSET, ML: ML_OPSET}


def embedded(graph: Graph, estimator: GraphEstimator, symbols: Sequence[Symbol]) -> str:
    """Return the answers of an estimator's own graph, of shape (n_rows,) or (n_rows, n_classes).

    Raises
    ------
    NotExportableError
        If its operators are of other versions, or hold graphs themselves.
    """
    model = onnx.load_from_string(estimator.graph)
    _check(model)
    names = {MATRIX: written_out(graph, symbols)}
    for tensor in model.graph.initializer:
        names[tensor.name] = graph.constant(numpy_helper.to_array(tensor))
    for node in model.graph.node:
        _copy(graph, node, names)
    return names[ANSWERS]


def _copy(graph: Graph, node: Any, names: dict[str, str]) -> None:
    """Add a node under names of this graph, and note them."""
    attributes = {each.name: onnx.helper.get_attribute_value(each) for each in node.attribute}
    inputs = [names[name] if name else "" for name in node.input]
    made = graph.nodes(node.op_type, *inputs, outputs=len(node.output), domain=node.domain, **attributes)
    names.update(zip(node.output, made, strict=True))


def _check(model: Any) -> None:
    for opset in model.opset_import:
        if opset.version != _VERSIONS.get(opset.domain):
            raise NotExportableError(f"its own graph has operators {opset.domain} {opset.version}")
    for node in model.graph.node:
        if any(attribute.type == onnx.AttributeProto.GRAPH for attribute in node.attribute):
            raise NotExportableError(f"its own graph has the operator {node.op_type}, which holds a graph")


def written_out(graph: Graph, symbols: Sequence[Symbol]) -> str:
    """Return columns as the matrix that scikit-learn's pipeline makes: codes as numbers, NaN where there is none."""
    parts = [_written(graph, kind, list(run)) for kind, run in groupby(symbols, type)]
    return parts[0] if len(parts) == 1 else graph.node("Concat", *parts, axis=1)


def _written(graph: Graph, kind: type[Symbol], run: Sequence[Any]) -> str:
    a = Arithmetic(graph)
    cells = graph.side_by_side([symbol.at for symbol in run])
    if kind is Code:
        return a.where(graph.node("Less", cells, a.number(0)), float("nan"), cells)
    if kind is Hot:
        return a.as_number(graph.node("Equal", cells, a.number([float(symbol.code) for symbol in run])))
    return cells
