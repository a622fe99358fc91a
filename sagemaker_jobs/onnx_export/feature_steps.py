"""The steps that a pipeline file can name: what each makes of its columns, as nodes."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from typing import Any

import numpy as np
from onnx import TensorProto

from headrace.ml.row_blocks import NO_WORD
from sagemaker_jobs.features.own_step import OwnStep
from sagemaker_jobs.features.steps.date_parts import DECIMALS, PERIODS, DateParts
from sagemaker_jobs.features.steps.impute import Impute
from sagemaker_jobs.features.steps.one_hot import OneHot
from sagemaker_jobs.features.steps.pair import BETWEEN, Pair
from sagemaker_jobs.features.steps.product import Product
from sagemaker_jobs.features.steps.rank import Rank
from sagemaker_jobs.features.steps.scale import Scale
from sagemaker_jobs.features.steps.target_mean import TargetMean
from sagemaker_jobs.onnx_export.arithmetic import Arithmetic
from sagemaker_jobs.onnx_export.graph import Graph, NotExportableError
from sagemaker_jobs.onnx_export.moments import moment_parts
from sagemaker_jobs.onnx_export.scales import rescaled
from sagemaker_jobs.onnx_export.symbols import Cells, Column, Hot, Number, columns_of
from sagemaker_jobs.onnx_export.words import Coding, encode, is_missing

Given = Mapping[str, Cells]
Made = dict[str, Cells]


def stepped(graph: Graph, step: Any, given: Given) -> Made:
    """Return what a step makes of the columns that it is given.

    Raises
    ------
    NotExportableError
        If the step is the user's own, or reads what the graph cannot.
    """
    if isinstance(step, OwnStep):
        raise NotExportableError(f"the step {step.name!r} is code of your own")
    for kind, write in _WRITERS:
        if isinstance(step, kind):
            return write(graph, step, given)
    name = type(step).__name__.lower()
    raise NotExportableError(
        f"the step {name!r} reads {', '.join(step.takes)}, for which there is no operator"
    )


def _date_parts(graph: Graph, step: DateParts, given: Given) -> Made:
    a = Arithmetic(graph)
    made: Made = {}
    for name, cells in given.items():
        parts = moment_parts(graph, _tensor(graph, cells))
        columns: list[str] = []
        for part in step.parts:
            if step.cyclic and part in PERIODS:
                first, period = PERIODS[part]
                angle = a.over(a.times(a.minus(parts[part], first), 2 * math.pi), period)
                columns += [_rounded(a, graph.node(wave, angle)) for wave in ("Sin", "Cos")]
            else:
                columns.append(parts[part])
        made[name] = _ready(columns)
    return made


def _rounded(a: Arithmetic, numbers: str) -> str:
    """Round as `numpy.round` does: to the nearest whole number, of two the even one, of a multiple."""
    scale = 10.0**DECIMALS
    return a.over(a.graph.node("Round", a.times(numbers, scale)), scale)


def _impute(graph: Graph, step: Impute, given: Given) -> Made:
    a = Arithmetic(graph)
    made: Made = {}
    for name, cells in given.items():
        values, fill = _tensor(graph, cells), step.fill_[name]
        missing = is_missing(graph, values) if cells.kind == "category" else a.is_nan(values)
        if fill == NO_WORD:
            raise NotExportableError(f"the step 'impute' fills {name!r} with an empty text")
        filled = values if fill is None else graph.node("Where", missing, graph.constant(fill), values)
        made[name] = Cells(cells.kind, (Number(Column(filled, 0, 1)),))
        if step.indicator:
            made[f"{name}:missing"] = _ready([a.as_number(missing)])
    return made


def _one_hot(graph: Graph, step: OneHot, given: Given) -> Made:
    codings = [Coding(cells.symbols[0].at, tuple(step.levels_[name])) for name, cells in given.items()]
    columns = zip(given, codings, encode(graph, codings), strict=True)
    return {
        name: Cells("ready", tuple(Hot(at, len(coding.levels), code) for code in range(len(coding.levels))))
        for name, coding, at in columns
    }


def _pair(graph: Graph, step: Pair, given: Given) -> Made:
    words = [_tensor(graph, cells) for cells in given.values()]
    joined, missing = words[0], is_missing(graph, words[0])
    for word in words[1:]:
        joined = graph.node(
            "StringConcat", graph.node("StringConcat", joined, graph.constant([BETWEEN])), word
        )
        missing = graph.node("Or", missing, is_missing(graph, word))
    joined = graph.node("Where", missing, graph.constant([NO_WORD]), joined)
    return {" & ".join(given): Cells("category", (Number(Column(joined, 0, 1)),))}


def _product(graph: Graph, step: Product, given: Given) -> Made:
    a = Arithmetic(graph)
    numbers = [_tensor(graph, cells) for cells in given.values()]
    product = numbers[0]
    for number in numbers[1:]:
        product = a.times(product, number)
    return {" * ".join(given): Cells("number", (Number(Column(product, 0, 1)),))}


def _rank(graph: Graph, step: Rank, given: Given) -> Made:
    codings = []
    for name, cells in given.items():
        levels = tuple(step.levels_[name])
        codings.append(Coding(cells.symbols[0].at, levels, missing=math.nan, unseen=len(levels)))
    columns = zip(given, encode(graph, codings), strict=True)
    return {name: Cells("ready", (Number(column),)) for name, column in columns}


def _scale(graph: Graph, step: Scale, given: Given) -> Made:
    a = Arithmetic(graph)
    return {name: _ready([rescaled(a, step, name, _tensor(graph, cells))]) for name, cells in given.items()}


def _target_mean(graph: Graph, step: TargetMean, given: Given) -> Made:
    """Look up the row of each category in a table of means, whose last row is the prior."""
    codings = []
    for name, cells in given.items():
        levels = tuple(step.levels_[name])
        codings.append(Coding(cells.symbols[0].at, levels, missing=len(levels), unseen=len(levels)))
    made: Made = {}
    for name, column in zip(given, encode(graph, codings), strict=True):
        table = np.vstack([np.reshape(step.means_[name], (-1, len(step.priors_))), step.priors_])
        codes = graph.node("Cast", graph.side_by_side([column]), to=TensorProto.INT64)
        flat = graph.node("Reshape", codes, graph.constant(np.array([-1], dtype=np.int64)))
        means = graph.node("Gather", graph.constant(table), flat, axis=0)
        made[name] = Cells("ready", tuple(map(Number, columns_of(means, table.shape[1]))))
    return made


def _tensor(graph: Graph, cells: Cells) -> str:
    """Return the one column of a feature that no step has made ready, of shape (n_rows, 1)."""
    return graph.side_by_side([cells.symbols[0].at])


def _ready(tensors: list[str]) -> Cells:
    return Cells("ready", tuple(Number(Column(tensor, 0, 1)) for tensor in tensors))


_WRITERS: tuple[tuple[type[Any], Callable[[Graph, Any, Given], Made]], ...] = (
    (DateParts, _date_parts),
    (Impute, _impute),
    (OneHot, _one_hot),
    (Pair, _pair),
    (Product, _product),
    (Rank, _rank),
    (Scale, _scale),
    (TargetMean, _target_mean),
)
