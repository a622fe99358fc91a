"""Explains the answers of scikit-learn's trees, and checks that the explanations add up to the answers."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
from sklearn.pipeline import Pipeline

from headrace.ml.arrays import Flags, Floats
from headrace.ml.evidence.tree_shap import CountedTree, shap_values
from sagemaker_jobs.encoder import RowEncoder
from sagemaker_jobs.evidence.job import Trained
from sagemaker_jobs.failures import JobError

_LEAVES_TIMES_ROWS = 20_000_000
_MOST_ROWS, _FEWEST_ROWS = 500, 20
_MOST_DIFFERENCE = 1e-6
_BITS = 32


@dataclass(frozen=True)
class _Grown:
    """A tree, the answers of rows to its questions, and to which sum it adds with which weight."""

    tree: CountedTree
    says_yes: Flags
    target: int


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
    boosted = hasattr(estimator, "_predictors")
    rows = _rows(estimator, boosted, trained.held_out.rows)
    matrix = np.asarray(Pipeline(steps).transform(trained.held_out.first(rows).columns), dtype=np.float64)
    right = estimator._raw_predict(matrix) if boosted else _answers(estimator, matrix)
    found = np.zeros((rows, right.shape[1], matrix.shape[1]))
    base = np.ravel(estimator._baseline_prediction).copy() if boosted else np.zeros(right.shape[1])
    weight = 1.0 if boosted else 1.0 / len(estimator.estimators_)
    for grown in _boosted(estimator, matrix) if boosted else _forest(estimator, matrix):
        values, mean = shap_values(grown.tree, grown.says_yes, matrix.shape[1])
        found[:, grown.target] += weight * values
        base[grown.target] += weight * mean
    difference = float(np.abs(found.sum(axis=2) + base - right).max())
    if difference > _MOST_DIFFERENCE * max(1.0, float(np.abs(right).max())):
        raise JobError(f"SHAP values do not add up to the answers: {difference:.2g} apart")
    return {
        "rows": rows,
        "base": base.tolist(),
        "features": _by_column(found, matrix_columns(steps)),
    }


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


def _rows(estimator: Any, boosted: bool, most: int) -> int:
    """Return how many rows are explained: fewer of large models, the same on every machine."""
    if boosted:
        leaves = sum(int(tree.nodes["is_leaf"].sum()) for each in estimator._predictors for tree in each)
    else:
        leaves = sum(int(tree.get_n_leaves()) for tree in estimator.estimators_)
    return int(min(most, max(_FEWEST_ROWS, min(_MOST_ROWS, _LEAVES_TIMES_ROWS // max(1, leaves)))))


def _answers(estimator: Any, matrix: Floats) -> Floats:
    if hasattr(estimator, "classes_"):
        return np.asarray(estimator.predict_proba(matrix))
    return np.asarray(estimator.predict(matrix)).reshape(-1, 1)


def _boosted(estimator: Any, matrix: Floats) -> Iterator[_Grown]:
    """Yield the trees of histogram gradient boosting, which brings categories to the front and numbers them anew."""
    cells = np.asarray(estimator._preprocess_X(matrix, reset=False), dtype=np.float64)
    is_category = estimator.is_categorical_
    order = np.arange(matrix.shape[1])
    if is_category is not None:
        order = np.concatenate([np.flatnonzero(is_category), np.flatnonzero(~is_category)])
    for iteration in estimator._predictors:
        for target, predictor in enumerate(iteration):
            nodes = predictor.nodes
            left = np.where(nodes["is_leaf"] != 0, -1, nodes["left"].astype(np.int64))
            tree = CountedTree(
                left,
                nodes["right"].astype(np.int64),
                order[np.maximum(nodes["feature_idx"], 0)],
                nodes["count"].astype(np.float64),
                nodes["value"].astype(np.float64),
            )
            yield _Grown(tree, _asked(predictor, cells), target)


def _asked(predictor: Any, cells: Floats) -> Flags:
    nodes = predictor.nodes
    asked = cells[:, np.maximum(nodes["feature_idx"], 0)]
    missing = np.isnan(asked)
    yes = asked <= nodes["num_threshold"]
    for node in np.flatnonzero((nodes["is_categorical"] != 0) & (nodes["is_leaf"] == 0)).tolist():
        bits = predictor.raw_left_cat_bitsets[nodes["bitset_idx"][node]]
        codes = np.nan_to_num(asked[:, node]).astype(np.int64)
        yes[:, node] = (bits[codes // _BITS] >> (codes % _BITS).astype(np.uint32)) & 1
    return np.asarray(np.where(missing, nodes["missing_go_to_left"] != 0, yes), dtype=bool)


def _forest(estimator: Any, matrix: Floats) -> Iterator[_Grown]:
    """Yield the trees of a random forest, once for each label; it compares in single precision."""
    cells = matrix.astype(np.float32)
    for member in estimator.estimators_:
        grown = member.tree_
        yes = cells[:, np.maximum(grown.feature, 0)] <= grown.threshold
        for target in range(grown.value.shape[2]):
            tree = CountedTree(
                grown.children_left,
                grown.children_right,
                grown.feature,
                grown.weighted_n_node_samples,
                grown.value[:, 0, target],
            )
            yield _Grown(tree, yes, target)
