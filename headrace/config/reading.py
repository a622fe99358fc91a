"""How the pipeline file says that dropped files are read."""

from __future__ import annotations

from headrace.config.corpus import corpus_of
from headrace.config.pipeline import Pipeline
from headrace.ml.contract import Contract
from headrace.ml.files.options import ReadOptions

_MB_OF_A_GB = 1024
_LONGEST_IMAGE = 2**23  # characters of base64


def read_options(pipeline: Pipeline, contract: Contract | None = None, *, large: bool = False) -> ReadOptions:
    """Return the limits of a file, and what is known of it before it is opened.

    Parameters
    ----------
    pipeline : Pipeline
        What the file says.
    contract : Contract or None
        What earlier files were, if there were any.
    large : bool
        Whether the limit is that of the block `large_data`.
    """
    ingest = pipeline.ingest
    names = contract.file_columns if contract else ()
    max_mb, limit = ingest.max_file_mb, "ingest.max_file_mb"
    if large and pipeline.large_data:
        max_mb, limit = pipeline.large_data.max_gb * _MB_OF_A_GB, "large_data.max_gb"
    return ReadOptions(
        max_mb=max_mb,
        limit=limit,
        max_columns=ingest.max_columns,
        encoding=ingest.encoding,
        sheet=ingest.sheet,
        columns=names,
        expected=frozenset((pipeline.target, *names)),
        corpus=None if large else corpus_of(pipeline),
        longest_cell=_LONGEST_IMAGE if "image" in pipeline.columns.values() else ReadOptions.longest_cell,
    )
