"""The instances of a training job, as SageMaker describes them to each.

References
----------
.. [1] SageMaker developer guide, "How Amazon SageMaker AI Provides Training Information": resourceconfig.json.
"""

from __future__ import annotations

import hashlib
import json
import socket
import time
from collections.abc import Mapping
from dataclasses import dataclass, field

from sagemaker_jobs.failures import JobError
from sagemaker_jobs.paths import MlPaths

_FIRST_PORT, _PORTS = 20_000, 10_000  # below those that Linux gives away by itself
_PATIENCE_S, _PAUSE_S = 900.0, 1.0  # an instance may come minutes after another


@dataclass(frozen=True)
class Cluster:
    """Who learns together, and who of them this process is.

    Parameters
    ----------
    hosts : tuple of str
        Names, in the same order on every host. The first one leads, and writes what is kept.
    rank : int
        Place of this host among them, from 0 on.
    port : int
        On which the first one waits for the others: the same for all hosts of a job, another one for another job.
    interface : str
        Of the network, over which they talk; "" where there is one host.
    addresses : mapping
        By name, where names lead nowhere: in the local cloud.

    Examples
    --------
    >>> both = Cluster(("algo-1", "algo-2"), rank=1)
    >>> both.size, both.leads, Cluster().leads
    (2, False, True)
    """

    hosts: tuple[str, ...] = ("algo-1",)
    rank: int = 0
    port: int = _FIRST_PORT
    interface: str = ""
    addresses: Mapping[str, str] = field(default_factory=dict)

    @property
    def size(self) -> int:
        """How many hosts there are."""
        return len(self.hosts)

    @property
    def leads(self) -> bool:
        """Whether this is the first one."""
        return self.rank == 0

    def first_address(self, *, patience_s: float = _PATIENCE_S) -> str:
        """Return the IP address of the first host, waiting until its name is known.

        Raises
        ------
        JobError
            If nobody knows it after `patience_s` seconds.
        """
        name = self.hosts[0]
        end = time.monotonic() + patience_s
        while True:
            try:
                found = socket.getaddrinfo(self.addresses.get(name, name), self.port, type=socket.SOCK_STREAM)
            except socket.gaierror as error:
                if time.monotonic() > end:
                    raise JobError(f"{self.hosts[self.rank]} does not find {name}: {error}") from None
                time.sleep(_PAUSE_S)
            else:
                return str(found[0][4][0])


ALONE = Cluster()


def read_cluster(paths: MlPaths, environ: Mapping[str, str]) -> Cluster:
    """Return the job's hosts; this one alone if nothing is said of others.

    Raises
    ------
    JobError
        If what SageMaker says contradicts itself.
    """
    if not paths.resources.is_file():
        return ALONE
    said = json.loads(paths.resources.read_text())
    hosts, current = tuple(sorted(said["hosts"])), said["current_host"]
    if current not in hosts:
        raise JobError(
            f"{paths.resources} says that this is {current}, which is not among {', '.join(hosts)}"
        )
    return Cluster(
        hosts,
        hosts.index(current),
        port_of(environ.get("TRAINING_JOB_NAME", "")),
        said.get("network_interface_name", ""),
        json.loads(environ.get("HEADRACE_LOCAL_HOST_ADDRESSES", "{}")),
    )


def port_of(job: str) -> int:
    """Return the port of a job, from 20000 to 29999.

    Examples
    --------
    >>> port_of("bike-1"), port_of("bike-2")
    (27901, 22379)
    """
    digest = hashlib.sha256(job.encode()).digest()
    return _FIRST_PORT + int.from_bytes(digest[:4]) % _PORTS
