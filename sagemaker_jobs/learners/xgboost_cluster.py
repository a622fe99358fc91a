"""XGBoost on several instances: each has its share of the rows, and all agree on every split.

References
----------
.. [1] XGBoost documentation, "Python API": xgboost.collective and xgboost.tracker.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager, suppress
from typing import Any

from sagemaker_jobs.cluster import Cluster
from sagemaker_jobs.failures import JobError
from sagemaker_jobs.learners.interface import LabelledRows

_ATTEMPTS = (
    30  # to reach the first host; XGBoost waits 2, 4, 6, ... seconds between them: a quarter of an hour
)
_TIMEOUT_S = 1800  # for which a host waits for the slowest one


@contextmanager
def joined(xgboost: Any, cluster: Cluster) -> Iterator[None]:
    """Meet the other hosts, and part from them at the end; one host alone needs no other.

    The first one has the tracker, which gives each host its rank.

    Raises
    ------
    JobError
        If the others do not come.
    """
    if cluster.size == 1:
        yield
        return
    address = cluster.first_address()
    tracker = _tracker(xgboost, cluster, address) if cluster.leads else None
    try:
        with _communicator(xgboost, cluster, address):
            yield
    except BaseException:
        if tracker is not None:
            with suppress(
                xgboost.core.XGBoostError, ValueError
            ):  # which it says of the hosts that are lost with this one
                tracker.free()
        raise
    if tracker is not None:
        tracker.wait_for(_TIMEOUT_S)


def share(rows: LabelledRows, cluster: Cluster) -> LabelledRows:
    """Return the rows of this host: every n-th, so that each has some of every time.

    Raises
    ------
    JobError
        If a host would have none.
    """
    if cluster.size == 1:
        return rows
    if rows.rows < cluster.size:
        raise JobError(
            f"{rows.rows} training rows cannot be shared by {cluster.size} instances: set training.instances to 1"
        )
    own = slice(cluster.rank, None, cluster.size)
    weights = None if rows.weights is None else rows.weights[own]
    return LabelledRows(rows.matrix[own], rows.target[own], weights)


def check_same(xgboost: Any, cluster: Cluster, rounds: int) -> None:
    """Check that all hosts go on from the same round.

    Raises
    ------
    JobError
        If they do not: their folders of checkpoints differ.
    """
    if cluster.size == 1:
        return
    import numpy as np  # noqa: PLC0415

    collective = xgboost.collective
    ends = [
        int(collective.allreduce(np.array([rounds]), op)[0]) for op in (collective.Op.MIN, collective.Op.MAX)
    ]
    if ends[0] != ends[1]:
        raise JobError(
            f"the hosts have checkpoints of different rounds, {ends[0]} to {ends[1]}: empty the folder of checkpoints in S3"
        )


def _tracker(xgboost: Any, cluster: Cluster, address: str) -> Any:
    try:
        tracker = xgboost.RabitTracker(
            n_workers=cluster.size, host_ip=address, port=cluster.port, sortby="task", timeout=_TIMEOUT_S
        )
        tracker.start()
    except (ValueError, xgboost.core.XGBoostError) as error:
        raise JobError(
            f"{cluster.hosts[0]} cannot wait for the others at {address}:{cluster.port}: {error}"
        ) from None
    return tracker


def _communicator(xgboost: Any, cluster: Cluster, address: str) -> Any:
    return xgboost.collective.CommunicatorContext(
        dmlc_communicator="rabit",
        dmlc_tracker_uri=address,
        dmlc_tracker_port=cluster.port,
        dmlc_task_id=f"{cluster.rank:04d}",
        dmlc_retry=_ATTEMPTS,
        dmlc_timeout=_TIMEOUT_S,
    )
