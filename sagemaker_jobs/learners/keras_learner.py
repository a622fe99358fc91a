"""`estimator: keras`: a network that Keras trains, on TensorFlow."""

from __future__ import annotations

from sagemaker_jobs.failures import JobError
from sagemaker_jobs.learners.extras import need
from sagemaker_jobs.learners.networks.learner import Made, NetworkLearner
from sagemaker_jobs.learners.networks.training import Engine


class Keras(NetworkLearner):
    """Trains with Keras, in one process."""

    name = "keras"
    framework = "keras"
    packages = ("keras", "tensorflow", "tensorflow-cpu")

    def engine(self, made: Made) -> Engine:
        """Return Keras with the network in it.

        Raises
        ------
        JobError
            If several processes are to learn together, or Keras computes with anything but TensorFlow.
        """
        if made.world.size > 1:
            raise JobError("training.estimator: keras learns on one instance; torch learns on several")
        for module in ("tensorflow", "keras"):
            need(module, extra="keras", asked_by="training.estimator: keras")
        from sagemaker_jobs.learners.networks.keras_engine import KerasEngine, prepare_keras  # noqa: PLC0415

        prepare_keras(made.threads)
        return KerasEngine(made.network, made.learned, made.given, made.seed)
