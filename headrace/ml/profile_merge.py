"""Makes one column's profile of several, without the rows."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from headrace.ml.arrays import Floats, Ints
from headrace.ml.profile_bins import histogram_of, merged_bins
from headrace.ml.profile_column import ColumnProfile
from headrace.ml.profile_files import needs_same_words
from headrace.ml.profile_levels import MAX_LEVELS, smallest_hashes
from headrace.ml.profile_moments import merged_moments


def merge_columns(parts: Sequence[ColumnProfile]) -> ColumnProfile:
    """Return the profile of all rows of several profiles of one column.

    Raises
    ------
    ValueError
        If the column is of one kind here and of another there.
    """
    first = parts[0]
    if len(parts) == 1:
        return first
    if kinds := sorted({part.kind for part in parts} - {first.kind}):
        raise ValueError(
            f"column {first.name!r} is a {first.kind} in one profile and a {kinds[0]} in another"
        )
    edges, levels, counts = _distribution(parts)
    mean, sd = _moments(parts)
    return ColumnProfile(
        name=first.name,
        kind=first.kind,
        rows=sum(part.rows for part in parts),
        missing=sum(part.missing for part in parts),
        edges=edges,
        levels=levels,
        counts=counts,
        mean=mean,
        sd=sd,
        inflation=_weighted([part.inflation for part in parts], [part.present for part in parts]),
        missing_inflation=_weighted(
            [part.missing_inflation for part in parts], [part.rows for part in parts]
        ),
        minimum=min((part.minimum for part in parts if part.minimum is not None), default=None),
        maximum=max((part.maximum for part in parts if part.maximum is not None), default=None),
        whole=sum(part.whole for part in parts),
        hashes=smallest_hashes(item for part in parts for item in part.hashes),
        words=_words(parts),
        measures=_measures(parts),
    )


def _distribution(parts: Sequence[ColumnProfile]) -> tuple[Floats, tuple[str, ...], Ints]:
    first = parts[0]
    if all(np.array_equal(part.edges, first.edges) and part.levels == first.levels for part in parts):
        return first.edges, first.levels, np.sum([part.counts for part in parts], axis=0)
    if any(part.levels for part in parts):
        return np.empty(0), *_merged_levels(parts)
    return _merged_numbers(parts)


def _merged_numbers(parts: Sequence[ColumnProfile]) -> tuple[Floats, tuple[str, ...], Ints]:
    histograms = [histogram for part in parts if (histogram := histogram_of(part))]
    if not histograms:
        longest = max(parts, key=lambda part: len(part.edges))
        return longest.edges, (), longest.counts
    edges, counts = merged_bins(histograms)
    return edges, (), counts


def _merged_levels(parts: Sequence[ColumnProfile]) -> tuple[tuple[str, ...], Ints]:
    totals: dict[str, int] = {}
    others = 0
    for part in parts:
        *known, other = part.counts.tolist()
        others += other
        for level, count in zip(part.levels, known, strict=True):
            totals[level] = totals.get(level, 0) + count
    ranked = sorted(totals, key=lambda level: (-totals[level], level))
    levels, rare = tuple(ranked[:MAX_LEVELS]), ranked[MAX_LEVELS:]
    others += sum(totals[level] for level in rare)
    return levels, np.array([*(totals[level] for level in levels), others], dtype=np.int64)


def _moments(parts: Sequence[ColumnProfile]) -> tuple[float | None, float | None]:
    known = [(part.present, part.mean, part.sd) for part in parts if part.mean is not None]
    return merged_moments(*zip(*known, strict=True)) if known else (None, None)


def _weighted(values: Sequence[float], weights: Sequence[int]) -> float:
    return float(np.average(values, weights=weights)) if sum(weights) else 1.0


def _words(parts: Sequence[ColumnProfile]) -> tuple[str, ...]:
    """Return the words that all parts with texts were compared with; none if they differ."""
    kinds = {part.words for part in parts if part.present} or {parts[0].words}
    return kinds.pop() if len(kinds) == 1 else ()


def _measures(parts: Sequence[ColumnProfile]) -> tuple[ColumnProfile, ...]:
    """Merge what is measured of texts and images; the share of frequent words only where these are the same words."""
    alike = bool(_words(parts))
    named: dict[str, list[ColumnProfile]] = {}
    for measure in (measure for part in parts for measure in part.measures):
        if alike or not needs_same_words(measure.name):
            named.setdefault(measure.name, []).append(measure)
    return tuple(merge_columns(same) for same in named.values())
