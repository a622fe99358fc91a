"""MLflow's own server beside the local cloud, by switch: it begins and ends with it, and keeps its runs in its state."""

from __future__ import annotations

import os
import signal
import sys
from pathlib import Path

from local_cloud.processes import spawn
from local_cloud.settings import Settings

_HOST = "127.0.0.1"


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
