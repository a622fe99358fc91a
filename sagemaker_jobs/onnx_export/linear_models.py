"""The estimators that weigh columns."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from onnx import TensorProto

from headrace.ml.arrays import Floats
from sagemaker_jobs.onnx_export.arithmetic import Arithmetic
from sagemaker_jobs.onnx_export.graph import Graph, NotExportableError
from sagemaker_jobs.onnx_export.symbols import Code, Hot, Number, Symbol


def weighed(graph: Graph, symbols: Sequence[Symbol], weights: Floats, intercept: Floats) -> str:
    """Return weighted sums of columns, of shape (n_rows, n_sums).

    Parameters
    ----------
    symbols : sequence of Symbol
        The columns.
    weights : ndarray of shape (n_columns, n_sums)
    intercept : ndarray of shape (n_sums,)
    """
    if any(isinstance(symbol, Code) for symbol in symbols):
        raise NotExportableError("codes of categories are weighed as numbers")
    a = Arithmetic(graph)
    numbers = [place for place, symbol in enumerate(symbols) if isinstance(symbol, Number)]
    parts = []
    if numbers:
        cells = graph.side_by_side([symbols[place].at for place in numbers])
        parts.append(graph.node("MatMul", cells, graph.constant(weights[numbers])))
    if len(numbers) < len(symbols):
        parts.append(_of_categories(graph, symbols, weights))
    total = parts[0] if len(parts) == 1 else a.plus(*parts)
    return a.plus(total, intercept.tolist())


def _of_categories(graph: Graph, symbols: Sequence[Symbol], weights: Floats) -> str:
    """Return the sums over columns of zeros and ones: a row of a table for each category, found by its code."""
    hot = [(place, symbol) for place, symbol in enumerate(symbols) if isinstance(symbol, Hot)]
    columns = dict.fromkeys((symbol.at, symbol.levels) for _, symbol in hot)
    first, rows = {}, 0
    for at, count in columns:
        first[at] = rows + 1  # the row before is that of the code -1
        rows += count + 1
    table = np.zeros((rows, weights.shape[1]))
    for place, symbol in hot:
        table[first[symbol.at] + symbol.code] += weights[place]
    codes = graph.node("Cast", graph.side_by_side([at for at, _ in columns]), to=TensorProto.INT64)
    found = graph.node("Add", codes, graph.constant(np.array(list(first.values()), dtype=np.int64)))
    chosen = graph.node("Gather", graph.constant(table), found, axis=0)
    return graph.node("ReduceSum", chosen, graph.constant(np.array([1], dtype=np.int64)), keepdims=0)
