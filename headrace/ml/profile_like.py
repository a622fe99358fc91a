"""Brings a profile with bins of its own into those of a reference, so that the two can be compared."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from headrace.ml.profile import Profile
from headrace.ml.profile_bins import histogram_of, recut
from headrace.ml.profile_column import ColumnProfile
from headrace.ml.profile_files import needs_same_words


def profile_like(profile: Profile, reference: Profile) -> Profile:
    """Return a profile as if it had been made like a reference, off by less than a bin, 1/256.

    Parameters
    ----------
    profile : Profile
        For example that of rows that have been accepted.
    reference : Profile
        That of the training data.

    Returns
    -------
    Profile
        With the reference's columns that the profile has, of the same kind; the others cannot be compared.

    Examples
    --------
    >>> from headrace.ml.column_schema import ColumnSchema
    >>> from headrace.ml.drift import compare
    >>> from headrace.ml.profile import merge_profiles, profile_frame
    >>> rng, schema = np.random.default_rng(0), [ColumnSchema("temp", "number")]
    >>> learnt = profile_frame({"temp": rng.normal(5, 3, 900)}, schema)
    >>> files = [profile_frame({"temp": rng.normal(9, 3, 100)}, schema) for _ in range(3)]
    >>> compare(learnt, profile_like(merge_profiles(files), learnt)).drifted
    True
    """
    known = {column.name: column for column in profile.features}
    pairs = [(known[wanted.name], wanted) for wanted in reference.features if wanted.name in known]
    return Profile(
        profile.rows,
        tuple(_column_like(column, wanted) for column, wanted in pairs if column.kind == wanted.kind),
    )


def _column_like(column: ColumnProfile, wanted: ColumnProfile) -> ColumnProfile:
    measures = {measure.name: measure for measure in column.measures}
    alike = tuple(
        _column_like(measures[each.name], each)
        for each in wanted.measures
        if each.name in measures and (column.words == wanted.words or not needs_same_words(each.name))
    )
    if column.kind in ("category", "boolean"):
        known = dict(zip(column.levels, column.counts.tolist(), strict=False))
        counts = np.array([known.get(level, 0) for level in wanted.levels], dtype=np.int64)
        others = int(column.counts.sum() - counts.sum())
        return replace(column, levels=wanted.levels, counts=np.append(counts, others))
    histogram = histogram_of(column)
    if column.kind == "datetime" or histogram is None:
        empty = np.zeros(len(wanted.counts), dtype=np.int64)
        return replace(column, edges=wanted.edges, counts=empty, measures=alike)
    return replace(column, edges=wanted.edges, counts=recut(histogram, wanted.edges), measures=alike)
