"""Looks for columns that give the target away, or that only number the rows."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd

from headrace.ml.arrays import Floats, Labels
from headrace.ml.column_schema import ColumnSchema, Problem
from headrace.ml.evidence.findings import LeakageFinding
from headrace.ml.evidence.single_feature import Bins, single_feature_auc, single_feature_r2
from headrace.ml.rows import Columns

MOST_ROWS = 20_000
"""Rows that are looked at, evenly spread."""

LEAST_ROWS = 50
"""With fewer rows chance alone would look like a leak."""

_EXACT = 1e-9
_DISTINCT_WORDS = 0.95
_WIDEST_COUNTER = 3.0
_MOST_ROWS_OF_FORMULA, _MOST_COLUMNS_OF_FORMULA, _ROWS_OF_A_COEFFICIENT = 5_000, 200, 10
_MOST_NAMED = 5
_LOOKED_AT = ("number", "boolean", "category")


@dataclass(frozen=True)
class LeakLimits:
    """From where on a column is suspicious.

    Parameters
    ----------
    max_auc, max_r2 : float
        How well one column may predict the target: ROC AUC of labels, share of a number's variance.
    allowed : frozenset of str
        Columns that somebody has looked at and found in order.
    """

    max_auc: float = 0.98
    max_r2: float = 0.98
    allowed: frozenset[str] = frozenset()


def find_leaks(
    problem: Problem,
    schema: Sequence[ColumnSchema],
    columns: Columns,
    target: Floats | Labels,
    limits: LeakLimits,
    all_rows: int | None = None,
) -> list[LeakageFinding]:
    """Look at training rows.

    Parameters
    ----------
    problem : {"binary", "multiclass", "regression"}
        Kind of answer.
    schema : sequence of ColumnSchema
        The features. Texts, images and times are not looked at.
    columns : dict of str to ndarray of shape (n_rows,)
        Their cells.
    target : ndarray of shape (n_rows,)
        Numbers, or labels.
    limits : LeakLimits
        What is suspicious.
    all_rows : int, optional
        How many rows there are, if these are only some of them.

    Returns
    -------
    list of LeakageFinding
        At most one of each column, in the order of the schema, and one for a formula. Empty with fewer than 50 rows.

    Examples
    --------
    >>> rng = np.random.default_rng(0)
    >>> paid, size = rng.random(200) < 0.5, rng.normal(size=200)
    >>> rows = {"size": size, "status": np.where(paid, "closed", "open").astype(object)}
    >>> schema = [ColumnSchema("size", "number"), ColumnSchema("status", "category")]
    >>> found = find_leaks("binary", schema, rows, np.where(paid, "yes", "no"), LeakLimits())
    >>> [(finding.check, finding.columns) for finding in found]
    [('target_copy', ('status',))]
    """
    rows = len(target)
    if rows < LEAST_ROWS:
        return []
    looked_at = [each for each in schema if each.kind in _LOOKED_AT and each.name not in limits.allowed]
    chosen = slice(None, None, -(-rows // MOST_ROWS))
    some = {column.name: columns[column.name][chosen] for column in looked_at}
    judge = _Judge(problem, target[chosen], limits)
    found = []
    for column in looked_at:
        finding = judge.of(column, some[column.name]) or _numbering(
            column, columns[column.name], some[column.name], all_rows or rows
        )
        found += [finding] if finding else []
    named = {name for finding in found if finding.stops for name in finding.columns}
    if problem == "regression" and not named:
        found += _formula([each.name for each in looked_at if each.kind == "number"], some, judge.numbers)
    return found


class _Judge:
    """Judges columns against one target."""

    def __init__(self, problem: Problem, target: Floats | Labels, limits: LeakLimits) -> None:
        self._regression, self._limits = problem == "regression", limits
        if self._regression:
            self.numbers: Floats = np.asarray(target, dtype=np.float64)
        else:
            self._codes, self._labels = pd.factorize(target)

    def of(self, column: ColumnSchema, cells: Floats | Labels) -> LeakageFinding | None:
        """Return what is wrong with a column, if anything is."""
        copied = self._same_order(cells) if self._regression else self._one_to_one(cells)
        if copied:
            return LeakageFinding(
                "target_copy",
                (column.name,),
                1.0,
                1.0,
                f"column {column.name!r} is the target under another name: each of its values stands for one value of the "
                "target; list it in `ignore`",
            )
        bins = Bins.of(cells, column.kind)
        if self._regression:
            numbers = cells if column.kind == "number" else None
            figure, limit = single_feature_r2(bins, numbers, self.numbers), self._limits.max_r2
            says = f"explains {figure:.1%} of the target's variance"
        else:
            figure, limit = single_feature_auc(bins, self._codes, len(self._labels)), self._limits.max_auc
            says = f"tells the labels apart with a ROC AUC of {figure:.3f}"
        if not figure >= limit:
            return None
        return LeakageFinding(
            "near_perfect_feature",
            (column.name,),
            round(figure, 4),
            limit,
            f"column {column.name!r} alone {says} (limit {limit:g}): if it is known only afterwards, list it in `ignore`; if "
            "not, in `evaluation.leakage.allow`",
        )

    def _one_to_one(self, cells: Floats | Labels) -> bool:
        codes, levels = pd.factorize(cells)
        if len(levels) != len(self._labels) or len(levels) < 2 or (codes < 0).any():  # noqa: PLR2004
            return False
        # With a level for nearly each row anything is one to one.
        pairs = np.unique(codes * len(self._labels) + self._codes)
        return len(pairs) == len(levels) and 2 * len(levels) <= len(codes)

    def _same_order(self, cells: Floats | Labels) -> bool:
        """Tell whether numbers are the target under a map that keeps, or turns round, the order."""
        if cells.dtype.kind != "f" or np.isnan(cells).any():
            return False
        _, first = np.unique(cells, return_inverse=True)
        _, second = np.unique(self.numbers, return_inverse=True)
        last = int(second.max())
        if last < _MOST_NAMED or int(first.max()) != last:
            return False
        return bool((first == second).all() or (first == last - second).all())


def _numbering(
    column: ColumnSchema, cells: Floats | Labels, some: Floats | Labels, all_rows: int
) -> LeakageFinding | None:
    """Return a finding if a column has another value in nearly every row, and says nothing but which row it is."""
    if column.kind == "category":
        share = _share_of_distinct(some)
        if share < _DISTINCT_WORDS:
            return None
        says, limit = f"{share:.0%} of its cells are different words", _DISTINCT_WORDS
    elif column.kind == "number" and _counts_on(some) and _counts_on(cells):
        share = float((np.max(cells) - np.min(cells) + 1) / all_rows)
        if share > _WIDEST_COUNTER:
            return None
        says, limit = "it counts the rows: whole numbers, each once, without large gaps", _WIDEST_COUNTER
    else:
        return None
    return LeakageFinding(
        "id_like",
        (column.name,),
        round(share, 4),
        limit,
        f"column {column.name!r} looks like an id, because {says}: a model learns rows by heart from it; declare it as `id`, "
        "or list it in `ignore`",
    )


def _share_of_distinct(cells: Labels) -> float:
    codes, levels = pd.factorize(cells)
    present = int((codes >= 0).sum())
    return len(levels) / present if present >= LEAST_ROWS else 0.0


def _counts_on(cells: Floats) -> bool:
    if not np.isfinite(cells).all() or (cells != np.floor(cells)).any():
        return False
    return len(np.unique(cells)) == len(cells)


def _formula(names: Sequence[str], columns: Mapping[str, Any], target: Floats) -> Iterator[LeakageFinding]:
    """Yield a finding if the target is a sum of multiples of columns, without any rest."""
    rows = min(len(target), _MOST_ROWS_OF_FORMULA)
    if not 1 < len(names) <= min(_MOST_COLUMNS_OF_FORMULA, rows // _ROWS_OF_A_COEFFICIENT):
        return
    matrix, wanted = _standardised(np.column_stack([columns[name][:rows] for name in names]), target[:rows])
    if len(wanted) < LEAST_ROWS or len(wanted) < _ROWS_OF_A_COEFFICIENT * len(names):
        return
    weights = np.asarray(np.linalg.lstsq(matrix, wanted, rcond=None)[0], dtype=np.float64)
    rest = float(np.square(wanted - matrix @ weights).sum() / max(float(np.square(wanted).sum()), _EXACT))
    if rest > _EXACT:
        return
    used = [name for name, weight in zip(names, weights, strict=True) if abs(weight) > np.sqrt(_EXACT)]
    more = f" and {len(used) - _MOST_NAMED} more" if len(used) > _MOST_NAMED else ""
    yield LeakageFinding(
        "target_formula",
        tuple(used[:_MOST_NAMED]),
        1.0,
        1.0,
        f"the target can be computed from {', '.join(map(repr, used[:_MOST_NAMED]))}{more}, as a sum of multiples without any "
        "rest: list them in `ignore` if they are known only afterwards",
    )


def _standardised(matrix: Floats, target: Floats) -> tuple[Floats, Floats]:
    """Return the rows without gaps, in deviations from the mean, and the columns in units of their own deviation."""
    whole = np.isfinite(matrix).all(axis=1)
    cells, target = matrix[whole], target[whole]
    if not len(target):
        return cells, target
    deviations = cells.std(axis=0)
    standard: Floats = (cells - cells.mean(axis=0)) / np.where(deviations > 0, deviations, 1.0)
    spread = float(target.std())
    return standard, (target - target.mean()) / (spread if spread > 0 else 1.0)
