"""The processes that train one network together."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

from sagemaker_jobs.failures import JobError

PORT = 29_500
"""On which the first process waits for the others; PyTorch's own default."""


def _itself(number: float) -> float:
    return number


@dataclass(frozen=True)
class World:
    """The place of this process among those that learn together; each reads the same rows and takes its share of every batch.

    Parameters
    ----------
    rank : int
        Of this process, from 0 on. The first one writes checkpoints and the model.
    size : int
        How many there are.
    of_first : callable
        Returns the number that the first process has, in every process, so that all of them stop after the same epoch.
    """

    rank: int = 0
    size: int = 1
    of_first: Callable[[float], float] = field(default=_itself, compare=False)


ALONE = World()


@contextmanager
def joined(hosts: Sequence[str], rank: int, master: str = "", port: int = PORT) -> Iterator[World]:
    """Meet the other processes, and part from them at the end.

    Parameters
    ----------
    hosts : sequence of str
        Names of all machines, one for each process, in the same order everywhere.
    rank : int
        Place of this process among them.
    master : str
        Address of the first one; by default the first of the hosts.
    port : int
        On which the first one waits.

    Yields
    ------
    World
        Over NCCL where there is a GPU, else over gloo. One host alone needs no other, and PyTorch is not imported.

    Raises
    ------
    JobError
        If the others do not come.
    """
    if not 0 <= rank < len(hosts):
        raise JobError(f"there is no process {rank} among {len(hosts)} hosts")
    if len(hosts) == 1:
        yield ALONE
        return
    import torch  # noqa: PLC0415
    from torch import distributed  # noqa: PLC0415

    backend = "nccl" if torch.cuda.is_available() else "gloo"
    address = f"tcp://{master or hosts[0]}:{port}"
    try:
        distributed.init_process_group(backend, init_method=address, rank=rank, world_size=len(hosts))
    except (RuntimeError, ValueError) as error:
        raise JobError(
            f"process {rank} of {len(hosts)} does not find the others at {address}: {error}"
        ) from None
    try:
        yield World(rank, len(hosts), _first_says)
    finally:
        distributed.destroy_process_group()


def _first_says(number: float) -> float:
    import torch  # noqa: PLC0415
    from torch import distributed  # noqa: PLC0415

    device = "cuda" if torch.cuda.is_available() else "cpu"
    told: Any = torch.tensor([number], dtype=torch.float64, device=device)
    distributed.broadcast(told, src=0)
    return float(told.item())
