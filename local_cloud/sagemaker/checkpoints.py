"""The checkpoints of a training job: from S3 at its start, to S3 while it runs.

References
----------
.. [1] SageMaker developer guide, "Checkpoints in Amazon SageMaker AI".
"""

from __future__ import annotations

import contextlib
import shutil
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from local_cloud.sagemaker.hosts import Host
from local_cloud.sagemaker.transfer import download, put_file

_ML = "/opt/ml"
_EVERY_S = 0.5


class Checkpoints:
    """Keeps the folders of a job's hosts and a place in S3 alike.

    All hosts share the place: files of the same name overwrite each other, as on AWS. What is deleted in a folder stays in
    S3.

    Parameters
    ----------
    s3 : client
        With the permissions of the job's role.
    config : mapping or None
        The job's ``CheckpointConfig``; None keeps nothing.
    hosts : sequence of Host
        Whose folders they are.
    """

    def __init__(self, s3: Any, config: Mapping[str, str] | None, hosts: Sequence[Host]) -> None:
        self._s3, self._uri = s3, f"{config['S3Uri'].rstrip('/')}/" if config else ""
        path = (config or {}).get("LocalPath", f"{_ML}/checkpoints")
        self._folders = [_here(path, host) for host in hosts] if config else []
        self._known: dict[Path, tuple[int, int]] = {}
        self._looked = 0.0
        self.stored = 0

    def restore(self) -> None:
        """Fetch what is in S3 into every host's folder."""
        self.stored = 0
        for folder in self._folders:
            shutil.rmtree(folder, ignore_errors=True)
            download(self._s3, self._uri, folder, required=False)
        self._known = dict(self._seen())

    def store(self, *, now: bool = False) -> None:
        """Upload what has changed; twice a second is often enough, unless it has to be now."""
        if not now and time.monotonic() - self._looked < _EVERY_S:
            return
        self._looked = time.monotonic()
        for path, state in self._seen():
            if self._known.get(path) != state:
                folder = next(folder for folder in self._folders if path.is_relative_to(folder))
                with contextlib.suppress(OSError):  # it was replaced meanwhile: the next time has it
                    put_file(self._s3, path, f"{self._uri}{path.relative_to(folder)}", None)
                    self._known[path] = state
                    self.stored += 1

    def _seen(self) -> list[tuple[Path, tuple[int, int]]]:
        """Return the files of all folders, each with its size and the time it was changed."""
        found = []
        for folder in self._folders:
            for path in sorted(folder.rglob("*")):
                with contextlib.suppress(OSError):
                    if path.is_file():
                        stat = path.stat()
                        found.append((path, (stat.st_mtime_ns, stat.st_size)))
        return found


def _here(path: str, host: Host) -> Path:
    """Return where an absolute path of a container lies: below its ``/opt/ml``, or beside it."""
    clean = path.rstrip("/")
    if clean.startswith(f"{_ML}/"):
        return host.base / clean[len(_ML) + 1 :]
    return host.base.parents[1] / clean.lstrip("/")
