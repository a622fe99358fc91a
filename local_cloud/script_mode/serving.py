"""``serve``: imports the user's script and answers with its functions."""

from __future__ import annotations

import importlib
import sys
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from flask import Flask, Response, request
from werkzeug.serving import WSGIRequestHandler, make_server

from local_cloud.script_mode.encoding import TEXT_TYPES, FormatError, decode, encode
from local_cloud.script_mode.source import SourceError, fetch

_JSON = "application/json"

Transform = Callable[[Any, str | bytes, str, str], Any]


def serve(environ: Mapping[str, str]) -> int:
    """Fetch the code, load the model, and answer until the process is ended; 1 if there is nothing to serve."""
    base = Path(environ["SAGEMAKER_BASE_DIR"])
    try:
        code = fetch(environ.get("SAGEMAKER_SUBMIT_DIRECTORY", "/opt/ml/code"), base)
    except SourceError as error:
        sys.stderr.write(f"{error}\n")
        return 1
    sys.path.insert(0, str(code))
    script = importlib.import_module(environ["SAGEMAKER_PROGRAM"].removesuffix(".py"))
    accept = environ.get("SAGEMAKER_DEFAULT_INVOCATIONS_ACCEPT", _JSON)
    app = application(script, environ["SM_MODEL_DIR"], accept)
    port = int(environ.get("SAGEMAKER_BIND_TO_PORT", "8080"))
    make_server("127.0.0.1", port, app, threaded=True, request_handler=_QuietHandler).serve_forever()
    return 0


def application(script: Any, model_dir: str, default_accept: str = _JSON) -> Flask:
    """Return the application that answers ``/ping`` and ``/invocations`` with the functions of `script`.

    Parameters
    ----------
    script : module
        Has ``model_fn``; and ``transform_fn``, or any of ``input_fn``, ``predict_fn`` and ``output_fn``.
    model_dir : str
        What ``model_fn`` is given.
    default_accept : str
        What a caller accepts who does not say.

    Raises
    ------
    ValueError
        If `script` has ``transform_fn`` and one of the functions that it replaces.
    """
    transform = _transform(script)
    model = script.model_fn(model_dir)
    app = Flask("script_mode")

    def invoke() -> Any:
        content_type = request.headers.get("Content-Type") or _JSON
        data = request.get_data()
        body = data.decode(errors="replace") if content_type in TEXT_TYPES else data
        accept = request.headers.get("Accept")
        accept = default_accept if accept in (None, "", "*/*") else accept
        answer = transform(model, body, content_type, accept)
        return Response(answer[0], mimetype=answer[1]) if isinstance(answer, tuple) else answer

    app.add_url_rule("/ping", "ping", lambda: Response(status=200))
    app.add_url_rule("/invocations", "invocations", invoke, methods=["POST"])
    return app


def _transform(script: Any) -> Transform:
    parts = {name: getattr(script, name, None) for name in ("input_fn", "predict_fn", "output_fn")}
    whole: Transform | None = getattr(script, "transform_fn", None)
    if whole and any(parts.values()):
        raise ValueError("Cannot use transform_fn implementation with input_fn, predict_fn, and/or output_fn")
    if whole:
        return whole
    read, write = parts["input_fn"] or decode, parts["output_fn"] or encode
    predict = parts["predict_fn"] or (lambda data, model: model.predict(data))

    def transform(model: Any, body: str | bytes, content_type: str, accept: str) -> Any:
        try:
            data = read(body, content_type)
        except FormatError as error:
            return Response(str(error), 415)
        prediction = predict(data, model)
        try:
            return write(prediction, accept)
        except FormatError as error:
            return Response(str(error), 406)

    return transform


class _QuietHandler(WSGIRequestHandler):
    """Keeps connections open, and logs nothing for each request."""

    protocol_version = "HTTP/1.1"

    def log_request(self, code: int | str = "-", size: int | str = "-") -> None:
        """Log nothing."""
