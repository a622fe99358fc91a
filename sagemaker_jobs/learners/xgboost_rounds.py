"""How XGBoost's rounds go on: when they stop, and how an interrupted training is resumed.

Rounds are grown fifty at a time, by a booster that is made anew from the trees so far. What is random in fifty rounds, which rows and
columns a tree sees, follows from the seed and the number of the first of them. So a training that goes on from the last fifty ends
with the same trees as one that was never interrupted.
"""

from __future__ import annotations

import hashlib
import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

from sagemaker_jobs.checkpoint_file import read_arrays, write_arrays
from sagemaker_jobs.learners.interface import LabelledRows
from sagemaker_jobs.termination import Terminated

AT_A_TIME = 50
_FILE = "xgboost.npz"
_SAMPLES = ("subsample", "colsample_bytree", "colsample_bylevel", "colsample_bynode")


@dataclass
class Progress:
    """How far a training has come.

    Parameters
    ----------
    booster : xgboost.Booster or None
        The trees so far; None before the first.
    losses : list of float
        On the validation rows, one after each round; none without such rows.
    """

    booster: Any = None
    losses: list[float] = field(default_factory=list)

    @property
    def rounds(self) -> int:
        """How many are done."""
        return 0 if self.booster is None else int(self.booster.num_boosted_rounds())

    @property
    def best(self) -> int:
        """The round with the least loss, the first of equals, from 0 on; -1 if there is none."""
        finite = [math.inf if math.isnan(loss) else loss for loss in self.losses]
        return finite.index(min(finite)) if finite else -1


@dataclass(frozen=True)
class Course:
    """What a training goes by.

    Parameters
    ----------
    parameters : mapping
        XGBoost's own.
    rounds : int
        How many there are at most.
    patience : int or None
        So many rounds without a smaller loss end the training, and the best round's trees are kept; None to grow all.
    report : callable or None
        Is told the round and the booster after it.
    file : Path or None
        Where progress is kept.
    fingerprint : str
        Of what is trained, by which: the progress of anything else is not used.
    writes : bool
        Whether this process keeps it.
    """

    parameters: Mapping[str, Any]
    rounds: int
    patience: int | None = None
    report: Callable[[int, Any], None] | None = None
    file: Path | None = None
    fingerprint: str = ""
    writes: bool = True

    @property
    def samples(self) -> bool:
        """Whether trees see rows or columns at random."""
        return any(float(self.parameters.get(name, 1)) < 1 for name in _SAMPLES)


def checkpoint_in(folder: Path | None) -> Path | None:
    """Return the file of a folder in which progress is kept."""
    return None if folder is None else folder / _FILE


def fingerprint(about: object, *parts: LabelledRows | None) -> str:
    """Return a hash of what determines a training: its settings and every row."""
    digest = hashlib.sha256(repr(about).encode())
    for part in parts:
        for array in () if part is None else (part.matrix, part.target, part.weights):
            digest.update(
                b"-" if array is None else np.ascontiguousarray(array).astype(_plain(array)).tobytes()
            )
    return digest.hexdigest()


def resumed(xgboost: Any, course: Course) -> Progress:
    """Return the progress that was kept of this training; none if there is none."""
    kept = read_arrays(course.file) if course.file else {}
    if not kept or str(kept.get("fingerprint")) != course.fingerprint:
        return Progress()
    booster = xgboost.Booster(model_file=bytearray(kept["booster"].tobytes()))
    return Progress(booster, kept["losses"].tolist())


def grow(
    xgboost: Any, course: Course, progress: Progress, train: Any, evaluated: list[tuple[Any, str]]
) -> Any:
    """Return the booster after its last round, or after its best one where there is patience.

    Parameters
    ----------
    xgboost : module
        It is imported when needed.
    course : Course
        What the training goes by.
    progress : Progress
        Where it begins.
    train : xgboost.DMatrix
        The rows to learn from.
    evaluated : list of (xgboost.DMatrix, str)
        The validation rows, if there are any.
    """
    while progress.rounds < course.rounds and not _has_waited(course, progress):
        first = progress.rounds
        follower = _follower(xgboost, course, progress)
        try:
            xgboost.train(
                {**course.parameters, "seed": course.parameters["seed"] + first},
                train,
                min(AT_A_TIME - first % AT_A_TIME, course.rounds - first),
                evals=evaluated,
                xgb_model=progress.booster,
                callbacks=[follower],
                verbose_eval=False,
            )
        except Terminated:
            # What was random in fewer than fifty rounds could not be taken up again.
            if not course.samples:
                _keep(course, progress)
            raise
        _keep(course, progress)
    return progress.booster if course.patience is None else progress.booster[: progress.best + 1]


def _follower(xgboost: Any, course: Course, progress: Progress) -> Any:
    """Return what notes each round, and ends the training when it is time."""

    class Follower(xgboost.callback.TrainingCallback):  # type: ignore[misc]  # it is imported when needed
        def after_iteration(self, model: Any, epoch: int, evals_log: Any) -> bool:
            for values in evals_log.get("validation", {}).values():
                progress.losses.append(values[-1])
            progress.booster = model
            if course.report:
                course.report(progress.rounds - 1, model)
            return _has_waited(course, progress)

    return Follower()


def _has_waited(course: Course, progress: Progress) -> bool:
    waited = len(progress.losses) - 1 - progress.best
    return course.patience is not None and bool(progress.losses) and waited >= course.patience


def _keep(course: Course, progress: Progress) -> None:
    """Write the progress down; a round that was cut short is left out."""
    if course.file is None or not course.writes or progress.booster is None:
        return
    whole = len(progress.losses) or progress.rounds
    booster = progress.booster[:whole] if whole < progress.rounds else progress.booster
    arrays = {
        "fingerprint": np.array(course.fingerprint),
        "booster": np.frombuffer(booster.save_raw("ubj"), dtype=np.uint8),
        "losses": np.array(progress.losses[:whole], dtype=np.float64),
    }
    write_arrays(course.file, arrays)


def _plain(array: Any) -> Any:
    """Return a type whose bytes are the values: labels are objects."""
    return np.str_ if np.asarray(array).dtype == object else np.asarray(array).dtype
