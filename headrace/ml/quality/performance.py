"""``performance.json``: how good a model was on rows it had never seen, and what is needed to know how good it is now."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Self

from headrace.ml.column_schema import Problem
from headrace.ml.quality.intervals import Measured
from headrace.ml.quality.label_reference import LabelReference
from headrace.ml.quality.labelled import Labelled
from headrace.ml.quality.measured import best_constant, measure_quality
from headrace.ml.quality.number_reference import NumberReference
from headrace.ml.quality.segments import Segmentation, SegmentedColumn, Segments

FORMAT = 1
Reference = LabelReference | NumberReference

_FEWEST_ROWS_OF_SEGMENT = 30


@dataclass(frozen=True)
class Level:
    """Quality of some reference rows, by metric."""

    rows: int
    metrics: Mapping[str, Measured]

    def as_dict(self) -> dict[str, Any]:
        """Return it as JSON has it."""
        return {
            "rows": self.rows,
            "metrics": {name: measured.as_dict() for name, measured in self.metrics.items()},
        }

    @classmethod
    def from_dict(cls, entry: Mapping[str, Any]) -> Self:
        """Read what `as_dict` wrote."""
        return cls(entry["rows"], {name: Measured(**measured) for name, measured in entry["metrics"].items()})


@dataclass(frozen=True)
class SegmentLevels:
    """Quality of the segments of one column, by their names."""

    cut: Segmentation
    levels: Mapping[str, Level]

    def as_dict(self) -> dict[str, Any]:
        """Return it as JSON has it."""
        return {
            "kind": self.cut.kind,
            "edges": list(self.cut.edges),
            "levels": {name: level.as_dict() for name, level in self.levels.items()},
        }

    @classmethod
    def from_dict(cls, entry: Mapping[str, Any]) -> Self:
        """Read what `as_dict` wrote."""
        return cls(
            Segmentation(entry["kind"], tuple(entry["edges"])),
            {name: Level.from_dict(level) for name, level in entry["levels"].items()},
        )


@dataclass(frozen=True)
class Performance:
    """Quality of a model on its reference rows.

    Parameters
    ----------
    problem : {"binary", "multiclass", "regression"}
        Kind of answer.
    metric : str
        What the pipeline judges models by.
    classes : tuple of str
        The model's labels, sorted; empty in a regression.
    level : Level
        Of all reference rows.
    constants : dict of str to float
        What the best answer that is always the same reaches, by metric.
    segments : dict of str to SegmentLevels
        By column.
    reference : LabelReference, NumberReference or None
        What estimates quality without labels; None where there was too little to learn that from.
    """

    problem: Problem
    metric: str
    classes: tuple[str, ...]
    level: Level
    constants: Mapping[str, float]
    segments: Mapping[str, SegmentLevels] = field(default_factory=dict)
    reference: Reference | None = None

    def as_dict(self) -> dict[str, Any]:
        """Return it as JSON has it."""
        return {
            "format": FORMAT,
            "problem": self.problem,
            "metric": self.metric,
            "classes": list(self.classes),
            "level": self.level.as_dict(),
            "constants": dict(self.constants),
            "segments": {column: segments.as_dict() for column, segments in self.segments.items()},
            "reference": self.reference.as_dict() if self.reference else None,
        }

    @classmethod
    def from_dict(cls, document: Mapping[str, Any]) -> Self:
        """Read what `as_dict` wrote.

        Raises
        ------
        ValueError
            If another version of the format wrote it.
        """
        if document.get("format") != FORMAT:
            raise ValueError(
                f"performance.json has format {document.get('format')!r}, this code reads {FORMAT}"
            )
        reference = document["reference"]
        kind = NumberReference if document["problem"] == "regression" else LabelReference
        return cls(
            problem=document["problem"],
            metric=document["metric"],
            classes=tuple(document["classes"]),
            level=Level.from_dict(document["level"]),
            constants=document["constants"],
            segments={
                column: SegmentLevels.from_dict(entry) for column, entry in document["segments"].items()
            },
            reference=kind.from_dict(reference) if reference else None,
        )


def describe_performance(
    metric: str,
    rows: Labelled,
    *,
    segments: Segments | None = None,
    reference: Reference | None = None,
) -> Performance:
    """Measure a model on reference rows.

    Parameters
    ----------
    metric : str
        What the pipeline judges models by.
    rows : Labelled
        Answers to rows the model was not trained on; at least one.
    segments : dict of str to SegmentedColumn, optional
        The columns that are watched by segments; a segment of fewer than 30 rows has no level.
    reference : LabelReference or NumberReference, optional
        What estimates quality without labels.
    """
    return Performance(
        problem=rows.problem,
        metric=metric,
        classes=rows.classes,
        level=Level(rows.rows, measure_quality(rows)),
        constants=best_constant(rows.problem, rows.truth, rows.classes),
        segments={name: _segment_levels(rows, column) for name, column in (segments or {}).items()},
        reference=reference,
    )


def _segment_levels(rows: Labelled, column: SegmentedColumn) -> SegmentLevels:
    parts = column.cut.rows_of(column.values)
    return SegmentLevels(
        column.cut,
        {
            name: Level(int(flags.sum()), measure_quality(rows[flags]))
            for name, flags in parts.items()
            if flags.sum() >= _FEWEST_ROWS_OF_SEGMENT
        },
    )
