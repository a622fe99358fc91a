"""Says before anything is read whether rows fit into memory: a job that the system kills says nothing."""

from __future__ import annotations

from headrace.config.pipeline import Pipeline
from sagemaker_jobs.failures import JobError
from sagemaker_jobs.machine import LIBRARIES, available_bytes
from sagemaker_jobs.parts import PartFiles

_CELL = {
    "hist_gradient_boosting": 56,
    "random_forest": 56,
    "linear": 72,
    "xgboost": 56,
    "torch": 40,
    "keras": 40,
}
"""Bytes that a cell takes while an estimator learns: as it is read, encoded, filled and scaled, binned. Measured as the growth
of the resident memory from 20,000 to 1,500,000 rows of 12 numbers and a category."""

_CELL_OF_OTHERS = 72  # a matrix that is filled and scaled, and a copy of it

_ROW_OF_A_TREE = 75
"""Bytes that a forest's tree takes for each row it has learned from. Measured on 60,000 of the same rows."""

_TEXT_OBJECT = 60  # bytes that Python needs for a text or a file beside its content
_TREES = 200  # of a forest, unless the hyperparameters say otherwise


def check_memory(files: PartFiles, pipeline: Pipeline, available: int | None = None) -> None:
    """Compare what the training rows will take with what there is.

    Parameters
    ----------
    files : PartFiles
        The training rows.
    pipeline : Pipeline
        Which estimator, on which instance.
    available : int, optional
        Bytes; by default what the machine, the container and the process's limits allow.

    Raises
    ------
    JobError
        If the rows will hardly fit, with what to do.
    """
    available = available_bytes() if available is None else available
    needed = needed_bytes(files, pipeline)
    if needed > available:
        training = pipeline.training
        raise JobError(
            f"{files.rows} training rows take about {needed / 2**30:.1f} GB as {training.estimator} learns from them, and "
            f"there are {available / 2**30:.1f} GB: choose a larger training.instance than {training.instance}, or "
            "training.estimator: sgd, which reads the rows piece by piece"
        )


def needed_bytes(files: PartFiles, pipeline: Pipeline) -> int:
    """Estimate the memory of a training: every cell as often as it is held, and texts and images once in full."""
    training = pipeline.training
    long = [column.name for column in files.schema if column.kind in ("text", "image")]
    cells = _CELL.get(training.estimator, _CELL_OF_OTHERS) * files.rows * len(files.schema)
    if training.estimator == "random_forest":
        cells += _ROW_OF_A_TREE * files.rows * int(training.hyperparameters.get("n_estimators", _TREES))
    texts = files.unpacked_bytes(long) + _TEXT_OBJECT * files.rows * len(long)
    augment = pipeline.features.augment
    return LIBRARIES + int((cells + texts) * (1 + (augment.copies if augment else 0)))
