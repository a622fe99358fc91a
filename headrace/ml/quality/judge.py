"""Judges a window of production: by its labels where they have come, by its scores where they have not."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from headrace.ml.arrays import Floats
from headrace.ml.quality.estimate import Estimate
from headrace.ml.quality.intervals import Measured
from headrace.ml.quality.labelled import Labelled
from headrace.ml.quality.measured import measure_quality
from headrace.ml.quality.performance import Level, Performance
from headrace.ml.quality.segments import Segments
from headrace.ml.quality.verdict import SIGNIFICANT_Z, Comparison, Verdict, compare_quality, tolerated_drop


@dataclass(frozen=True)
class Tolerance:
    """When a loss of quality is one.

    Parameters
    ----------
    drop : float or None
        The smallest drop of the pipeline's metric that counts, in its unit; a share of the model's worth if None.
    min_rows, min_labels : int
        Fewer rows are not judged by their scores, fewer labels not by those.
    """

    drop: float | None = None
    min_rows: int = 100
    min_labels: int = 100


@dataclass(frozen=True)
class Judged:
    """What is known of some rows.

    Parameters
    ----------
    rows : int
        How many there are.
    verdict : {"drop", "no drop", "not enough labels", "not enough data"}
        In words; without labels it is data that is not enough.
    metrics : dict of str to Measured
        With their intervals; empty without a verdict.
    comparison : Comparison or None
        Of the metric that decides, with the reference; None without a verdict or without a reference.
    segments : dict of str to dict of str to Judged
        The same by column and segment.
    """

    rows: int
    verdict: Verdict
    metrics: Mapping[str, Measured] = field(default_factory=dict)
    comparison: Comparison | None = None
    segments: Mapping[str, Mapping[str, Judged]] = field(default_factory=dict)

    @property
    def ratio(self) -> float | None:
        """The largest drop of the whole and of its segments, in units of what is tolerated; None without any."""
        parts = [self, *(part for parts in self.segments.values() for part in parts.values())]
        return max((part.comparison.ratio for part in parts if part.comparison), default=None)


def judge_labelled(
    performance: Performance, rows: Labelled, segments: Segments, tolerance: Tolerance
) -> Judged:
    """Measure quality on rows whose labels have come, and compare it with the reference.

    The whole and the segments are judged together: each has to be the more significant, the more segments there are
    (Bonferroni), so that many of them do not make a false alarm likely.

    Parameters
    ----------
    performance : Performance
        The reference.
    rows : Labelled
        In the order in which the predictions were made.
    segments : dict of str to SegmentedColumn
        The values of the columns that are watched by segments.
    tolerance : Tolerance
        What counts.
    """
    parts = {
        column: segments[column].cut.rows_of(segments[column].values, list(known.levels))
        for column, known in performance.segments.items()
        if column in segments
    }
    tests = 1 + sum(len(flags) for flags in parts.values())
    by_segment = {
        column: {
            name: _judge(
                performance, performance.segments[column].levels[name], rows[flags], tolerance, tests
            )
            for name, flags in named.items()
        }
        for column, named in parts.items()
    }
    whole = _judge(performance, performance.level, rows, tolerance, tests)
    judged = [whole, *(part for parts in by_segment.values() for part in parts.values())]
    dropped = any(part.verdict == "drop" for part in judged)
    return Judged(
        whole.rows, "drop" if dropped else whole.verdict, whole.metrics, whole.comparison, by_segment
    )


def judge_estimated(
    performance: Performance, windows: Sequence[Floats], moved: float, tolerance: Tolerance
) -> Judged:
    """Estimate quality from scores, and compare it with the reference.

    Of the latest windows as many are taken together, in doublings, as it needs for a drop to be seen, or for a drop of what is
    tolerated to be significant; all, if it needs more. So a sudden loss in much traffic is not thinned by the days before
    it, and a little traffic still gives an answer. The more looks that may take, the more significant a drop has to be.

    Parameters
    ----------
    performance : Performance
        The reference.
    windows : sequence of ndarray
        Summaries by the reference, the latest window first.
    moved : float
        Share of rows by which the features differ from the reference's, in [0, 1].
    tolerance : Tolerance
        What counts.
    """
    if performance.reference is None or not windows:
        return Judged(0, "not enough data")
    taken, looks = 1, 1 + (len(windows) - 1).bit_length()
    while True:
        summary = sum(windows[1:taken], start=windows[0])
        judged = _judge_summary(performance, summary, moved, tolerance, looks)
        if taken >= len(windows) or judged.verdict == "drop" or _is_sharp(judged):
            return judged
        taken *= 2


def estimated_metric(performance: Performance, estimates: Mapping[str, Estimate]) -> str | None:
    """Return which metric decides of those that were estimated: the pipeline's own, or the first that there is."""
    if performance.metric in estimates:
        return performance.metric
    return next((name for name in estimates if name in performance.level.metrics), None)


def _judge_summary(
    performance: Performance, summary: Floats, moved: float, tolerance: Tolerance, looks: int
) -> Judged:
    assert performance.reference is not None
    rows = performance.reference.rows_of(summary)
    estimates = performance.reference.estimate(summary, moved=moved) if rows >= tolerance.min_rows else {}
    metric = estimated_metric(performance, estimates)
    if metric is None:
        return Judged(rows, "not enough data")
    comparison = _compare(performance, performance.level, metric, estimates[metric], tolerance, looks)
    metrics = {name: estimate.with_interval(name) for name, estimate in estimates.items()}
    return Judged(rows, comparison.verdict if comparison else "not enough data", metrics, comparison)


def _is_sharp(judged: Judged) -> bool:
    """Tell whether a drop of just what is tolerated would be significant."""
    found = judged.comparison
    return found is not None and found.sd * SIGNIFICANT_Z <= found.tolerated


def _judge(
    performance: Performance, level: Level, rows: Labelled, tolerance: Tolerance, tests: int
) -> Judged:
    if rows.rows < tolerance.min_labels:
        return Judged(rows.rows, "not enough labels")
    metrics = measure_quality(rows)
    # Chosen by the reference, not by what these labels happen to allow: figures of a pipeline are always of one metric.
    measurable = performance.level.metrics
    name = performance.metric if performance.metric in measurable else next(iter(measurable), "")
    found = Estimate(metrics[name].value, metrics[name].sd) if name in metrics else None
    comparison = _compare(performance, level, name, found, tolerance, tests) if found else None
    return Judged(rows.rows, comparison.verdict if comparison else "not enough labels", metrics, comparison)


def _compare(
    performance: Performance,
    level: Level,
    metric: str,
    found: Estimate,
    tolerance: Tolerance,
    tests: int = 1,
) -> Comparison | None:
    reference = level.metrics.get(metric)
    if reference is None:
        return None
    declared = tolerance.drop if metric == performance.metric else None
    whole = performance.level.metrics.get(metric, reference)
    return compare_quality(
        metric,
        reference.value,
        found.value,
        sd=math.hypot(found.sd, reference.sd),
        tolerated=tolerated_drop(metric, whole.value, performance.constants.get(metric), declared),
        tests=tests,
    )
