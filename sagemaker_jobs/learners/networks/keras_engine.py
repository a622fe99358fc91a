"""Keras on TensorFlow: on the CPU, or on a GPU where there is one."""

from __future__ import annotations

import contextlib
from collections.abc import Mapping, Sequence
from typing import Any

import keras
import numpy as np
import tensorflow as tf
from keras import ops

from sagemaker_jobs.failures import JobError
from sagemaker_jobs.learners.networks.description import Network
from sagemaker_jobs.learners.networks.forward import forward
from sagemaker_jobs.learners.networks.hyperparameters import Hyperparameters
from sagemaker_jobs.learners.networks.inputs import Inputs, Single

_SHAPE_OF_KERNEL = (2, 3, 1, 0)  # from (outputs, inputs, height, width) to what Keras reads


class KerasOperators:
    """The operators on Keras's tensors.

    Parameters
    ----------
    seed : tensor of int64, shape (2,), or None
        Of what dropout leaves out; None to leave out nothing.
    """

    def __init__(self, seed: Any = None) -> None:
        self._seed = seed
        self._dropouts = 0

    def linear(self, given: Any, weight: Any, bias: Any) -> Any:
        """Return ``given @ weight.T + bias``."""
        return ops.matmul(given, ops.transpose(weight)) + bias

    def relu(self, given: Any) -> Any:
        """Return what is above 0, and 0 otherwise."""
        return ops.relu(given)

    def dropout(self, given: Any, share: float) -> Any:
        """Leave a share out at random in training; each layer has a seed of its own."""
        if self._seed is None or not share:
            return given
        self._dropouts += 1
        seed = self._seed + tf.constant([0, self._dropouts], dtype=tf.int64)
        kept = tf.random.stateless_uniform(tf.shape(given), seed) >= share
        return given * ops.cast(kept, given.dtype) / (1 - share)

    def convolution(self, given: Any, weight: Any, bias: Any) -> Any:
        """Return a picture of the same width and height; Keras has the colours last."""
        kernel = ops.transpose(weight, _SHAPE_OF_KERNEL)
        made = ops.conv(
            ops.transpose(given, (0, 2, 3, 1)), kernel, padding="same", data_format="channels_last"
        )
        return ops.transpose(made + bias, (0, 3, 1, 2))

    def halved(self, given: Any) -> Any:
        """Return the largest of each two by two points."""
        points = ops.transpose(given, (0, 2, 3, 1))
        return ops.transpose(ops.max_pool(points, 2, data_format="channels_last"), (0, 3, 1, 2))

    def flat(self, given: Any) -> Any:
        """Return each row's numbers in one dimension."""
        return ops.reshape(given, (-1, int(np.prod(given.shape[1:]))))

    def looked_up(self, table: Any, codes: Any, place: int) -> Any:
        """Return the table's row for the code in column `place`."""
        return ops.take(table, codes[:, place], axis=0)

    def mean_of(self, table: Any, codes: Any) -> Any:
        """Return the mean of the table's rows for all codes that are not 0."""
        present = ops.cast(codes > 0, table.dtype)
        total = ops.sum(ops.take(table, codes, axis=0) * present[:, :, None], axis=1)
        return total / ops.maximum(ops.sum(present, axis=1, keepdims=True), 1)

    def beside(self, blocks: Sequence[Any]) -> Any:
        """Return blocks as one, side by side."""
        return ops.concatenate(list(blocks), axis=1)


class KerasEngine:
    """An `Engine` of Keras.

    Parameters
    ----------
    network : Network
        The layers.
    learned : mapping
        What it begins with.
    given : Hyperparameters
        Of the optimiser.
    seed : int
        Of what dropout leaves out.
    """

    def __init__(
        self, network: Network, learned: Mapping[str, Single], given: Hyperparameters, seed: int
    ) -> None:
        self._network, self._seed = network, seed
        self._epoch = self._step = 0
        self._variables = {name: keras.Variable(learned[name], name=name) for name in sorted(learned)}
        self._optimiser = keras.optimizers.AdamW(
            learning_rate=given.learning_rate, weight_decay=given.weight_decay, epsilon=1e-8
        )
        self._optimiser.exclude_from_weight_decay(var_names=["_bias", "_table"])
        self._optimiser.build(list(self._variables.values()))
        self._learn = tf.function(self._one_step, reduce_retracing=True)
        self._sums = tf.function(self._answered, reduce_retracing=True)

    def begin_epoch(self, epoch: int) -> None:
        """Note the number of the epoch, by which dropout is seeded."""
        self._epoch, self._step = epoch, 0

    def learn(self, inputs: Inputs, aims: Any, weights: Single, rate: float) -> None:
        """Take one step of AdamW."""
        state = np.random.SeedSequence([self._seed, self._epoch, self._step]).generate_state(2)
        self._step += 1
        self._optimiser.learning_rate.assign(rate)
        wanted = aims if self._network.outputs > 1 else np.asarray(aims, dtype=np.float32)
        seed = tf.constant(state.astype(np.int64))
        self._learn(_tensors(inputs), tf.constant(wanted), tf.constant(weights), seed)

    def sums(self, inputs: Inputs) -> Any:
        """Answer rows."""
        return self._sums(_tensors(inputs)).numpy()

    def learned(self) -> dict[str, Single]:
        """Return copies of all arrays."""
        return {name: np.array(variable.numpy()) for name, variable in self._variables.items()}

    def state(self) -> dict[str, Any]:
        """Return copies of all arrays and of what AdamW keeps."""
        kept = enumerate(self._optimiser.variables)
        return {**self.learned(), **{f"adamw{place}": np.array(each.numpy()) for place, each in kept}}

    def restore(self, state: Mapping[str, Any]) -> None:
        """Go on from what `state` returned."""
        for name, variable in self._variables.items():
            variable.assign(state[name])
        for place, variable in enumerate(self._optimiser.variables):
            variable.assign(state[f"adamw{place}"])

    def _one_step(self, inputs: Any, aims: Any, weights: Any, seed: Any) -> None:
        variables = list(self._variables.values())
        with tf.GradientTape() as tape:
            sums = forward(self._network, inputs, self._variables, KerasOperators(seed))
            if self._network.outputs > 1:
                losses = tf.nn.sparse_softmax_cross_entropy_with_logits(aims, sums)
            else:
                losses = tf.square(sums[:, 0] - aims)
            loss = tf.reduce_sum(losses * weights)
        gradients = tape.gradient(loss, [variable.value for variable in variables])
        self._optimiser.apply([tf.convert_to_tensor(each) for each in gradients], variables)

    def _answered(self, inputs: Any) -> Any:
        return forward(self._network, inputs, self._variables, KerasOperators())


def prepare_keras(threads: int) -> None:
    """Make TensorFlow compute the same each time.

    Parameters
    ----------
    threads : int
        On which the CPU computes. It cannot be changed once TensorFlow has computed anything in this process.

    Raises
    ------
    JobError
        If Keras computes with anything but TensorFlow.
    """
    if keras.backend.backend() != "tensorflow":
        raise JobError(
            f"Keras computes with {keras.backend.backend()} here: set KERAS_BACKEND to tensorflow, or leave it out"
        )
    tf.config.experimental.enable_op_determinism()
    with contextlib.suppress(
        RuntimeError
    ):  # TensorFlow has computed already: the threads are those of the first training
        tf.config.threading.set_intra_op_parallelism_threads(threads)
        tf.config.threading.set_inter_op_parallelism_threads(1)


def _tensors(inputs: Inputs) -> dict[str, Any]:
    return {name: tf.constant(array) for name, array in inputs.items()}
