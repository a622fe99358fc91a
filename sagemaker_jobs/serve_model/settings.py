"""What the serving container is told by its environment."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass

_MB = 2**20
MAX_BODY_BYTES = 6 * _MB
"""SageMaker's own limit of a request to a real-time endpoint: 6 MB."""


@dataclass(frozen=True)
class Settings:
    """Environment of the container.

    Parameters
    ----------
    port : int
        ``SAGEMAKER_BIND_TO_PORT``, or 8080.
    host : str
        Address to listen on: all, because SageMaker calls from outside; ``HEADRACE_BIND_TO_HOST`` narrows it.
    workers : int
        Processes that answer; ``SAGEMAKER_MODEL_SERVER_WORKERS``, or 0 for as many as the machine can use.
    model_version : str
        Is sent with every answer; ``HEADRACE_MODEL_VERSION``, or empty.
    engine : str
        Which the evaluation has judged the model by; ``HEADRACE_ENGINE``, or empty for the one that its training chose.
    capture_share : float
        Share of requests that are logged; 0 unless ``HEADRACE_CAPTURE`` is ``log``.
    most_body_bytes : int
        Of one request; ``HEADRACE_MAX_BODY_MB``, or 6 MB.
    personal_columns : tuple of str
        Columns that a request may not bring unless hashed; ``HEADRACE_PERSONAL_COLUMNS``, a list in JSON, or none.
    """

    port: int = 8080
    host: str = "0.0.0.0"
    workers: int = 0
    model_version: str = ""
    engine: str = ""
    capture_share: float = 0.0
    most_body_bytes: int = MAX_BODY_BYTES
    personal_columns: tuple[str, ...] = ()

    @classmethod
    def from_environ(cls, environ: Mapping[str, str]) -> Settings:
        """Read the variables; ``ValueError`` names one that is no number.

        Examples
        --------
        >>> Settings.from_environ({"SAGEMAKER_BIND_TO_PORT": "9000", "HEADRACE_CAPTURE": "log"}).capture_share
        1.0
        """
        captures = environ.get("HEADRACE_CAPTURE") == "log"
        return cls(
            port=int(environ.get("SAGEMAKER_BIND_TO_PORT") or cls.port),
            host=environ.get("HEADRACE_BIND_TO_HOST") or cls.host,
            workers=int(environ.get("SAGEMAKER_MODEL_SERVER_WORKERS") or cls.workers),
            model_version=environ.get("HEADRACE_MODEL_VERSION", ""),
            engine=environ.get("HEADRACE_ENGINE", ""),
            capture_share=float(environ.get("HEADRACE_CAPTURE_SHARE") or 1.0) if captures else 0.0,
            most_body_bytes=int(environ.get("HEADRACE_MAX_BODY_MB") or MAX_BODY_BYTES // _MB) * _MB,
            personal_columns=tuple(json.loads(environ.get("HEADRACE_PERSONAL_COLUMNS") or "[]")),
        )
