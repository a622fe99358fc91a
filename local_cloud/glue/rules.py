"""What Glue allows of a job and of a run, and what a script is started with.

References
----------
.. [1] AWS Glue developer guide, "Jobs API" and "Using job parameters in AWS Glue jobs".
.. [2] AWS Glue developer guide, "Logging for AWS Glue jobs".
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from local_cloud.glue.errors import GlueError, invalid

Job = Mapping[str, Any]

UNDER_WAY = ("STARTING", "RUNNING", "STOPPING", "WAITING")
_LOG_PREFIX = re.compile(r"[^:*]{1,400}")
_LEAST_WORKERS = 2
_DPUS = {"G.025X": 0.25, "G.1X": 1, "G.2X": 2, "G.4X": 4, "G.8X": 8, "G.12X": 12, "G.16X": 16}
_DEFAULT_TIMEOUT_MINUTES = 480
_MOST_TIMEOUT_MINUTES = 10080


def check_job(request: Job) -> None:
    """Refuse a job that Glue would refuse.

    Raises
    ------
    GlueError
        If something is missing, or capacity is said in two ways.

    Examples
    --------
    >>> check_job({"Name": "clean", "Role": "glue", "Command": {"Name": "glueetl"}})
    Traceback (most recent call last):
    local_cloud.glue.errors.GlueError: Command.ScriptLocation is missing
    """
    command = request.get("Command") or {}
    if not command.get("ScriptLocation"):
        raise invalid("Command.ScriptLocation is missing")
    if not request.get("Role"):
        raise invalid("Role is missing")
    check_capacity(request)


def check_capacity(request: Job) -> None:
    """Refuse capacity that is said in two ways or too small, and times that no run may have."""
    worker, workers = request.get("WorkerType"), request.get("NumberOfWorkers")
    if request.get("MaxCapacity") and (worker or workers):
        raise invalid("Please do not set Max Capacity if using Worker Type and Number of Workers.")
    if bool(worker) != bool(workers):
        raise invalid("Worker Type and Number of Workers must be set together.")
    if worker and worker not in _DPUS:
        raise invalid(f"Worker Type {worker} is not one of {', '.join(_DPUS)}.")
    if workers and int(workers) < _LEAST_WORKERS:
        raise invalid(f"Number of Workers must be at least {_LEAST_WORKERS}.")
    timeout = request.get("Timeout")
    if timeout is not None and not 1 <= int(timeout) <= _MOST_TIMEOUT_MINUTES:
        raise invalid(f"Timeout must be from 1 to {_MOST_TIMEOUT_MINUTES} minutes.")


def check_start(job: Job, request: Job, under_way: int) -> None:
    """Refuse a run that Glue would refuse.

    Parameters
    ----------
    job : mapping
        The job's definition.
    request : mapping
        The members of ``StartJobRun``.
    under_way : int
        Runs of this job that have not ended.

    Raises
    ------
    GlueError
        ``ConcurrentRunsExceededException`` if there are too many, ``InvalidInputException`` if members do not fit.
    """
    check_capacity(request)
    most = int((job.get("ExecutionProperty") or {}).get("MaxConcurrentRuns", 1))
    if under_way >= most:
        raise GlueError("ConcurrentRunsExceededException", f"Concurrent runs exceeded for {job['Name']}")
    prefix = script_arguments(job, request, "").get("--custom-logGroup-prefix")
    if prefix is not None and not _LOG_PREFIX.fullmatch(prefix):
        raise invalid("--custom-logGroup-prefix has at most 400 characters and neither ':' nor '*'.")


def script_arguments(job: Job, request: Job, run_id: str) -> dict[str, str]:
    """Return what the script is started with: the job's arguments, the run's in their place, and Glue's own.

    Arguments that may not be overridden stay as the job has them.

    Examples
    --------
    >>> job = {"Name": "clean", "DefaultArguments": {"--level": "1"}, "NonOverridableArguments": {"--to": "here"}}
    >>> given = {"Arguments": {"--level": "2", "--to": "there"}}
    >>> script_arguments(job, given, "jr_1")
    {'--JOB_NAME': 'clean', '--JOB_RUN_ID': 'jr_1', '--level': '2', '--to': 'here'}
    """
    return {
        "--JOB_NAME": job["Name"],
        "--JOB_RUN_ID": run_id,
        **(job.get("DefaultArguments") or {}),
        **(request.get("Arguments") or {}),
        **(job.get("NonOverridableArguments") or {}),
    }


def new_run(job: Job, request: Job, run_id: str, now: float) -> dict[str, Any]:
    """Return the record of a run that begins, as ``GetJobRun`` shows it; times are seconds since the epoch."""
    worker = request.get("WorkerType") or job.get("WorkerType") or "G.1X"
    workers = int(request.get("NumberOfWorkers") or job.get("NumberOfWorkers") or _LEAST_WORKERS)
    capacity = request.get("MaxCapacity") or job.get("MaxCapacity") or workers * _DPUS.get(worker, 1)
    security = request.get("SecurityConfiguration") or job.get("SecurityConfiguration")
    return {
        "Id": run_id,
        "Attempt": 0,
        "JobName": job["Name"],
        "JobRunState": "STARTING",
        "StartedOn": now,
        "LastModifiedOn": now,
        "Arguments": dict(request.get("Arguments") or {}),
        "PredecessorRuns": [],
        "AllocatedCapacity": int(capacity),
        "MaxCapacity": float(capacity),
        "WorkerType": worker,
        "NumberOfWorkers": workers,
        "ExecutionTime": 0,
        "Timeout": int(request.get("Timeout") or job.get("Timeout") or _DEFAULT_TIMEOUT_MINUTES),
        "LogGroupName": "/aws-glue/jobs",
        "GlueVersion": job.get("GlueVersion") or "5.0",
        "ExecutionClass": job.get("ExecutionClass") or "STANDARD",
        **({"SecurityConfiguration": security} if security else {}),
    }


def log_groups(arguments: Mapping[str, str]) -> tuple[str, str]:
    """Return the log groups of what the script prints, and of what Spark itself says.

    Examples
    --------
    >>> log_groups({})
    ('/aws-glue/jobs/output', '/aws-glue/jobs/error')
    """
    prefix = arguments.get("--custom-logGroup-prefix", "/aws-glue/jobs").rstrip("/")
    return f"{prefix}/output", f"{prefix}/error"
