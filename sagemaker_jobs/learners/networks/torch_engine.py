"""PyTorch: on the CPU, or on a GPU where there is one."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import torch
from torch import nn
from torch.nn import functional

from sagemaker_jobs.learners.networks.description import Network
from sagemaker_jobs.learners.networks.forward import forward
from sagemaker_jobs.learners.networks.hyperparameters import Hyperparameters
from sagemaker_jobs.learners.networks.inputs import Inputs, Single
from sagemaker_jobs.learners.networks.torch_adamw import AdamW
from sagemaker_jobs.learners.networks.world import ALONE, World


class TorchOperators:
    """The operators on PyTorch's tensors.

    Parameters
    ----------
    training : bool
        Whether dropout leaves anything out.
    """

    def __init__(self, training: bool) -> None:
        self._training = training

    def linear(self, given: Any, weight: Any, bias: Any) -> Any:
        """Return ``given @ weight.T + bias``."""
        return functional.linear(given, weight, bias)

    def relu(self, given: Any) -> Any:
        """Return what is above 0, and 0 otherwise."""
        return functional.relu(given)

    def dropout(self, given: Any, share: float) -> Any:
        """Leave a share out at random in training."""
        return functional.dropout(given, share, self._training)

    def convolution(self, given: Any, weight: Any, bias: Any) -> Any:
        """Return a picture of the same width and height."""
        return functional.conv2d(given, weight, bias, padding="same")

    def halved(self, given: Any) -> Any:
        """Return the largest of each two by two points."""
        return functional.max_pool2d(given, 2)

    def flat(self, given: Any) -> Any:
        """Return each row's numbers in one dimension."""
        return given.flatten(1)

    def looked_up(self, table: Any, codes: Any, place: int) -> Any:
        """Return the table's row for the code in column `place`."""
        return functional.embedding(codes[:, place], table)

    def mean_of(self, table: Any, codes: Any) -> Any:
        """Return the mean of the table's rows for all codes that are not 0."""
        return functional.embedding_bag(codes, table, mode="mean", padding_idx=0)

    def beside(self, blocks: Sequence[Any]) -> Any:
        """Return blocks as one, side by side."""
        return torch.cat(list(blocks), dim=1)


class _Module(nn.Module):  # type: ignore[misc]  # PyTorch may be absent when types are checked
    def __init__(self, network: Network, learned: Mapping[str, Single]) -> None:
        super().__init__()
        self.network = network
        self.values = nn.ParameterDict(
            {name: nn.Parameter(torch.tensor(array)) for name, array in learned.items()}
        )

    def forward(self, inputs: Mapping[str, Any]) -> Any:
        return forward(self.network, inputs, dict(self.values.items()), TorchOperators(self.training))


class TorchEngine:
    """An `Engine` of PyTorch.

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
    world : World
        The processes that learn together; with more than one, gradients are averaged over them.
    """

    def __init__(
        self,
        network: Network,
        learned: Mapping[str, Single],
        given: Hyperparameters,
        seed: int,
        world: World = ALONE,
    ) -> None:
        self._device = torch.device("cuda" if torch.cuda.is_available() else "cpu")
        self._seed, self._world = seed, world
        self._module = _Module(network, learned).to(self._device)
        self._learner = self._module
        if world.size > 1:
            self._learner = nn.parallel.DistributedDataParallel(self._module)
        self._parameters = dict(sorted(self._module.values.items()))
        self._optimiser = AdamW(self._parameters, {name: _decay(name, given) for name in self._parameters})

    def begin_epoch(self, epoch: int) -> None:
        """Seed dropout by the epoch and the process."""
        state = np.random.SeedSequence([self._seed, epoch, self._world.rank]).generate_state(1)
        torch.manual_seed(int(state[0]))

    def learn(self, inputs: Inputs, aims: Any, weights: Single, rate: float) -> None:
        """Take one step of AdamW."""
        self._learner.train()
        sums = self._learner(self._tensors(inputs))
        wanted = self._tensor(aims)
        if sums.shape[1] == 1:
            losses = functional.mse_loss(sums[:, 0], wanted.to(torch.float32), reduction="none")
        else:
            losses = functional.cross_entropy(sums, wanted, reduction="none")
        (losses * self._tensor(weights)).sum().backward()
        self._optimiser.step(rate)

    def sums(self, inputs: Inputs) -> Any:
        """Answer rows."""
        self._module.eval()
        with torch.inference_mode():
            return self._module(self._tensors(inputs)).cpu().numpy()

    def learned(self) -> dict[str, Single]:
        """Return copies of all arrays."""
        return {name: array.detach().cpu().numpy().copy() for name, array in self._parameters.items()}

    def state(self) -> dict[str, Any]:
        """Return copies of all arrays and of what AdamW keeps for each."""
        return {**self.learned(), **self._optimiser.state()}

    def restore(self, state: Mapping[str, Any]) -> None:
        """Go on from what `state` returned."""
        with torch.no_grad():
            for name, array in self._parameters.items():
                array.copy_(torch.tensor(state[name]))
        self._optimiser.restore(state)

    def _tensors(self, inputs: Inputs) -> dict[str, Any]:
        return {name: self._tensor(array) for name, array in inputs.items()}

    def _tensor(self, array: Any) -> Any:
        return torch.from_numpy(np.ascontiguousarray(array)).to(self._device)


def prepare_torch(threads: int) -> None:
    """Make PyTorch compute the same each time.

    Parameters
    ----------
    threads : int
        On which the CPU computes.

    References
    ----------
    .. [1] PyTorch documentation, "Reproducibility"; cuBLAS needs a workspace of fixed size.
    """
    os.environ.setdefault("CUBLAS_WORKSPACE_CONFIG", ":4096:8")
    # The same as use_deterministic_algorithms, without importing PyTorch's compiler, which takes seconds.
    torch.set_deterministic_debug_mode("error")
    torch.set_num_threads(threads)


def _decay(name: str, given: Hyperparameters) -> float:
    """Return how much an array decays: weights do, biases and the rows of tables do not."""
    return given.weight_decay if name.endswith("_weight") else 0.0
