"""From words to numbers: one table for all columns, because a node for each costs more than finding the word."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from onnx import numpy_helper

from headrace.ml.row_blocks import NO_WORD
from sagemaker_jobs.onnx_export.graph import ML, Graph
from sagemaker_jobs.onnx_export.symbols import Column, columns_of

_NOT_FOUND = -1e9


@dataclass(frozen=True)
class Coding:
    """How the words of one column become numbers.

    Parameters
    ----------
    at : Column
        Of words.
    levels : tuple of str
        The words that are known; each has its place among them as its number.
    missing, unseen : float
        The numbers of a missing word, and of one that is not known.
    """

    at: Column
    levels: tuple[str, ...]
    missing: float = -1.0
    unseen: float = -1.0


def encode(graph: Graph, codings: Sequence[Coding]) -> list[Column]:
    """Return a column of numbers for each coding."""
    words = graph.side_by_side([coding.at for coding in codings])
    marks = [f"{place}:" for place in range(len(codings))]
    marked = graph.node("StringConcat", graph.constant(marks), words)
    keys, values = _table(codings, marks)
    unseen = np.array([coding.unseen for coding in codings], dtype=np.float64)
    same = len(set(unseen.tolist())) == 1
    codes = graph.node(
        "LabelEncoder",
        marked,
        domain=ML,
        keys_strings=keys,
        values_tensor=numpy_helper.from_array(np.array(values), "values"),
        default_tensor=numpy_helper.from_array(unseen[:1] if same else np.array([_NOT_FOUND]), "default"),
    )
    if not same:
        found = graph.node("Equal", codes, graph.constant(np.array([_NOT_FOUND])))
        codes = graph.node("Where", found, graph.constant(unseen), codes)
    return columns_of(codes, len(codings))


def is_missing(graph: Graph, words: str) -> str:
    """Return where words are missing."""
    return graph.node("Equal", words, graph.constant([NO_WORD]))


def _table(codings: Sequence[Coding], marks: Sequence[str]) -> tuple[list[str], list[float]]:
    keys: list[str] = []
    values: list[float] = []
    for coding, mark in zip(codings, marks, strict=True):
        keys += [mark + level for level in coding.levels]
        values += [float(place) for place in range(len(coding.levels))]
        if NO_WORD not in coding.levels:
            keys.append(mark + NO_WORD)
            values.append(coding.missing)
    return keys, values
