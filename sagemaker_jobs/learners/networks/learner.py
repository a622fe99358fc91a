"""From a task to a fitted network, in any framework."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from scipy import sparse

from headrace.ml.arrays import Floats
from headrace.ml.metrics import METRICS, Predictions, prepare
from sagemaker_jobs.learners.graph_estimator import GraphEstimator
from sagemaker_jobs.learners.interface import Fitted, LabelledRows, Learner, Task
from sagemaker_jobs.learners.networks.answers import Answers
from sagemaker_jobs.learners.networks.checkpoints import Checkpoints, fingerprint
from sagemaker_jobs.learners.networks.description import Network
from sagemaker_jobs.learners.networks.graph import network_graph
from sagemaker_jobs.learners.networks.hyperparameters import Hyperparameters
from sagemaker_jobs.learners.networks.initial import initial_arrays
from sagemaker_jobs.learners.networks.inputs import Single, inputs_of
from sagemaker_jobs.learners.networks.plan import plan_network
from sagemaker_jobs.learners.networks.training import Course, Engine, Examples, train
from sagemaker_jobs.learners.networks.world import ALONE, World
from sagemaker_jobs.machine import processors

_POINTS_FOR_THREADS = 32 * 32


@dataclass(frozen=True)
class Made:
    """A network before it has learned.

    Parameters
    ----------
    network : Network
        The layers.
    learned : mapping
        What it begins with.
    given : Hyperparameters
        Of the optimiser.
    seed : int
        Of everything random.
    threads : int
        On which a CPU computes.
    world : World
        The processes that learn together.
    """

    network: Network
    learned: Mapping[str, Single]
    given: Hyperparameters
    seed: int
    threads: int
    world: World = ALONE


class NetworkLearner(Learner):
    """Builds a network for the columns, trains it and returns its graph."""

    @abstractmethod
    def engine(self, made: Made) -> Engine:
        """Return the framework with the network in it."""

    def fit(self, task: Task) -> Fitted:
        """Learn, in this process alone."""
        return self.fit_among(task, ALONE)

    def fit_among(self, task: Task, world: World) -> Fitted:
        """Learn together with other processes, each of which is given the same task.

        Parameters
        ----------
        task : Task
            What is to be learned.
        world : World
            See `sagemaker_jobs.learners.networks.world.joined`.
        """
        given = Hyperparameters.read(task.hyperparameters)
        answers = Answers.of(task.problem, task.target, task.weights)
        network = plan_network(task.layout, dense(task.matrix), answers.outputs, given)
        rows = _examples(network, answers, task.train)
        validation = None if task.validation is None else _examples(network, answers, task.validation)
        begin = initial_arrays(network, task.seed, rows.inputs.get("tokens"))
        engine = self.engine(Made(network, begin, given, task.seed, _threads(network), world))
        about = (self.name, network, answers, given, task.seed, world.size)
        course = Course(
            given,
            answers,
            task.seed,
            _reporter(task, answers, world),
            Checkpoints(task.checkpoints, fingerprint(about, rows, validation)) if task.checkpoints else None,
            world,
        )
        learned = train(engine, course, rows, validation)
        graph = network_graph(network, learned, answers, task.matrix.shape[1])
        return GraphEstimator(graph, list(answers.classes) or None)


def dense(matrix: Any) -> Floats:
    """Return a matrix of float64 that is not sparse."""
    whole = matrix.toarray() if sparse.issparse(matrix) else matrix
    return np.asarray(whole, dtype=np.float64)


def _threads(network: Network) -> int:
    """Return how many threads pay: on less than the convolutions of large pictures they wait for each other longer than they work."""
    points = max((picture.height * picture.width for picture in network.pictures), default=0)
    return processors() if points >= _POINTS_FOR_THREADS else 1


def _examples(network: Network, answers: Answers, rows: LabelledRows) -> Examples:
    return Examples(inputs_of(network, dense(rows.matrix)), answers.aims(rows.target), rows.weights)


def _reporter(task: Task, answers: Answers, world: World) -> Callable[[int, Any], None]:
    """Return what tells the decisive metric after each epoch, in the first process."""
    metric = METRICS[task.problem].get(task.metric)

    def report(epoch: int, sums: Any) -> None:
        if metric is not None and task.validation is not None and world.rank == 0:
            predictions = Predictions(task.validation.target, answers.answers(sums), answers.classes)
            task.report(epoch, float(metric(prepare(task.problem, predictions).weighted(None))[0]))

    return report
