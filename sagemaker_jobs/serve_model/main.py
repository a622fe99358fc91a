"""The serving container: one model behind SageMaker's routes."""

from __future__ import annotations

import os
import socket
import tempfile
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path

from sagemaker_jobs.engines import load_predictor
from sagemaker_jobs.failures import JobError
from sagemaker_jobs.machine import available_bytes, processors
from sagemaker_jobs.paths import MlPaths
from sagemaker_jobs.serve_model.app import Application
from sagemaker_jobs.serve_model.server import run
from sagemaker_jobs.serve_model.settings import Settings
from sagemaker_jobs.serve_model.workers import in_worker, usable_workers
from sagemaker_jobs.signature import check_served


def main(paths: MlPaths, environ: Mapping[str, str]) -> None:
    """Serve until SIGTERM; requests that have begun are answered first.

    Raises
    ------
    JobError
        If the model cannot be loaded, or the port is taken.
    """
    settings = Settings.from_environ(environ)
    check_served(paths.model, environ)
    if not settings.workers:
        settings = replace(settings, workers=_workers(paths.model))
    listener = _bound(settings)
    if settings.workers == 1:
        _serve(paths, settings, listener)
        return
    listener.close()  # it has shown that nobody else has the port
    parent = os.getpid()
    with tempfile.TemporaryFile() as turn, _bound(settings, shared=True):
        if in_worker(settings.workers):
            _serve(paths, settings, _bound(settings, shared=True), turn.fileno(), parent)


def _workers(model: Path) -> int:
    size = sum(path.stat().st_size for path in model.iterdir()) if model.is_dir() else 0
    return usable_workers(processors(), available_bytes(), size)


def _bound(settings: Settings, *, shared: bool = False) -> socket.socket:
    """Take the port. Nobody is let in yet: whoever calls before the model is warm is refused, and calls again.

    Processes that share a port get callers dealt by the kernel. Of one socket for all, the first to wake takes all callers.
    """
    listener = socket.socket()
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    if shared:
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEPORT, 1)
    try:
        listener.bind((settings.host, settings.port))
    except OSError as error:
        raise JobError(f"the server cannot listen on port {settings.port}: {error.strerror}") from None
    return listener


def _serve(
    paths: MlPaths, settings: Settings, listener: socket.socket, turn: int | None = None, parent: int = 0
) -> None:
    run(Application(load_predictor(paths.model, settings.engine), settings), listener, turn, parent)
