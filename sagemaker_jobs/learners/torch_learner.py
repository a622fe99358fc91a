"""`estimator: torch`: a network that PyTorch trains, on a GPU where there is one."""

from __future__ import annotations

from sagemaker_jobs.learners.extras import need
from sagemaker_jobs.learners.networks.learner import Made, NetworkLearner
from sagemaker_jobs.learners.networks.training import Engine


class Torch(NetworkLearner):
    """Trains with PyTorch, alone or in several processes."""

    name = "torch"
    framework = "torch"

    def engine(self, made: Made) -> Engine:
        """Return PyTorch with the network in it."""
        need("torch", extra="torch", asked_by="training.estimator: torch")
        from sagemaker_jobs.learners.networks.torch_engine import TorchEngine, prepare_torch  # noqa: PLC0415

        prepare_torch(made.threads)
        return TorchEngine(made.network, made.learned, made.given, made.seed, made.world)
