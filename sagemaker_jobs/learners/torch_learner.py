"""`estimator: torch`: a network that PyTorch trains, on a GPU where there is one."""

from __future__ import annotations

from sagemaker_jobs.learners.extras import need
from sagemaker_jobs.learners.interface import Fitted, Task
from sagemaker_jobs.learners.networks.learner import Made, NetworkLearner
from sagemaker_jobs.learners.networks.training import Engine
from sagemaker_jobs.learners.networks.world import joined


class Torch(NetworkLearner):
    """Trains with PyTorch, alone or in several processes."""

    name = "torch"
    framework = "torch"
    packages = ("torch",)
    distributes = True

    def fit(self, task: Task) -> Fitted:
        """Learn, together with the other hosts where there are some."""
        _need_torch()
        with joined(task.cluster) as world:
            return self.fit_among(task, world)

    def engine(self, made: Made) -> Engine:
        """Return PyTorch with the network in it."""
        _need_torch()
        from sagemaker_jobs.learners.networks.torch_engine import TorchEngine, prepare_torch  # noqa: PLC0415

        prepare_torch(made.threads)
        return TorchEngine(made.network, made.learned, made.given, made.seed, made.world)


def _need_torch() -> None:
    need("torch", extra="torch", asked_by="training.estimator: torch")
