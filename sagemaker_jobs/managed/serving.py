"""The functions by which AWS's container serves a model: requests and answers are those of our own image.

References
----------
.. [1] SageMaker Python SDK, "Using Scikit-learn", Serve a Model.
.. [2] aws/sagemaker-containers 2.8.6, ``_transformer.py``: what a transform_fn is given, and may return.
"""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

from sagemaker_jobs.engines import load_predictor
from sagemaker_jobs.serve_model.app import Application
from sagemaker_jobs.serve_model.settings import Settings
from sagemaker_jobs.signature import check_served


def model_fn(model_dir: str) -> Application:
    """Load the model; it is asked once, so that the first request meets warm code."""
    settings = Settings.from_environ(os.environ)
    check_served(Path(model_dir), os.environ)
    return Application(load_predictor(Path(model_dir), settings.engine), settings)


def transform_fn(model: Application, body: str | bytes, content_type: str, accept: str) -> Any:
    """Answer one request with a Flask response, because the container knows no other way to set a status.

    The container puts a default in the place of a missing ``Accept``; what the caller sent is in Flask's request.
    """
    # Flask is the container's own; nothing but the container calls this.
    from flask import Response, request  # noqa: PLC0415

    sent = [(name.lower().encode(), value.encode("latin-1")) for name, value in request.headers.items()]
    reply = model.reply(dict(sent), body.encode() if isinstance(body, str) else body)
    if reply.exchange is not None:
        model.capture(reply.exchange)
    answer = Response(reply.body, reply.status, content_type=reply.media_type)
    answer.headers.extend((name.decode(), value.decode()) for name, value in model.headers)
    return answer
