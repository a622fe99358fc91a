"""What training, processing and transform jobs have in common: a thread, a container, statuses, a limit, an end."""

from __future__ import annotations

import shutil
import tempfile
import threading
import time
from abc import ABC, abstractmethod
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Protocol

from local_cloud.sagemaker.containers import Container
from local_cloud.sagemaker.errors import ApiError, JobError, invalid
from local_cloud.sagemaker.images import ImageStore
from local_cloud.sagemaker.networks import check_network
from local_cloud.sagemaker.records import KINDS, Record, Records
from local_cloud.sagemaker.surroundings import RoleSession, Surroundings

_STOPPING = "Stopping"
_AT_WORK = ("InProgress", _STOPPING)
_INTERNAL = "InternalServerError: We encountered an internal error. Please try again."


class Stoppable(Protocol):
    """What works for a job."""

    def stop(self) -> None:
        """End it."""
        ...


@dataclass
class Run:
    """One job while it runs.

    Parameters
    ----------
    record : dict
        What ``Describe…`` shows.
    folder : Path
        Private to the job; stands for the root of the container's file system.
    session : RoleSession
        AWS as the job's role sees it.
    done : Event
        Set when the job has ended.
    stop : Event
        Set when somebody asked it to stop.
    container : Container or None
        What it runs, of a job that runs one to its end.
    works : Stoppable or None
        What is ended when somebody asks it to stop.
    lines : list of str
        What it has printed so far.
    """

    record: Record
    folder: Path
    session: RoleSession
    done: threading.Event = field(default_factory=threading.Event)
    stop: threading.Event = field(default_factory=threading.Event)
    container: Container | None = None
    works: Stoppable | None = None
    lines: list[str] = field(default_factory=list)


class Jobs(ABC):
    """Runs the jobs of one kind."""

    noun: str
    log_group: str
    event: str

    def __init__(self, records: Records, images: ImageStore, surroundings: Surroundings) -> None:
        self._records, self._images, self._around = records, images, surroundings
        self._runs: dict[str, Run] = {}
        self._kind = KINDS[self.noun]

    @abstractmethod
    def run(self, run: Run) -> None:
        """Do the job's work; raise `JobError` with the reason of a failure."""

    def create(self, request: dict[str, Any]) -> dict[str, Any]:
        """Start a job; its status is in its record from now on."""
        session = self._around.role_session(self.role_of(request))
        check_network(session, request)
        record = self._records.add(self.noun, request, **{self._kind.status_field: "InProgress"})
        self.began(record)
        name = record[self._kind.name_field]
        run = Run(record, Path(tempfile.mkdtemp(prefix="headrace-job-")), session)
        self._runs[name] = run
        threading.Thread(target=self._guard, args=(run,), name=name, daemon=True).start()
        return {self._kind.arn_field: record[self._kind.arn_field]}

    def role_of(self, request: dict[str, Any]) -> str:
        """Return the role that the job runs under."""
        return str(request["RoleArn"])

    def stop(self, name: str) -> None:
        """Ask a job to stop; a job that has ended cannot be asked."""
        record = self._records.get(self.noun, name)
        with self._records.lock:  # or it could end between the look and the change
            run, status = self._runs.get(record[self._kind.name_field]), record[self._kind.status_field]
            if run is None or status not in _AT_WORK:
                job = self._kind.resource.replace("-", " ")
                raise invalid(f"The request was rejected because the {job} is in status {status}.")
            self._records.change(record, **{self._kind.status_field: _STOPPING})
            run.stop.set()
        self.announce(record)
        if run.works:
            threading.Thread(target=run.works.stop, daemon=True).start()

    def wait(self, name: str) -> Record:
        """Wait for a job's end and return its record."""
        if run := self._runs.get(name):
            run.done.wait()
        return self._records.get(self.noun, name)

    def delete(self, name: str) -> None:
        """Forget a job, which must have ended."""
        with self._records.lock:
            record = self._records.get(self.noun, name)
            if (status := record[self._kind.status_field]) in _AT_WORK:
                job = self._kind.resource.replace("-", " ")
                raise ApiError(
                    "ResourceInUse", f"The request was rejected because the {job} is in status {status}."
                )
            self._runs.pop(record[self._kind.name_field], None)
            self._records.remove(self.noun, name)

    def find(self, name: str) -> Record | None:
        """Return the job's record, or None if there is none any more."""
        with self._records.lock:
            return self._records.tables[self.noun].get(name)

    def printed(self, name: str) -> list[str]:
        """Return what the job has printed so far; nothing, if an earlier life of this server ran it."""
        return list(self._runs[name].lines) if name in self._runs else []

    def forget_output(self, name: str) -> None:
        """Keep no longer what a job that has ended has printed; its log has it."""
        if run := self._runs.get(name):
            run.lines, run.works = [], None

    def fail_orphans(self) -> None:
        """Mark the jobs that a killed server left behind."""
        for record in list(self._records.tables[self.noun].values()):
            if record[self._kind.status_field] in _AT_WORK:
                self.ended(record, "Failed")
                self._records.change(
                    record, **{self._kind.status_field: "Failed", "FailureReason": _INTERNAL}
                )

    def began(self, record: Record) -> None:
        """Tell that it begins."""
        self.announce(record)

    @abstractmethod
    def ended(self, record: Record, status: str) -> None:
        """Note the end."""

    def announce(self, record: Record) -> None:
        """Tell the event bus what the job looks like now."""
        self._around.emit(self.event, dict(record), record[self._kind.arn_field])

    # --- one run

    def execute(
        self,
        run: Run,
        command: list[str],
        environment: dict[str, str],
        *,
        cwd: Path,
        limit_s: float,
        stream: str,
    ) -> int | None:
        """Run the container; return its exit code, or None if it took longer than `limit_s`."""
        run.works = run.container = Container(
            command,
            cwd=cwd,
            environment=environment,
            write=lambda lines: self._log(run, stream, lines),
        )
        if run.stop.is_set():
            run.container.stop()
        if run.container.wait(limit_s):
            return run.container.exit_code
        run.container.stop()
        return None

    def _log(self, run: Run, stream: str, lines: list[str]) -> None:
        run.lines += lines
        self._around.put_log(self.log_group, stream, lines)

    def _guard(self, run: Run) -> None:
        status, changes = "Completed", {}
        try:
            self.run(run)
        except JobError as failure:
            status, changes = "Failed", {"FailureReason": str(failure)[:1024]}
        except Exception as error:
            status, changes = (
                "Failed",
                {"FailureReason": f"{_INTERNAL} ({type(error).__name__}: {error})"[:1024]},
            )
        with self._records.lock:
            if run.stop.is_set():
                status, changes = "Stopped", {}
            self.ended(run.record, status)
            self._records.change(run.record, **{self._kind.status_field: status}, **changes)
        shutil.rmtree(run.folder, ignore_errors=True)
        run.done.set()
        self.announce(run.record)


def now() -> float:
    """Return the time as SageMaker's JSON has it: seconds since the epoch."""
    return time.time()
