"""What cannot be answered at once: slow models, which answer several requests with one call, and large requests.

Requests wait in a queue that is bounded; beyond it the caller is told to come back. All state belongs to the loop's thread.
"""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import TypeVar

from headrace.ml.privacy.redaction import write_traced
from sagemaker_jobs.serve_model.app import Application, Reply, refusal
from sagemaker_jobs.serve_model.questions import Question, row_count

MOST_WAITING = 256
"""Requests that wait; at 5 ms for a call that answers many of them, that is well within a second."""
MOST_ROWS = 4096
"""Rows of one call."""

Deliver = Callable[[Reply], None]
Result = TypeVar("Result")

_FULL = refusal(503, "more requests are waiting than can be answered soon; ask again")
_FAILED = refusal(500, "the request could not be answered; the container's log says why")


class Desk:
    """Takes requests, and delivers their answers later.

    Parameters
    ----------
    application : Application
        What answers.
    loop : asyncio.AbstractEventLoop
        Whose thread takes and delivers.
    """

    def __init__(self, application: Application, loop: asyncio.AbstractEventLoop) -> None:
        self._application, self._loop = application, loop
        self._reader = ThreadPoolExecutor(1, "read")
        self._model = ThreadPoolExecutor(1, "model")
        self._waiting: deque[tuple[Question, Deliver]] = deque()
        self._asking = False
        self._taken = 0

    def take(
        self, headers: dict[bytes, bytes], body: bytes, deliver: Deliver, *, large: bool
    ) -> Reply | None:
        """Take a request; what is returned is an answer already."""
        if self._taken >= MOST_WAITING:
            return _FULL
        if not large:
            question = self._application.read(headers, body)
            if isinstance(question, Reply):
                return question
            self._taken += 1
            self._put(question, deliver)
            return None
        self._taken += 1
        failed: Question | Reply = _FAILED
        self.work_out(
            lambda: self._application.read(headers, body), lambda read: self._go_on(read, deliver), failed
        )
        return None

    def work_out(self, work: Callable[[], Result], then: Callable[[Result], None], otherwise: Result) -> None:
        """Do `work` in the thread of readers, then call `then` with its result, or with `otherwise` if it fails."""
        self._do(self._reader, work, then, otherwise)

    def close(self) -> None:
        """End the threads, once what they do is done."""
        for pool in (self._reader, self._model):
            pool.shutdown(wait=False, cancel_futures=True)

    def _go_on(self, read: Question | Reply, deliver: Deliver) -> None:
        if isinstance(read, Reply):
            self._deliver([deliver], [read])
        else:
            self._put(read, deliver)

    def _put(self, question: Question, deliver: Deliver) -> None:
        self._waiting.append((question, deliver))
        if not self._asking:
            self._ask()

    def _ask(self) -> None:
        """Answer as many of those that wait as one call should, and then the next."""
        questions, delivers, rows = [], [], 0
        while self._waiting and (not rows or rows + row_count(self._waiting[0][0].rows) <= MOST_ROWS):
            question, deliver = self._waiting.popleft()
            questions.append(question)
            delivers.append(deliver)
            rows += row_count(question.rows)
        self._asking = True

        def done(replies: list[Reply]) -> None:
            self._asking = False
            if self._waiting:
                self._ask()
            self._deliver(delivers, replies)

        failed = [_FAILED] * len(questions)
        self._do(self._model, lambda: self._application.answer_together(questions), done, failed)

    def _deliver(self, delivers: list[Deliver], replies: list[Reply]) -> None:
        self._taken -= len(delivers)
        for deliver, reply in zip(delivers, replies, strict=True):
            deliver(reply)

    def _do(
        self,
        pool: ThreadPoolExecutor,
        work: Callable[[], Result],
        then: Callable[[Result], None],
        otherwise: Result,
    ) -> None:
        def run() -> None:
            try:
                result = work()
            except Exception as error:
                write_traced(error)
                result = otherwise
            self._loop.call_soon_threadsafe(then, result)

        pool.submit(run)
