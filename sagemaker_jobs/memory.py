"""Says before anything is read whether rows fit into memory: a job that the system kills says nothing."""

from __future__ import annotations

import os
import resource
from collections.abc import Iterator
from pathlib import Path

from headrace.config.pipeline import Pipeline
from sagemaker_jobs.failures import JobError
from sagemaker_jobs.parts import PartFiles

_CELL = 8  # bytes of a number, or of a pointer to a text
_TEXT_OBJECT = 60  # bytes that Python needs for a text or a file beside its content
_COPIES = {"hist_gradient_boosting": 3.0, "random_forest": 3.0, "linear": 4.0}
"""How often a cell is held while an estimator learns: read, encoded, and as the estimator has it (binned, float32, scaled)."""

_CGROUP_LIMITS = (Path("/sys/fs/cgroup/memory.max"), Path("/sys/fs/cgroup/memory/memory.limit_in_bytes"))
_LIBRARIES = 400 * 2**20


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
    copies = _COPIES[pipeline.training.estimator]
    long = [column.name for column in files.schema if column.kind in ("text", "image")]
    cells = _CELL * files.rows * len(files.schema) * copies
    texts = files.unpacked_bytes(long) + _TEXT_OBJECT * files.rows * len(long)
    augment = pipeline.features.augment
    return _LIBRARIES + int((cells + texts) * (1 + (augment.copies if augment else 0)))


def available_bytes() -> int:
    """Return the least of what the machine has, the container may use and the process is allowed, in bytes."""
    return min(_limits())


def _limits() -> Iterator[int]:
    yield os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
    soft, _ = resource.getrlimit(resource.RLIMIT_AS)
    if soft != resource.RLIM_INFINITY:
        yield soft
    for path in _CGROUP_LIMITS:
        text = path.read_text().strip() if path.is_file() else ""
        if text.isdigit():
            yield int(text)
