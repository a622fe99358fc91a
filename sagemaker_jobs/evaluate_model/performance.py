"""What is known of a new model's quality, for those who watch it in production."""

from __future__ import annotations

from pathlib import Path

from headrace.ml.quality.labelled import Labelled
from headrace.ml.quality.performance import Performance, describe_performance
from headrace.ml.quality.segments import Segmentation, SegmentedColumn
from headrace.ml.quality.slices import feature_slices
from sagemaker_jobs.model import Predictor, answer_part
from sagemaker_jobs.part_stream import PartStream
from sagemaker_jobs.parts import PartFiles
from sagemaker_jobs.spec import Spec

MOST_ROWS = 50_000


def performance_of(spec: Spec, model: Predictor, test: Path) -> Performance:
    """Describe the model's quality on the test part, or on 50,000 rows of it, evenly spread."""
    files = PartFiles.of(test, spec, model.schema)
    part = PartStream(files).sample(MOST_ROWS, ordered=True)
    quality = spec.pipeline.monitoring.quality
    kinds = {column.name: column.kind for column in model.schema}
    segments = {
        name: SegmentedColumn(Segmentation(kinds[name], quality.edges.get(name, ())), part.columns[name])
        for name in quality.segments
        if name in kinds
    }
    return describe_performance(
        spec.pipeline.metric,
        Labelled.of(spec.pipeline.problem, answer_part(model, part)),
        segments=segments,
        slices=feature_slices(part.columns),
    )
