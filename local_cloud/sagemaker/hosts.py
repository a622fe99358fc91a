"""The instances of a training job: a process each, with an address of its own on the loopback.

References
----------
.. [1] SageMaker developer guide, "How Amazon SageMaker AI Provides Training Information", on distributed training.
"""

from __future__ import annotations

import itertools
import shutil
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from local_cloud.sagemaker.containers import Container

_LOOK_S, _LAST_WORDS_S = 0.05, 5.0
_ONE_GROUP = "homogeneousCluster"
_PER_NET, _NETS = 250, 60
_numbers = itertools.count()


@dataclass(frozen=True)
class Host:
    """One instance.

    Parameters
    ----------
    name : str
        ``algo-1``, ``algo-2`` and so on.
    address : str
        On the loopback, and of no other job that runs.
    group, instance_type : str
        What ``resourceconfig.json`` says of it.
    base : Path
        Stands for its ``/opt/ml``.
    """

    name: str
    address: str
    group: str
    instance_type: str
    base: Path


def hosts_of(resources: Mapping[str, Any], folder: Path, most: int) -> list[Host]:
    """Return the hosts of a ``ResourceConfig``, but no more than `most`; their folders lie in `folder`.

    Examples
    --------
    >>> groups = [{"InstanceGroupName": "a", "InstanceType": "ml.m5.large", "InstanceCount": 2}]
    >>> [(host.name, host.group) for host in hosts_of({"InstanceGroups": groups}, Path("/tmp"), 4)]
    [('algo-1', 'a'), ('algo-2', 'a')]
    """
    groups = resources.get("InstanceGroups") or [{**resources, "InstanceGroupName": _ONE_GROUP}]
    kinds = [
        (group["InstanceGroupName"], str(group.get("InstanceType", "")))
        for group in groups
        for _ in range(group.get("InstanceCount", 1))
    ]
    number = next(_numbers)
    net = f"127.{64 + number // _PER_NET % _NETS}.{1 + number % _PER_NET}"
    return [
        Host(f"algo-{i}", f"{net}.{i}", group, kind, folder / f"algo-{i}" / "opt" / "ml")
        for i, (group, kind) in enumerate(kinds[:most], start=1)
    ]


def gather(hosts: Sequence[Host], folder: str) -> Path:
    """Put the files that the hosts left in this folder of theirs together, and return where; the first of equals stays."""
    into = hosts[0].base / folder
    for host in hosts[1:]:
        for path in sorted((host.base / folder).rglob("*")):
            target = into / path.relative_to(host.base / folder)
            if path.is_file() and not target.exists():
                target.parent.mkdir(parents=True, exist_ok=True)
                shutil.copy2(path, target)
    return into


class Cluster:
    """The containers of a job's hosts while they run: when one fails, all are stopped."""

    def __init__(self) -> None:
        self.containers: dict[str, Container] = {}
        self._stopped, self._stopping = threading.Event(), threading.Lock()

    def add(self, host: str, container: Container) -> None:
        """Take in a host's container; it is stopped at once if the cluster was."""
        self.containers[host] = container
        if self._stopped.is_set():
            container.stop()

    def wait(self, limit_s: float, interrupted: Callable[[], bool]) -> bool:
        """Wait for the end of all containers; return whether they came to it by themselves.

        Parameters
        ----------
        limit_s : float
            When to give up.
        interrupted : callable
            Asked some times a second; True gives up as well.
        """
        end = time.monotonic() + limit_s
        while running := [c for c in self.containers.values() if not c.wait(0)]:
            if self.failed or self._stopped.is_set():
                self.stop()
            elif time.monotonic() >= end or interrupted():
                return False
            else:
                running[0].wait(min(_LOOK_S, max(0.0, end - time.monotonic())))
        return True

    @property
    def failed(self) -> str | None:
        """The host that failed by itself, or None."""
        failures = [name for name, c in self.containers.items() if c.exit_code and not c.stopped]
        return failures[0] if failures else None

    def stop(self) -> None:
        """Ask all to end, once, then make them."""
        self._stopped.set()
        with self._stopping:
            running = [c for c in list(self.containers.values()) if c.exit_code is None]
            threads = [threading.Thread(target=c.stop) for c in running]
            for thread in threads:
                thread.start()
            for thread in threads:
                thread.join()
        for container in running:
            container.wait(_LAST_WORDS_S)
