"""What single texts and images become, by what the pipeline file declares."""

from __future__ import annotations

from headrace.config.pipeline import Pipeline
from headrace.ml.files.options import Corpus


def corpus_of(pipeline: Pipeline) -> Corpus | None:
    """Return the columns of a corpus, or None if the pipeline does not declare exactly one text or image.

    Examples
    --------
    >>> digits = {"name": "digits", "problem": "multiclass", "target": "digit", "columns": {"scan": "image"}}
    >>> corpus_of(Pipeline.model_validate(digits))
    Corpus(target='digit', column='scan', kind='image', id=None)
    """
    declared = [(name, kind) for name, kind in pipeline.columns.items() if kind in ("text", "image")]
    if len(declared) != 1:
        return None
    ((name, kind),) = declared
    return Corpus(pipeline.target, name, "image" if kind == "image" else "text", pipeline.id)
