"""From a request to its answer: what the server does without knowing of sockets, threads and queues.

References
----------
.. [1] SageMaker developer guide, "Custom Inference Code with Hosting Services".
"""

from __future__ import annotations

import random
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache, partial

import orjson

from headrace.ml.arrays import Floats
from headrace.ml.privacy.redaction import write_traced
from headrace.ml.rows import CellError
from sagemaker_jobs.model import Predictor
from sagemaker_jobs.serve_model.answers import JSON, AcceptError, AnswerForm, AnswerWriter, choose_form
from sagemaker_jobs.serve_model.capture import Exchange, capture_lines
from sagemaker_jobs.serve_model.personal_columns import refuse_personal
from sagemaker_jobs.serve_model.questions import Question, Questioner, joined, row_count
from sagemaker_jobs.serve_model.requests import ContentTypeError, RequestError, RequestTooLargeError
from sagemaker_jobs.serve_model.settings import Settings

ROUTES = {b"/ping": "GET", b"/invocations": "POST", b"/execution-parameters": "GET"}
KEPT_HEADERS = frozenset(
    [
        b"accept",
        b"content-type",
        b"x-amzn-sagemaker-custom-attributes",
        b"x-amzn-sagemaker-inference-id",
    ]
)
"""The headers of a request that are looked at here, in lower case."""

_STATUS: tuple[tuple[type[Exception], int], ...] = (
    (AcceptError, 406),
    (ContentTypeError, 415),
    (RequestTooLargeError, 413),
    (RequestError, 400),
    (CellError, 400),
)
_LONGEST_ID = 256  # characters; SageMaker takes 64
_TIMES = 5  # others may take the processor from one call, or from two
_MOST_HEADERS = 256


@dataclass(slots=True)
class Reply:
    """An answer before it is sent."""

    status: int
    body: bytes
    media_type: str = JSON
    exchange: Exchange | None = None


class Application:
    """Answers SageMaker's routes.

    Parameters
    ----------
    predictor : Predictor
        What answers rows. It is asked before the first request, with missing cells: code and caches are then warm.
    settings : Settings
        Environment of the container.
    write_line : callable, optional
        Where captured requests go, for who has no better place for them; standard output by default.

    Attributes
    ----------
    headers : list of (bytes, bytes)
        Are sent with every answer, beside its own.
    most_body_bytes : int
        Of one request.
    seconds_per_call : float
        How long the warm model takes to answer a row.
    """

    def __init__(
        self, predictor: Predictor, settings: Settings, write_line: Callable[[bytes], None] | None = None
    ) -> None:
        self._questioner = Questioner(predictor)
        self._writer = AnswerWriter(predictor.classes, predictor.threshold)
        self._capture_share = settings.capture_share
        self._personal = settings.personal_columns
        self._write_line = write_line or _print_line
        self._execution_parameters = _execution_parameters(settings)
        self.most_body_bytes = settings.most_body_bytes
        version = settings.model_version
        self.headers = (
            [(b"x-amzn-sagemaker-custom-attributes", f"model_version={version}".encode())] if version else []
        )
        self.seconds_per_call = self._warm_up()

    def other_route(self, method: bytes, path: bytes) -> Reply:
        """Answer what is no invocation."""
        if path == b"/ping" and method in (b"GET", b"HEAD"):
            return Reply(200, b"{}")
        if path == b"/execution-parameters" and method == b"GET":
            return Reply(200, self._execution_parameters)
        if path in ROUTES:
            return refusal(405, f"{path.decode()} takes {ROUTES[path]}")
        return refusal(404, "there is /ping, /invocations and /execution-parameters")

    def reply(self, headers: Mapping[bytes, bytes], body: bytes) -> Reply:
        """Answer an invocation; what is wrong with it, or with the model, is in the reply's status."""
        question = self.read(headers, body)
        return question if isinstance(question, Reply) else self.answer(question)

    def read(self, headers: Mapping[bytes, bytes], body: bytes) -> Question | Reply:
        """Read an invocation, or say why it is refused."""
        try:
            content_type, form = _understood(
                headers.get(b"content-type", b""),
                headers.get(b"accept", b""),
                headers.get(b"x-amzn-sagemaker-custom-attributes", b""),
            )
            rows = self._questioner.read(body, content_type)
            if self._personal:
                refuse_personal(body, content_type, self._personal)
        except (AcceptError, RequestError, CellError) as error:
            return refusal(next(status for kind, status in _STATUS if isinstance(error, kind)), str(error))
        except Exception as error:
            return _failure(error, "the request could not be read; the container's log says why")
        inference_id = headers.get(b"x-amzn-sagemaker-inference-id", b"").decode("latin-1")[:_LONGEST_ID]
        return Question(body, content_type, inference_id, form, rows)

    def answer(self, question: Question) -> Reply:
        """Answer an invocation that was read."""
        try:
            return self._reply(question, self._questioner.ask(question.rows))
        except Exception as error:
            return _failure(error, "the model could not answer; the container's log says why")

    def answer_together(self, questions: Sequence[Question]) -> list[Reply]:
        """Answer several invocations with as few calls of the model as can be; one that it cannot answer fails alone."""
        replies: dict[int, Reply] = {}
        for rows, places in joined([question.rows for question in questions]):
            try:
                values = self._questioner.ask(rows)
            except Exception:
                replies.update((place, self.answer(questions[place])) for place in places)
                continue
            start = 0
            for place in places:
                stop = start + row_count(questions[place].rows)
                replies[place] = self._reply(questions[place], values[start:stop])
                start = stop
        return [replies[place] for place in range(len(questions))]

    def _reply(self, question: Question, values: Floats) -> Reply:
        form = question.form
        answer = self._writer.write(values, form)
        if self._capture_share < 1 and random.random() >= self._capture_share:
            return Reply(200, answer, form.content_type)
        # Monitoring needs labels and probabilities, whichever of them the caller wants.
        whole = answer if form.output == "both" else self._writer.write(values, AnswerForm(form.media_type))
        exchange = Exchange(
            question.body,
            question.content_type,
            partial(self._questioner.cells, question.body, question.content_type),
            whole,
            form.media_type,
            question.inference_id,
            time.time(),
        )
        return Reply(200, answer, form.content_type, exchange)

    def capture(self, exchange: Exchange) -> None:
        """Log an exchange, after its answer is out."""
        for line in lines_of(exchange):
            self._write_line(line)

    def _warm_up(self) -> float:
        """Ask the model for missing cells, in every way, and return how long the quickest call took, in seconds."""
        quickest = float("inf")
        for rows in self._questioner.warm_up():
            for _ in range(_TIMES):
                began = time.perf_counter()
                values = self._questioner.ask(rows)
                quickest = min(quickest, time.perf_counter() - began)
        self._writer.write(values, AnswerForm(JSON))
        return quickest


@lru_cache(_MOST_HEADERS)
def _understood(content_type: bytes, accept: bytes, attributes: bytes) -> tuple[str, AnswerForm]:
    """Return what the headers of an invocation mean: callers send the same ones over and over."""
    kind, accepted, attributed = (header.decode("latin-1") for header in (content_type, accept, attributes))
    return kind, choose_form(accepted, kind, attributed)


def lines_of(exchange: Exchange) -> list[bytes]:
    """Return the lines that record an exchange; none if that fails, which must not end a connection: the answer is out."""
    try:
        return list(capture_lines(exchange))
    except Exception as error:
        write_traced(error)
        return []


def refusal(status: int, reason: str) -> Reply:
    """Return an answer that says in one sentence why there is no better one."""
    return Reply(status, orjson.dumps({"error": reason}))


def _failure(error: Exception, reason: str) -> Reply:
    write_traced(error)
    return refusal(500, reason)


def _execution_parameters(settings: Settings) -> bytes:
    """Say how a transform job asks best: as many requests at once as there are processes, of many rows each."""
    return orjson.dumps(
        {
            "MaxConcurrentTransforms": settings.workers,
            "BatchStrategy": "MULTI_RECORD",
            "MaxPayloadInMB": settings.most_body_bytes // 2**20,
        }
    )


def _print_line(line: bytes) -> None:
    """Write one line in one piece, so that lines of several processes do not mix."""
    sys.stdout.buffer.write(line + b"\n")
    sys.stdout.flush()
