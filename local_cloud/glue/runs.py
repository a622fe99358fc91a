"""Starts, follows and ends the runs of Glue's jobs."""

from __future__ import annotations

import os
import shutil
import tempfile
import threading
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Protocol
from urllib.parse import urlparse

from botocore.exceptions import BotoCoreError, ClientError

from local_cloud.glue.errors import RunError
from local_cloud.glue.rules import Job, log_groups, new_run, script_arguments
from local_cloud.glue.spark import prepare
from local_cloud.sagemaker.containers import Container, cpu_count
from local_cloud.sagemaker.surroundings import RoleSession

_MINUTE_S = 60.0
_LONGEST_MESSAGE = 2048


class Surroundings(Protocol):
    """The services that Glue itself uses."""

    def role_session(self, role: str) -> RoleSession:
        """Return AWS as the role sees it; `RunError` if Glue may not take it on."""
        ...

    def put_log(self, group: str, stream: str, lines: list[str]) -> None:
        """Append lines to a log stream, which is made if need be."""
        ...


@dataclass
class Run:
    """One run while it is under way.

    Parameters
    ----------
    record : dict
        What ``GetJobRun`` shows.
    done : Event
        Set when it has ended.
    stopped : Event
        Set when somebody asked it to stop.
    """

    record: dict[str, Any]
    done: threading.Event = field(default_factory=threading.Event)
    stopped: threading.Event = field(default_factory=threading.Event)
    container: Container | None = None


class Runs:
    """All runs that this process has started.

    Parameters
    ----------
    around : Surroundings
        Roles and logs.
    cache : Path
        Where folders of links to distributions are kept.
    minute_s : float
        How long a minute of a job's timeout lasts, in seconds.
    """

    def __init__(self, around: Surroundings, cache: Path, *, minute_s: float = _MINUTE_S) -> None:
        self._around, self._cache, self._minute_s = around, cache, minute_s
        self._runs: dict[str, Run] = {}

    def start(self, job: Job, request: Mapping[str, Any]) -> dict[str, Any]:
        """Begin a run, and return its record, which changes as the run goes on."""
        run = Run(new_run(job, request, f"jr_{os.urandom(32).hex()}", time.time()))
        identity = run.record["Id"]
        self._runs[identity] = run
        arguments = script_arguments(job, request, identity)
        threading.Thread(
            target=self._guard, args=(run, dict(job), arguments), name=identity[:16], daemon=True
        ).start()
        return run.record

    def stop(self, run_id: str) -> bool:
        """Ask a run to stop; return whether it was under way."""
        run = self._runs.get(run_id)
        if run is None or run.done.is_set():
            return False
        _change(run.record, JobRunState="STOPPING")
        run.stopped.set()
        if run.container:
            threading.Thread(target=run.container.stop, daemon=True).start()
        return True

    def wait(self, run_id: str) -> None:
        """Return when the run has ended."""
        if run := self._runs.get(run_id):
            run.done.wait()

    def _guard(self, run: Run, job: Job, arguments: dict[str, str]) -> None:
        folder = Path(tempfile.mkdtemp(prefix="glue-"))
        try:
            state, message = self._executed(run, job, arguments, folder)
        except RunError as error:
            state, message = "FAILED", str(error)
        except Exception as error:
            state, message = "FAILED", f"Internal service error: {type(error).__name__}: {error}"
        if run.stopped.is_set():
            state, message = "STOPPED", ""
        told = {"ErrorMessage": message[:_LONGEST_MESSAGE]} if message else {}
        _change(run.record, JobRunState=state, CompletedOn=time.time(), **told)
        shutil.rmtree(folder, ignore_errors=True)
        run.done.set()

    def _executed(self, run: Run, job: Job, arguments: dict[str, str], folder: Path) -> tuple[str, str]:
        """Run the script; return the state in which it ended, and what went wrong."""
        session = self._around.role_session(job["Role"])
        script = _fetched(session, job["Command"]["ScriptLocation"], folder / "script")
        locations = [place for place in arguments.get("--extra-py-files", "").split(",") if place]
        py_files = [
            _fetched(session, place, folder / "py_files" / str(index))
            for index, place in enumerate(locations)
        ]
        variables = prepare(folder, self._cache, py_files, cores=cpu_count())
        output, errors = log_groups(arguments)
        stream = run.record["Id"]
        _change(run.record, JobRunState="RUNNING")
        started = time.monotonic()
        run.container = Container(
            [variables["PYSPARK_DRIVER_PYTHON"], str(script), *_flat(arguments)],
            cwd=folder,
            environment={**variables, **session.environment()},
            write=lambda lines: self._around.put_log(output, stream, lines),
        )
        if run.stopped.is_set():
            run.container.stop()
        in_time = run.container.wait(run.record["Timeout"] * self._minute_s)
        if not in_time:
            run.container.stop()
        run.record["ExecutionTime"] = int(time.monotonic() - started)
        _ship(folder / "spark.log", lambda lines: self._around.put_log(errors, f"{stream}-driver", lines))
        if not in_time:
            return "TIMEOUT", "Job run exceeded its timeout"
        return _verdict(run.container)


def _verdict(container: Container) -> tuple[str, str]:
    if container.exit_code == 0:
        return "SUCCEEDED", ""
    lines = [line for line in container.lines if line.strip()]
    return "FAILED", lines[-1] if lines else f"Command failed with exit code {container.exit_code}"


def _fetched(session: RoleSession, uri: str, folder: Path) -> Path:
    """Download a file under its own name, which is what it is imported by."""
    place = urlparse(uri)
    target = folder / Path(place.path).name
    folder.mkdir(parents=True, exist_ok=True)
    try:
        session.client("s3").download_file(place.netloc, place.path.lstrip("/"), str(target))
    except (ClientError, BotoCoreError) as error:
        raise RunError(f"LAUNCH ERROR | File cannot be read: {uri} ({error})") from None
    return target


def _flat(arguments: Mapping[str, str]) -> list[str]:
    return [part for name, value in arguments.items() for part in (name, str(value))]


def _ship(log: Path, write: Callable[[list[str]], None]) -> None:
    if log.exists():
        write(log.read_text(errors="replace").splitlines())


def _change(record: dict[str, Any], **members: Any) -> None:
    record.update(members, LastModifiedOn=time.time())
