"""A fitted pipeline as one graph from typed cells to answers."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from sklearn.impute import SimpleImputer

from headrace.ml.column_schema import ColumnSchema
from sagemaker_jobs.encoder import RowEncoder
from sagemaker_jobs.engines import NUMBERS, WORDS, names_by_input
from sagemaker_jobs.features.assembly import Assembly
from sagemaker_jobs.features.feature_pipeline import FeaturePipeline, with_made
from sagemaker_jobs.onnx_export.answers import answered
from sagemaker_jobs.onnx_export.encoding import encoded
from sagemaker_jobs.onnx_export.feature_steps import stepped
from sagemaker_jobs.onnx_export.graph import Graph, NotExportableError
from sagemaker_jobs.onnx_export.preparation import imputed, prepared
from sagemaker_jobs.onnx_export.symbols import Cells, Number, Symbol, columns_of


def export_onnx(pipeline: Any, schema: tuple[ColumnSchema, ...]) -> bytes:
    """Return the ONNX model of a fitted pipeline; the same pipeline gives the same bytes.

    Its inputs are ``numbers`` (float64; numbers, booleans and moments) and ``words`` (categories and texts), laid out as
    `sagemaker_jobs.engines.OnnxModel.predict_arrays` says; its output is ``answers``.

    Raises
    ------
    NotExportableError
        If a part of the pipeline has no equal among ONNX's operators.
    """
    if images := [column.name for column in schema if column.kind == "image"]:
        raise NotExportableError(f"the column {images[0]!r} holds images, for which there is no operator")
    graph = Graph()
    names = names_by_input(schema)
    widths = {NUMBERS: len(names[0]), WORDS: len(names[1])}
    cells = _inputs(schema, names)
    anything = next(iter(cells.values())).symbols[0].at
    *steps, (_, estimator) = pipeline.steps
    symbols = _matrix(graph, dict(steps), cells)
    answers = answered(graph, estimator, symbols, anything)
    return graph.finished(answers, widths, flat=not hasattr(estimator, "classes_"))


def _inputs(
    schema: tuple[ColumnSchema, ...], names: tuple[tuple[str, ...], tuple[str, ...]]
) -> dict[str, Cells]:
    at = {
        name: column
        for tensor, group in zip((NUMBERS, WORDS), names, strict=True)
        for name, column in zip(group, columns_of(tensor, len(group)), strict=True)
    }
    return {column.name: Cells(column.kind, (Number(at[column.name]),)) for column in schema}


def _matrix(graph: Graph, steps: Mapping[str, Any], cells: dict[str, Cells]) -> list[Symbol]:
    """Return the columns that the estimator is given."""
    if "encode" in steps:
        symbols = encoded(graph, _known(steps["encode"], RowEncoder), cells)
        return prepared(graph, steps["prepare"], symbols) if "prepare" in steps else symbols
    features = _known(steps["features"], FeaturePipeline)
    for step, given in zip(features.steps, features.given_, strict=True):
        if given:
            made = stepped(graph, step, {name: cells[name] for name in given})
            cells = with_made(cells, step, given, made)
    return _assembled(graph, _known(steps["assemble"], Assembly), cells)


def _assembled(graph: Graph, assembly: Assembly, cells: Mapping[str, Cells]) -> list[Symbol]:
    symbols: list[Symbol] = []
    if assembly.encoder_ is not None:
        symbols = encoded(graph, assembly.encoder_, cells)
        if assembly.prepare is not None:
            symbols = prepared(graph, assembly.prepare, symbols)
    for name, (kind, made) in cells.items():
        if kind == "ready":
            symbols += _filled(graph, assembly.imputers_.get(name), made)
    return symbols


def _filled(graph: Graph, imputer: SimpleImputer | None, symbols: tuple[Symbol, ...]) -> list[Symbol]:
    """Return a block without gaps; columns of zeros and ones have none."""
    if imputer is None or not all(isinstance(symbol, Number) for symbol in symbols):
        return list(symbols)
    return imputed(graph, imputer, symbols)


def _known(part: Any, kind: type[Any]) -> Any:
    if not isinstance(part, kind):
        raise NotExportableError(f"there is no operator for {type(part).__name__}")
    return part
