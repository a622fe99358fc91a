"""Model servers: ``docker run IMAGE serve`` without Docker.

References
----------
.. [1] SageMaker developer guide, "Custom Inference Code with Hosting Services".
"""

from __future__ import annotations

import http.client
import shutil
import tempfile
import threading
import time
import uuid
from dataclasses import dataclass
from pathlib import Path

from local_cloud.sagemaker.containers import Container
from local_cloud.sagemaker.errors import JobError
from local_cloud.sagemaker.images import ImageStore
from local_cloud.sagemaker.ports import Ports
from local_cloud.sagemaker.records import Record
from local_cloud.sagemaker.surroundings import Surroundings
from local_cloud.sagemaker.transfer import download_archive

_PING_S = 60.0
_ports = Ports()
INVOKE_S = 60.0
"""How long a container may take for a request whose caller waits."""


@dataclass(frozen=True)
class Reply:
    """What a container answered."""

    status: int
    body: bytes
    headers: dict[str, str]


class ModelServer:
    """One running container of a model."""

    def __init__(self, model: Record, images: ImageStore, around: Surroundings, log: tuple[str, str]) -> None:
        """Start it; `log` is its log group, and the first part of its stream's name.

        Raises
        ------
        JobError
            With the reason, if it does not answer its ping.
        """
        container = model["Containers"][0]
        self._folder = Path(tempfile.mkdtemp(prefix="headrace-endpoint-"))
        self._around = around
        session = around.role_session(model["ExecutionRoleArn"])
        base = self._folder / "opt" / "ml"
        try:
            image = images.find(container["Image"])
            (base / "model").mkdir(parents=True)
            if url := container.get("ModelDataUrl"):
                download_archive(session.client("s3"), url, base / "model")
        except JobError:
            shutil.rmtree(self._folder, ignore_errors=True)
            raise
        self.port = _ports.take()
        self._image, self._log, self._lock = image, log, threading.Lock()
        self._environment = {
            **image.process_environment(),
            **session.environment(),
            "SAGEMAKER_BASE_DIR": str(base),
            "SM_MODEL_DIR": str(base / "model"),
            "SAGEMAKER_BIND_TO_PORT": str(self.port),
            "SAGEMAKER_MODEL_SERVER_WORKERS": "1",  # an instance here is a small part of one machine
            **container.get("Environment", {}),
        }
        self._stopped = False
        self._container = self._run()
        self._local = threading.local()
        self._await_ping()

    def invoke(self, body: bytes, headers: dict[str, str], timeout_s: float = INVOKE_S) -> Reply:
        """Post one request; ``OSError`` if the container does not answer, which is replaced if it has died."""
        try:
            return self._request("POST", "/invocations", body, headers, timeout_s)
        except ConnectionError:
            pass  # perhaps a kept connection that the server has closed meanwhile
        try:
            return self._request("POST", "/invocations", body, headers, timeout_s)
        except ConnectionError:
            self._revive()
            raise

    def get(self, path: str) -> Reply:
        """Ask for something other than an answer; ``OSError`` if the container does not answer."""
        return self._request("GET", path, b"", {})

    def stop(self) -> None:
        """End it."""
        with self._lock:
            self._stopped = True
        self._container.stop(grace_s=2)
        shutil.rmtree(self._folder, ignore_errors=True)

    def _run(self) -> Container:
        group, stream = self._log[0], f"{self._log[1]}/{uuid.uuid4().hex}"
        self._around.put_log(group, stream, [])  # it is there before its first line
        return Container(
            [*self._image.entrypoint, "serve"],
            cwd=self._image.cwd,
            environment=self._environment,
            write=lambda lines: self._around.put_log(group, stream, lines),
        )

    def _revive(self) -> None:
        with self._lock:
            if self._container.exit_code is not None and not self._stopped:
                self._container = self._run()

    def _await_ping(self) -> None:
        deadline = time.monotonic() + _PING_S
        while time.monotonic() < deadline and self._container.exit_code is None:
            try:
                if self.get("/ping").status == http.client.OK:
                    return
            except OSError:
                pass
            time.sleep(0.03)
        self.stop()
        raise JobError(
            "The primary container for production variant did not pass the ping health check. "
            "Please check CloudWatch logs for this endpoint."
        )

    def _request(
        self, method: str, path: str, body: bytes, headers: dict[str, str], timeout_s: float = INVOKE_S
    ) -> Reply:
        connection: http.client.HTTPConnection | None = getattr(self._local, "connection", None)
        if connection is None:
            connection = http.client.HTTPConnection("127.0.0.1", self.port)
            self._local.connection = connection
        connection.timeout = timeout_s
        try:
            if connection.sock:
                connection.sock.settimeout(timeout_s)
            connection.request(method, path, body or None, headers)
            answer = connection.getresponse()
            return Reply(answer.status, answer.read(), {k.lower(): v for k, v in answer.getheaders()})
        except (OSError, http.client.HTTPException) as error:
            self._local.connection = None  # it is in the middle of something, and of no use any more
            connection.close()
            raise error if isinstance(error, OSError) else ConnectionError(str(error)) from None
