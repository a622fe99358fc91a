"""What is known of a new model's quality, for those who watch it in production."""

from __future__ import annotations

from pathlib import Path

from headrace.ml.quality.label_reference import refer_to_labels
from headrace.ml.quality.labelled import Labelled
from headrace.ml.quality.number_reference import NumberReference, refer_to_numbers
from headrace.ml.quality.performance import Performance, Reference, describe_performance
from headrace.ml.quality.segments import Segmentation, SegmentedColumn, Segments
from headrace.ml.quality.slices import feature_slices
from sagemaker_jobs.evaluate_model.loss_forest import grow_loss_forest
from sagemaker_jobs.model import Predictor
from sagemaker_jobs.part_stream import PartStream
from sagemaker_jobs.parts import Part, PartFiles, answer_part
from sagemaker_jobs.spec import Spec

MOST_ROWS = 50_000
_FEWEST_ROWS_FOR_FOREST = 50


def performance_of(spec: Spec, model: Predictor, test: Path) -> Performance:
    """Describe the model's quality on the test part, or on 50,000 rows of it, evenly spread."""
    files = PartFiles.of(test, spec, model.schema)
    part = PartStream(files).sample(MOST_ROWS, ordered=True)
    rows = Labelled.of(spec.pipeline.problem, answer_part(model, part))
    return describe_performance(
        spec.pipeline.metric,
        rows,
        segments=_segments(spec, model, part),
        reference=_reference(model, part, rows),
    )


def _reference(model: Predictor, part: Part, rows: Labelled) -> Reference | None:
    if rows.problem == "regression":
        return _number_reference(model, part, rows)
    return refer_to_labels(
        rows.problem, rows.score, rows.positive, feature_slices(part.columns), model.threshold
    )


def _segments(spec: Spec, model: Predictor, part: Part) -> Segments:
    quality = spec.pipeline.monitoring.quality
    kinds = {column.name: column.kind for column in model.schema}
    return {
        name: SegmentedColumn(Segmentation(kinds[name], quality.edges.get(name, ())), part.columns[name])
        for name in quality.segments
        if name in kinds
    }


def _number_reference(model: Predictor, part: Part, rows: Labelled) -> NumberReference | None:
    if rows.rows < _FEWEST_ROWS_FOR_FOREST:
        return None
    forest, expected = grow_loss_forest(model.schema, part.columns, rows.score, rows.loss)
    return refer_to_numbers(rows.loss, expected, forest, feature_slices(part.columns))
