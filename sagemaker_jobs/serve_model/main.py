"""The serving container: one model behind SageMaker's two routes."""

from __future__ import annotations

import os
from collections.abc import Mapping

import uvicorn

from sagemaker_jobs.engines import load_predictor
from sagemaker_jobs.failures import JobError
from sagemaker_jobs.paths import MlPaths
from sagemaker_jobs.serve_model.app import Application
from sagemaker_jobs.serve_model.settings import Settings

_DRAIN_S = 25  # SageMaker kills a container 30 seconds after SIGTERM


def main(paths: MlPaths, environ: Mapping[str, str]) -> None:
    """Serve until SIGTERM; requests that have begun are answered first.

    Raises
    ------
    JobError
        If the model cannot be loaded, or the port is taken.
    """
    settings = Settings.from_environ(environ)
    app = Application(load_predictor(paths.model, settings.engine), settings)
    # Several processes each load the model themselves, by the name of the function below.
    several = settings.workers > 1
    try:
        uvicorn.run(
            "sagemaker_jobs.serve_model.main:application" if several else app,
            factory=several,
            host=settings.host,
            port=settings.port,
            workers=settings.workers,
            log_level="warning",
            access_log=False,
            server_header=False,
            timeout_keep_alive=75,
            timeout_graceful_shutdown=_DRAIN_S,
        )
    except SystemExit as error:
        if error.code:
            raise JobError(f"the server could not start on port {settings.port}") from None


def application() -> Application:
    """Load the model in the process that answers, and return the application."""
    paths, settings = MlPaths.from_environ(os.environ), Settings.from_environ(os.environ)
    return Application(load_predictor(paths.model, settings.engine), settings)
