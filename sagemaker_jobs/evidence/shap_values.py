"""Explains the answers of trees, and checks that the explanations add up to the answers."""

from __future__ import annotations

from typing import Any

import numpy as np
from sklearn.pipeline import Pipeline

from headrace.ml.arrays import Floats
from headrace.ml.evidence.tree_shap import shap_values
from sagemaker_jobs.encoder import RowEncoder
from sagemaker_jobs.evidence.grown_trees import GrownTrees, grown_trees
from sagemaker_jobs.evidence.job import Trained
from sagemaker_jobs.failures import JobError

_LEAVES_TIMES_ROWS = 20_000_000
_MOST_ROWS, _FEWEST_ROWS = 500, 20
_MOST_DIFFERENCE = 1e-6


def shap_of(trained: Trained) -> dict[str, Any] | None:
    """Return ``rows``, ``base`` (what is answered where nothing is known) and by column ``feature`` and ``mean_abs``.

    A column's ``mean_abs`` is by how much it moves an answer, on average over rows and, of several labels, over these: in
    the target's unit; of boosting in log-odds; of a forest's labels as probability. Parts of a date or of words count together.

    Raises
    ------
    JobError
        If values and base do not add up to what the model answers.
    """
    if not trained.spec.pipeline.evaluation.shap:
        return None
    *steps, (_, estimator) = trained.model.pipeline.steps
    grown = grown_trees(estimator)
    rows = _rows(grown.leaves, trained.held_out.rows)
    matrix = np.asarray(Pipeline(steps).transform(trained.held_out.first(rows).columns), dtype=np.float64)
    found, base = explained(grown, matrix)
    return {
        "rows": rows,
        "base": base.tolist(),
        "features": _by_column(found, matrix_columns(steps)),
    }


def explained(grown: GrownTrees, matrix: Floats) -> tuple[Floats, Floats]:
    """Return by how much each column moves each sum of each row, of shape (n_rows, n_targets, n_columns), and the base.

    Raises
    ------
    JobError
        If they do not add up to what the estimator answers.
    """
    base = grown.base.copy()
    found = np.zeros((len(matrix), len(base), matrix.shape[1]))
    for asked in grown.asked(matrix):
        values, mean = shap_values(asked.tree, asked.says_yes, matrix.shape[1])
        found[:, asked.target] += grown.weight * values
        base[asked.target] += grown.weight * mean
    right = grown.answers(matrix)
    difference = float(np.abs(grown.link(found.sum(axis=2) + base) - right).max())
    if difference > _MOST_DIFFERENCE * max(1.0, float(np.abs(right).max())):
        raise JobError(f"SHAP values do not add up to the answers: {difference:.2g} apart")
    return found, base


def matrix_columns(steps: list[tuple[str, Any]]) -> list[str]:
    """Return of which column, of the files or made by a step, each column of an estimator's matrix is."""
    named = dict(steps)
    assembly = named.get("assemble")
    encoder = named["encode"] if assembly is None else assembly.encoder_
    prepare = named.get("prepare") if assembly is None else assembly.prepare
    plain = [] if encoder is None else _encoded(encoder)
    if encoder is not None and prepare is not None:
        plain = _prepared(plain, prepare)
    ready = {} if assembly is None else assembly.widths_
    return plain + [name for name, width in ready.items() for _ in range(width)]


def _encoded(encoder: RowEncoder) -> list[str]:
    alone = RowEncoder(encoder.names, encoder.kinds)
    whole = {name: name for name in encoder.names}
    return [whole.get(out, out.rpartition(":")[0]) for out in alone.columns_out()]


def _prepared(plain: list[str], prepare: Any) -> list[str]:
    """Follow columns through filling, with what says where gaps were, and through columns of 0 and 1."""
    found: list[str] = []
    for kind, transformer, places in prepare.transformers_:
        names = [plain[place] for place in places]
        if kind == "numbers" and names:
            imputer = transformer[0] if isinstance(transformer, Pipeline) else transformer
            found += names + [names[place] for place in imputer.indicator_.features_]
        elif kind == "categories" and names:
            widths = zip(names, transformer.categories_, strict=True)
            found += [name for name, levels in widths for _ in levels]
    return found


def _by_column(values: Floats, names: list[str]) -> list[dict[str, Any]]:
    columns = list(dict.fromkeys(names))
    places = [[place for place, name in enumerate(names) if name == column] for column in columns]
    moved = [float(np.abs(values[:, :, place].sum(axis=2)).mean()) for place in places]
    order = sorted(range(len(columns)), key=lambda place: (-moved[place], columns[place]))
    return [{"feature": columns[place], "mean_abs": moved[place]} for place in order]


def _rows(leaves: int, most: int) -> int:
    """Return how many rows are explained: fewer of large models, the same on every machine."""
    return int(min(most, max(_FEWEST_ROWS, min(_MOST_ROWS, _LEAVES_TIMES_ROWS // max(1, leaves)))))
