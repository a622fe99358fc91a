"""The encoder of typed columns."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from sagemaker_jobs.encoder import DATETIME_PARTS, RowEncoder
from sagemaker_jobs.onnx_export.arithmetic import Arithmetic
from sagemaker_jobs.onnx_export.graph import Graph
from sagemaker_jobs.onnx_export.moments import moment_parts
from sagemaker_jobs.onnx_export.symbols import Cells, Code, Column, Number, Symbol, columns_of
from sagemaker_jobs.onnx_export.words import Coding, encode


def encoded(graph: Graph, encoder: RowEncoder, cells: Mapping[str, Cells]) -> list[Symbol]:
    """Return the columns of the encoder's matrix."""
    kinds = dict(zip(encoder.names, encoder.kinds, strict=True))
    at = {name: cells[name].symbols[0].at for name in encoder.names}
    codes = _codes(graph, encoder, at)
    moments = [name for name in encoder.names if kinds[name] == "datetime" and name not in encoder.empty_]
    parts = _parts(graph, [at[name] for name in moments])
    made: list[Symbol] = []
    for name in encoder.names:
        if kinds[name] == "category":
            made.append(codes[name])
        elif name in encoder.empty_:
            width = len(DATETIME_PARTS) if kinds[name] == "datetime" else 1
            zeros = Arithmetic(graph).zeros_like(graph.side_by_side([at[name]]))
            made += [Number(Column(zeros, 0, 1))] * width
        elif kinds[name] == "datetime":
            made += [Number(columns[moments.index(name)]) for columns in parts]
        else:
            made.append(Number(at[name]))
    return made


def _codes(graph: Graph, encoder: RowEncoder, at: Mapping[str, Column]) -> dict[str, Code]:
    names = encoder.categories
    if not names:
        return {}
    codings, counts = [], []
    for name in names:
        if name in encoder.empty_:
            codings.append(Coding(at[name], (), missing=0, unseen=0))
            counts.append(1)
            continue
        levels, has_other = tuple(encoder.levels_[name]), name in encoder.others_
        codings.append(Coding(at[name], levels, unseen=len(levels) if has_other else -1))
        counts.append(len(levels) + has_other)
    columns = encode(graph, codings)
    return {name: Code(column, count) for name, column, count in zip(names, columns, counts, strict=True)}


def _parts(graph: Graph, moments: Sequence[Column]) -> list[list[Column]]:
    """Return the columns of each part of all moments."""
    if not moments:
        return []
    parts = moment_parts(graph, graph.side_by_side(moments))
    return [columns_of(parts[part], len(moments)) for part in DATETIME_PARTS]
