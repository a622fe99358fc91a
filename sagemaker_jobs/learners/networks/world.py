"""The processes that train one network together."""

from __future__ import annotations

import os
import socket
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any

from sagemaker_jobs.cluster import Cluster
from sagemaker_jobs.failures import JobError

_PATIENCE = timedelta(minutes=30)
"""How long a host waits for another."""


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
def joined(cluster: Cluster) -> Iterator[World]:
    """Meet the other hosts, and part from them at the end.

    Parameters
    ----------
    cluster : Cluster
        One process on each host.

    Yields
    ------
    World
        Over NCCL where there is a GPU, else over gloo. One host alone needs no other, and PyTorch is not imported.

    Raises
    ------
    JobError
        If the others do not come.
    """
    if cluster.size == 1:
        yield ALONE
        return
    import torch  # noqa: PLC0415
    from torch import distributed  # noqa: PLC0415

    for library in ("GLOO", "NCCL"):  # both know their network by a variable only
        os.environ.setdefault(f"{library}_SOCKET_IFNAME", cluster.interface)
    try:
        distributed.init_process_group(
            "nccl" if torch.cuda.is_available() else "gloo",
            store=_store(distributed, cluster),
            rank=cluster.rank,
            world_size=cluster.size,
            timeout=_PATIENCE,
        )
    except (RuntimeError, ValueError, OSError) as error:
        raise JobError(
            f"{cluster.hosts[cluster.rank]} does not find the other {cluster.size - 1} hosts: {error}"
        ) from None
    yield World(cluster.rank, cluster.size, _first_says)
    distributed.destroy_process_group()


def _store(distributed: Any, cluster: Cluster) -> Any:
    """Return where hosts find each other; it listens at the first one's address, and not at all addresses, as it would by itself."""
    address = cluster.first_address()
    listens = {}
    if cluster.leads:
        listens = {"master_listen_fd": socket.create_server((address, cluster.port)).detach()}
    return distributed.TCPStore(
        address,
        cluster.port,
        cluster.size,
        cluster.leads,
        timeout=_PATIENCE,
        wait_for_workers=False,
        **listens,
    )


def _first_says(number: float) -> float:
    import torch  # noqa: PLC0415
    from torch import distributed  # noqa: PLC0415

    device = "cuda" if torch.cuda.is_available() else "cpu"
    told: Any = torch.tensor([number], dtype=torch.float64, device=device)
    distributed.broadcast(told, src=0)
    return float(told.item())
