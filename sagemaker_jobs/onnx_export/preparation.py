"""What makes columns fit for estimators that know neither categories nor gaps."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from sklearn.compose import ColumnTransformer
from sklearn.impute import SimpleImputer
from sklearn.pipeline import Pipeline
from sklearn.preprocessing import OneHotEncoder, StandardScaler

from sagemaker_jobs.onnx_export.arithmetic import Arithmetic
from sagemaker_jobs.onnx_export.graph import Graph, NotExportableError
from sagemaker_jobs.onnx_export.symbols import Code, Hot, Number, Symbol, columns_of
from sagemaker_jobs.stream_preparation import StreamPreparation


def prepared(graph: Graph, preparation: Any, symbols: Sequence[Symbol]) -> list[Symbol]:
    """Return the columns that a preparation makes of the encoder's."""
    if isinstance(preparation, StreamPreparation):
        return _streamed(graph, preparation, symbols)
    if not isinstance(preparation, ColumnTransformer):
        raise NotExportableError(f"there is no operator for {type(preparation).__name__}")
    made: list[Symbol] = []
    for name, transformer, places in preparation.transformers_:
        chosen = [symbols[place] for place in places] if name != "remainder" else []
        if chosen:
            made += _transformed(graph, transformer, chosen)
    return made


def _streamed(graph: Graph, preparation: StreamPreparation, symbols: Sequence[Symbol]) -> list[Symbol]:
    pairs = list(zip(symbols, preparation.is_category, strict=True))
    numbers = [symbol for symbol, is_category in pairs if not is_category]
    codes = [symbol for symbol, is_category in pairs if is_category]
    made: list[Symbol] = []
    if preparation.scaler_ is not None:
        made += _transformed(graph, preparation.scaler_, _transformed(graph, preparation.imputer_, numbers))
    if preparation.one_hot_ is not None:
        made += _transformed(graph, preparation.one_hot_, codes)
    return made


def _transformed(graph: Graph, transformer: Any, symbols: Sequence[Symbol]) -> list[Symbol]:
    if isinstance(transformer, Pipeline):
        made = list(symbols)
        for _, step in transformer.steps:
            made = _transformed(graph, step, made)
        return made
    for kind, write in ((SimpleImputer, imputed), (StandardScaler, scaled), (OneHotEncoder, _one_hot)):
        if isinstance(transformer, kind):
            return write(graph, transformer, symbols)
    raise NotExportableError(f"there is no operator for {type(transformer).__name__}")


def imputed(graph: Graph, imputer: SimpleImputer, symbols: Sequence[Symbol]) -> list[Symbol]:
    """Return columns without gaps, and behind them those that say where gaps were."""
    a = Arithmetic(graph)
    numbers = graph.side_by_side([symbol.at for symbol in symbols])
    missing = a.is_nan(numbers)
    filled = a.where(missing, imputer.statistics_.tolist(), numbers)
    made: list[Symbol] = [Number(column) for column in columns_of(filled, len(symbols))]
    if imputer.indicator_ is not None and len(imputer.indicator_.features_):
        gaps = columns_of(a.as_number(missing), len(symbols))
        made += [Number(gaps[place]) for place in imputer.indicator_.features_.tolist()]
    return made


def scaled(graph: Graph, scaler: StandardScaler, symbols: Sequence[Symbol]) -> list[Symbol]:
    """Return columns with mean 0 and standard deviation 1."""
    a = Arithmetic(graph)
    numbers = graph.side_by_side([symbol.at for symbol in symbols])
    result = a.over(a.minus(numbers, scaler.mean_.tolist()), scaler.scale_.tolist())
    return [Number(column) for column in columns_of(result, len(symbols))]


def _one_hot(graph: Graph, encoder: OneHotEncoder, symbols: Sequence[Symbol]) -> list[Symbol]:
    made: list[Symbol] = []
    for symbol, categories in zip(symbols, encoder.categories_, strict=True):
        if not isinstance(symbol, Code):
            raise NotExportableError("numbers are told apart one by one")
        codes = np.where(np.isnan(categories), -1, categories).astype(np.int64)
        made += [Hot(symbol.at, symbol.levels, code) for code in codes.tolist()]
    return made
