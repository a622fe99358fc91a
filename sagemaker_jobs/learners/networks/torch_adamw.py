"""AdamW on PyTorch's tensors.

PyTorch's own imports its compiler with the first step, which takes seconds, and Triton, which ends any process that has imported
TensorFlow: both register the same options of LLVM.

References
----------
.. [1] Loshchilov, I. and Hutter, F. (2019). Decoupled weight decay regularization. ICLR. Algorithm 2.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import torch

_MEAN, _SQUARE, _SMALL = 0.9, 0.999, 1e-8  # beta 1, beta 2 and epsilon, as their paper and PyTorch have them


class AdamW:
    """Moves arrays against their gradients, by steps of equal size.

    Parameters
    ----------
    arrays : dict of str to Parameter
        What is learned.
    decay : dict of str to float
        How much each decays, at a learning rate of 1.
    """

    def __init__(self, arrays: Mapping[str, Any], decay: Mapping[str, float]) -> None:
        self._arrays, self._decay = dict(arrays), decay
        self._steps = 0
        self._means = {name: torch.zeros_like(array) for name, array in arrays.items()}
        self._squares = {name: torch.zeros_like(array) for name, array in arrays.items()}

    def step(self, rate: float) -> None:
        """Move all arrays once, at this learning rate, and forget their gradients."""
        self._steps += 1
        size = rate / (1 - _MEAN**self._steps)
        spread = (1 - _SQUARE**self._steps) ** 0.5
        with torch.no_grad():
            for name, array in self._arrays.items():
                mean, square = self._means[name], self._squares[name]
                mean.lerp_(array.grad, 1 - _MEAN)
                square.mul_(_SQUARE).addcmul_(array.grad, array.grad, value=1 - _SQUARE)
                array.mul_(1 - rate * self._decay[name])
                array.addcdiv_(mean, (square.sqrt() / spread).add_(_SMALL), value=-size)
                array.grad = None

    def state(self) -> dict[str, Any]:
        """Return copies of what the next step depends on."""
        kept = {"steps": torch.tensor(self._steps)}
        kept |= {f"{name}.mean": array for name, array in self._means.items()}
        kept |= {f"{name}.square": array for name, array in self._squares.items()}
        return {name: array.cpu().numpy().copy() for name, array in kept.items()}

    def restore(self, state: Mapping[str, Any]) -> None:
        """Go on from what `state` returned."""
        self._steps = int(state["steps"])
        for name in self._arrays:
            self._means[name].copy_(torch.tensor(state[f"{name}.mean"]))
            self._squares[name].copy_(torch.tensor(state[f"{name}.square"]))
