import asyncio
import threading

import pytest

from sagemaker_jobs.serve_model.app import Application
from sagemaker_jobs.serve_model.desk import MOST_WAITING, Desk
from sagemaker_jobs.serve_model.settings import Settings
from tests.unit.sagemaker_jobs.serve_model.models import Gate

CSV = {b"content-type": b"text/csv"}


async def answered(desk, bodies, *, large=False, before=lambda: None):
    """Ask for all bodies at once; return their answers, and those that came at once."""
    loop, at_once, later = asyncio.get_running_loop(), {}, []
    for place, body in enumerate(bodies):
        answer = loop.create_future()
        reply = desk.take(CSV, body, answer.set_result, large=large)
        if reply is None:
            later.append((place, answer))
        else:
            at_once[place] = reply
    before()
    replies = {place: await answer for place, answer in later}
    return replies, at_once


def run(work):
    """Run `work` with a model and a desk before it."""

    async def main():
        model = Gate()
        desk = Desk(Application(model, Settings()), asyncio.get_running_loop())
        model.asked.clear()
        try:
            return await work(model, desk)
        finally:
            model.gate.set()
            desk.close()

    return asyncio.run(main())


def test_what_waits_is_answered_with_one_call_and_in_order():
    async def work(model, desk):
        model.gate.clear()
        bodies = [b"%d\n" % number for number in range(17)]
        replies, _ = await answered(desk, bodies, before=model.gate.set)
        return [reply.body for reply in replies.values()], model.asked

    bodies, asked = run(work)

    assert bodies == [b"%d.0\n" % number for number in range(17)]
    assert asked == [1, 16]


def test_calls_have_a_bounded_number_of_rows():
    async def work(model, desk):
        model.gate.clear()
        await answered(desk, [b"1\n", *[b"2\n" * 1500] * 5], before=model.gate.set)
        return model.asked

    assert run(work) == [1, 3000, 3000, 1500]


def test_what_the_model_cannot_answer_fails_alone():
    async def work(model, desk):
        model.gate.clear()
        replies, _ = await answered(desk, [b"1\n", b"2\n", b"-3\n", b"4\n"], before=model.gate.set)
        return [reply.status for reply in replies.values()]

    assert run(work) == [200, 200, 500, 200]


def test_the_queue_has_an_end():
    async def work(model, desk):
        model.gate.clear()
        replies, at_once = await answered(desk, [b"1\n"] * (MOST_WAITING + 3), before=model.gate.set)
        again, refused = await answered(desk, [b"1\n"])
        return len(replies), [reply.status for reply in at_once.values()], len(again), refused

    assert run(work) == (MOST_WAITING, [503, 503, 503], 1, {})


@pytest.mark.parametrize("large", [False, True])
def test_what_cannot_be_read_is_refused_and_takes_no_place(large):
    async def work(model, desk):
        replies, at_once = await answered(desk, [b"warm\n"], large=large)
        return [*replies.values(), *at_once.values()], desk._taken

    (reply,), taken = run(work)

    assert (reply.status, taken) == (400, 0)


def test_large_requests_are_read_beside_the_loop():
    async def work(model, desk):
        threads = []
        read = desk._application.read
        desk._application.read = lambda *request: threads.append(threading.current_thread()) or read(*request)
        replies, _ = await answered(desk, [b"1\n" * 5000], large=True)
        return replies[0].status, threads

    status, (thread,) = run(work)

    assert status == 200
    assert thread is not threading.main_thread()
