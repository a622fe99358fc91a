"""Looks for leaks in the training rows, and leaves behind what the evaluation needs to find them in the test part."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np
import pyarrow.compute as pc
import pyarrow.parquet as pq

from headrace.ml.arrays import Hashes
from headrace.ml.evidence.findings import LeakageFinding
from headrace.ml.evidence.leaks import LeakLimits, find_leaks
from headrace.ml.evidence.row_sketch import RowSketch, feature_hashes
from sagemaker_jobs.evidence.job import Trained
from sagemaker_jobs.part_stream import PartStream
from sagemaker_jobs.parts import PartFiles
from sagemaker_jobs.spec import Spec


def leakage_of(trained: Trained) -> dict[str, Any] | None:
    """Return findings, a sketch of the training rows and their last moment; None if nobody wants to know."""
    block = trained.spec.pipeline.evaluation.leakage
    if block.policy == "off":
        return None
    limits = LeakLimits(block.max_auc, block.max_r2, frozenset(block.allow))
    train, schema = trained.train, trained.spec.schema
    found = find_leaks(trained.recipe.problem, schema, train.columns, train.target, limits, trained.rows)
    return {
        "findings": [finding.as_dict() for finding in found],
        "sketch": RowSketch.of(_hashes(trained)).as_dict(),
        "last_moment": _moment(max(_moments(trained.channels / "train", trained.spec), default=None)),
    }


def leaks_between(spec: Spec, test: PartFiles, known: dict[str, Any]) -> list[dict[str, Any]]:
    """Return what the training has found, and what shows only beside the test part.

    Parameters
    ----------
    spec : Spec
        With the limits.
    test : PartFiles
        The test part, with the model's features.
    known : dict
        What `leakage_of` returned.
    """
    names = [column.name for column in test.schema]
    sketch = RowSketch.from_dict(known["sketch"])
    counts = [sketch.matches(feature_hashes(batch.columns, names)) for batch in PartStream(test).batches()]
    compared, again = (sum(each[place] for each in counts) for place in (0, 1))
    found = [*known["findings"]]
    limit = spec.pipeline.evaluation.leakage.max_duplicate_share
    if compared and again / compared > limit:
        found.append(_duplicates(again / compared, compared, limit).as_dict())
    if (mixed := _mixed_times(spec, test, known["last_moment"])) is not None:
        found.append(mixed.as_dict())
    return found


def _hashes(trained: Trained) -> Iterator[Hashes]:
    names = [column.name for column in trained.spec.schema]
    batches = trained.stream.batches() if trained.stream else [trained.train]
    return (feature_hashes(batch.columns, names) for batch in batches)


def _duplicates(share: float, compared: int, limit: float) -> LeakageFinding:
    return LeakageFinding(
        "duplicate_rows",
        (),
        round(share, 4),
        limit,
        f"{share:.1%} of {compared} test rows have the same features as a training row (limit {limit:.1%}): what was learnt by "
        "heart is counted as known; deal rows without `id`, or by `group`",
    )


def _mixed_times(spec: Spec, test: PartFiles, last: Any) -> LeakageFinding | None:
    """Return a finding if rows have times, and the past is judged by a model that has seen what came after it."""
    pipeline = spec.pipeline
    if pipeline.time is None or last is None or pipeline.split.by in ("time", "column"):
        return None
    moments = [_moment(cell) for cell in _moments(test.files[0].parent, spec)]
    earlier = sum(moment < last for moment in moments) / max(1, len(moments))
    if not earlier:
        return None
    return LeakageFinding(
        "time_order",
        (pipeline.time,),
        round(earlier, 4),
        0.0,
        f"{earlier:.0%} of the test rows are older than the newest training row: the figures say how well the model fills gaps in "
        "the past, not how well it knows the future; `split.by: time` does",
    )


def _moments(folder: Any, spec: Spec) -> Iterator[Any]:
    time = spec.pipeline.time
    for file in sorted(folder.rglob("*.parquet")) if time else ():
        if time in pq.read_schema(file).names:
            yield from pc.drop_null(
                pq.read_table(file, columns=[time], partitioning=None).column(time)
            ).to_numpy()


def _moment(cell: Any) -> Any:
    """Return a moment as JSON has it, so that it can be compared: a number, or microseconds since 1970."""
    if cell is None:
        return None
    return (
        int(cell.astype("datetime64[us]").astype(np.int64))
        if isinstance(cell, np.datetime64)
        else float(cell)
    )
