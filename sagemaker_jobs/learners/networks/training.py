"""How a network learns: epochs, batches and when to stop, the same in every framework."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, replace
from typing import Any, Protocol

import numpy as np

from headrace.ml.arrays import Floats, Ints
from sagemaker_jobs.failures import JobError
from sagemaker_jobs.learners.networks.answers import Answers
from sagemaker_jobs.learners.networks.checkpoints import Checkpoints
from sagemaker_jobs.learners.networks.hyperparameters import Hyperparameters
from sagemaker_jobs.learners.networks.inputs import Inputs, Single, chosen
from sagemaker_jobs.learners.networks.world import ALONE, World

_ROWS_AT_ONCE = 2_000  # that are answered without learning
_FEWEST_VALIDATION_ROWS = 30  # by which an epoch can be told from another


@dataclass(frozen=True)
class Examples:
    """Rows as a network is given them.

    Parameters
    ----------
    inputs : dict of str to ndarray
        As `inputs_of` makes them.
    aims : ndarray of shape (n_rows,)
        What the network is to say: a label's number, or the scaled target.
    weights : ndarray of shape (n_rows,) or None
        How much each row counts.
    """

    inputs: Inputs
    aims: Floats | Ints
    weights: Floats | None = None

    @property
    def rows(self) -> int:
        """How many there are."""
        return len(self.aims)


class Engine(Protocol):
    """A framework with a network in it."""

    def begin_epoch(self, epoch: int) -> None:
        """Make everything random follow from the seed and the number of the epoch."""
        ...

    def learn(self, inputs: Inputs, aims: Any, weights: Single, rate: float) -> None:
        """Take one step of the optimiser.

        Parameters
        ----------
        inputs, aims : arrays
            A batch, or this process's share of it.
        weights : ndarray of float32
            By which the rows' losses are added up.
        rate : float
            The learning rate of this step.
        """
        ...

    def sums(self, inputs: Inputs) -> Any:
        """Answer rows, of shape (n_rows, n_outputs)."""
        ...

    def learned(self) -> dict[str, Single]:
        """Return copies of all that is learned, by the names of `Network.shapes`."""
        ...

    def state(self) -> dict[str, Any]:
        """Return copies of all that the next step depends on, as arrays by name."""
        ...

    def restore(self, state: Mapping[str, Any]) -> None:
        """Go on from what `state` returned."""
        ...


@dataclass(frozen=True)
class Progress:
    """How far a training has come.

    Parameters
    ----------
    epochs : int
        That have ended.
    best_epoch : int
        The one whose arrays are kept, from 0 on.
    best_loss : float
        On the validation rows after it.
    best : dict of str to ndarray
        What had been learned then.
    """

    epochs: int = 0
    best_epoch: int = -1
    best_loss: float = math.inf
    best: Mapping[str, Single] | None = None

    def after(self, loss: float, engine: Engine) -> Progress:
        """Return the progress after one more epoch."""
        ended = replace(self, epochs=self.epochs + 1)
        if not loss < self.best_loss and self.best is not None:
            return ended
        return replace(ended, best_epoch=self.epochs, best_loss=loss, best=engine.learned())


@dataclass(frozen=True)
class Course:
    """What a training goes by.

    Parameters
    ----------
    given : Hyperparameters
        Epochs, sizes of batches, patience.
    answers : Answers
        What sums mean.
    seed : int
        Of the order of rows and of what is left out.
    report : callable
        Is told the epoch and the sums of the validation rows after it.
    checkpoints : Checkpoints or None
        Where progress is kept.
    world : World
        The processes that learn together.
    """

    given: Hyperparameters
    answers: Answers
    seed: int
    report: Callable[[int, Any], None]
    checkpoints: Checkpoints | None = None
    world: World = ALONE


def train(
    engine: Engine, course: Course, rows: Examples, validation: Examples | None
) -> Mapping[str, Single]:
    """Return what has been learned after the best epoch.

    The best epoch is the one with the least loss on the validation rows. Training ends after `patience` epochs that were not
    better, or after `epochs`. Without validation rows, or with fewer than 30, the last epoch counts.

    A training that was interrupted goes on from its checkpoint, and ends with the same arrays as one that was not: what is random in an
    epoch follows from the seed and the epoch's number alone.

    Raises
    ------
    JobError
        If the processes that learn together have different checkpoints.
    """
    stops = validation is not None and validation.rows >= _FEWEST_VALIDATION_ROWS
    progress = course.checkpoints.resume(engine) if course.checkpoints else Progress()
    if course.world.of_first(progress.epochs) != progress.epochs:
        raise JobError(
            f"process {course.world.rank} has another checkpoint than the first one: empty the folder"
        )
    while progress.epochs < course.given.epochs and not (stops and _has_waited(progress, course)):
        epoch = progress.epochs
        engine.begin_epoch(epoch)
        for step in _steps(course, rows, epoch):
            engine.learn(*step)
        loss = -float(epoch)
        if validation is not None and validation.rows:
            sums = answer(engine, validation.inputs)
            measured = course.world.of_first(course.answers.loss(sums, validation.aims, validation.weights))
            loss = measured if stops else loss
            course.report(epoch, sums)
        progress = progress.after(loss, engine)
        if course.checkpoints and course.world.rank == 0:
            course.checkpoints.save(progress, engine)
    return progress.best or engine.learned()


def answer(engine: Engine, inputs: Inputs) -> Any:
    """Return the sums of all rows, a few rows at a time."""
    rows = len(next(iter(inputs.values())))
    parts = [
        engine.sums(chosen(inputs, slice(start, start + _ROWS_AT_ONCE)))
        for start in range(0, rows, _ROWS_AT_ONCE)
    ]
    return np.concatenate(parts)


def _has_waited(progress: Progress, course: Course) -> bool:
    return progress.epochs - 1 - progress.best_epoch >= course.given.patience


def _steps(course: Course, rows: Examples, epoch: int) -> Iterator[tuple[Inputs, Any, Single, float]]:
    """Yield the batches of an epoch, of which each process gets its share, with their learning rates.

    Losses are weighed so that the mean over processes of their sums is the mean over the batch.
    """
    order = np.random.default_rng([course.seed, epoch]).permutation(rows.rows)
    world, size = course.world, course.given.rows_at_once(rows.rows)
    count = math.ceil(rows.rows / size)
    for step in range(count):
        batch = order[step * size : (step + 1) * size]
        share = batch[: len(batch) - len(batch) % world.size][world.rank :: world.size]
        if not len(share):
            continue
        counts = np.ones(len(share)) if rows.weights is None else rows.weights[share]
        weights = (counts / len(share)).astype(np.float32)
        rate = _rate(course.given, epoch + step / count)
        yield chosen(rows.inputs, share), rows.aims[share], weights, rate


def _rate(given: Hyperparameters, epochs: float) -> float:
    """Return the learning rate after so many epochs, which falls along half a cosine.

    References
    ----------
    .. [1] Loshchilov, I. and Hutter, F. (2017). SGDR: stochastic gradient descent with warm restarts. ICLR.
    """
    return given.learning_rate * 0.5 * (1 + math.cos(math.pi * epochs / given.epochs))
