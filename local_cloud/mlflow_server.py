"""MLflow's own server beside the local cloud, by switch: it begins and ends with it, and keeps its runs in its state."""

from __future__ import annotations

import json
import os
import signal
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any
from urllib.error import HTTPError, URLError
from urllib.parse import quote, urlencode
from urllib.request import Request, urlopen

from local_cloud.processes import spawn
from local_cloud.settings import ACCOUNT, REGION, Settings

_HOST = "127.0.0.1"
_TIMEOUT_S = 30.0


def install(settings: Settings) -> None:
    """Start the server, if the settings name a port for it. Its log is ``mlflow/server.log`` in the folder of the state."""
    if settings.mlflow_port is None:
        return
    folder = settings.state_dir / "mlflow"
    folder.mkdir(parents=True, exist_ok=True)
    with (folder / "server.log").open("ab") as log:
        spawn(
            server_command(settings.mlflow_port, folder),
            # It hands this signal on to its worker; killed, it would leave that behind.
            at_our_end=signal.SIGTERM,
            cwd=folder,
            env={
                **os.environ,
                "MLFLOW_DISABLE_TELEMETRY": "true",
                "MLFLOW_SERVER_ENABLE_JOB_EXECUTION": "false",
            },
            stdout=log,
            stderr=log,
        )


def server_command(port: int, folder: Path) -> list[str]:
    """Return what starts an MLflow server on the loopback, with a SQLite database and the artefacts in `folder`."""
    return [
        *(sys.executable, "-m", "mlflow", "server", "--host", _HOST, "--port", str(port), "--workers", "1"),
        *("--backend-store-uri", f"sqlite:///{folder}/mlflow.db"),
        *("--artifacts-destination", str(folder / "artifacts")),
    ]


def forwarded(port: int, method: str, path: str, body: bytes, query: Mapping[str, Any]) -> tuple[int, bytes]:
    """Return how the server answers a request that was made to a tracking server of SageMaker: status and body."""
    url = f"http://{_HOST}:{port}{path}?{urlencode(query, doseq=True, quote_via=quote)}"
    if path.endswith("/experiments/create"):
        body = _kept_in_a_bucket(body)
    request = Request(url, body or None, {"Content-Type": "application/json"}, method=method)
    try:
        with urlopen(request, timeout=_TIMEOUT_S) as answer:
            return answer.status, answer.read()
    except HTTPError as error:
        return error.code, error.read()
    except URLError as error:
        refusal = {
            "error_code": "TEMPORARILY_UNAVAILABLE",
            "message": f"MLflow does not answer: {error.reason}",
        }
        return 503, json.dumps(refusal).encode()


def _kept_in_a_bucket(body: bytes) -> bytes:
    """Have the artefacts of an experiment lie in a bucket, as those of a tracking server do, and not with MLflow's own server."""
    experiment = json.loads(body)
    place = f"s3://sagemaker-{REGION}-{ACCOUNT}/mlflow/{experiment.get('name', '')}"
    return json.dumps({"artifact_location": place, **experiment}).encode()
