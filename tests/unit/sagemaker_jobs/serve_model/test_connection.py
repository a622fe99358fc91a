"""HTTP as it comes over a socket, without one."""

from types import SimpleNamespace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sagemaker_jobs.serve_model.app import Application, refusal
from sagemaker_jobs.serve_model.server import Server
from sagemaker_jobs.serve_model.settings import MAX_BODY_BYTES, Settings
from tests.unit.sagemaker_jobs.serve_model.callers import Loop, connect
from tests.unit.sagemaker_jobs.serve_model.models import MatrixSum

ROW = b"0.5,red,yes,2011-01-31,7\n"
PING = b"GET /ping HTTP/1.1\r\n\r\n"


def post(body=ROW, *headers, version=b"1.1"):
    head = [
        b"POST /invocations HTTP/" + version,
        b"Content-Type: text/csv",
        b"Content-Length: %d" % len(body),
        *headers,
    ]
    return b"\r\n".join(head) + b"\r\n\r\n" + body


@pytest.fixture
def server(monkeypatch):
    clock = SimpleNamespace(now=1000.0)
    monkeypatch.setattr("sagemaker_jobs.serve_model.server.time.monotonic", lambda: clock.now)
    exchanges = []
    log = SimpleNamespace(add=exchanges.append)
    server = Server(Application(MatrixSum(), Settings(model_version="v3", capture_share=1.0)), log, Loop())
    server.captured, server.clock = exchanges, clock
    return server


@pytest.fixture
def caller(server):
    return connect(server)


def test_an_answer_is_one_write_that_says_what_it_is(caller, server):
    caller.say(post())

    head, _, body = caller.transport.out.partition(b"\r\n\r\n")
    assert body == b"7.5\n"
    first, *lines = head.split(b"\r\n")
    assert first == b"HTTP/1.1 200 OK"
    headers = dict(line.split(b": ", 1) for line in lines)
    assert headers.pop(b"date").endswith(b"GMT")
    assert headers == {
        b"content-type": b"text/csv",
        b"content-length": b"4",
        b"x-amzn-sagemaker-custom-attributes": b"model_version=v3",
    }
    assert len(server.captured) == 1
    assert not caller.transport.closed


def test_requests_on_one_connection_are_answered_in_their_order(caller):
    caller.say(post() + PING + post(b",,,,3\n") + b"GET /nothing HTTP/1.1\r\n\r\n")

    assert caller.statuses() == [200, 200, 200, 404]
    assert (
        caller.transport.out.index(b"7.5\n")
        < caller.transport.out.index(b"{}")
        < caller.transport.out.index(b"3.0\n")
    )


@settings(deadline=None)
@given(st.lists(st.integers(1, 400), max_size=12))
def test_it_does_not_matter_how_bytes_are_cut(cuts):
    server = Server(Application(MatrixSum(), Settings()), None, Loop())
    caller, stream = connect(server), post() + PING + post(b"x\n")
    for cut in cuts:
        caller.say(stream[:cut])
        stream = stream[cut:]
    caller.say(stream)

    assert caller.statuses() == [200, 200, 400]


def test_a_body_may_come_in_chunks(caller):
    caller.say(b"POST /invocations HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n5\r\n0.5,r\r\n")
    caller.say(b"14\r\ned,yes,2011-01-31,7\n\r\n0\r\n\r\n")

    assert caller.statuses() == [200]
    assert caller.transport.out.endswith(b"\r\n\r\n7.5\n")


def test_who_waits_to_be_asked_for_the_body_is_asked(caller):
    request = post(ROW, b"Expect: 100-continue")
    caller.say(request[: -len(ROW)])

    assert caller.transport.out == b"HTTP/1.1 100 Continue\r\n\r\n"
    caller.say(ROW)
    assert caller.statuses() == [100, 200]


def test_nobody_is_asked_for_a_body_that_is_too_large(caller):
    caller.say(
        b"POST /invocations HTTP/1.1\r\nExpect: 100-continue\r\nContent-Length: %d\r\n\r\n"
        % (MAX_BODY_BYTES + 1)
    )

    assert caller.statuses() == [413]
    assert b"larger than 6 MB" in caller.transport.out
    assert caller.transport.half_closed


@pytest.mark.parametrize(("more", "statuses"), [(0, []), (1, [413])])
def test_where_requests_can_wait_they_may_be_larger(more, statuses):
    larger = Settings.from_environ({"HEADRACE_MAX_BODY_MB": "7"})
    caller = connect(Server(Application(MatrixSum(), larger), SimpleNamespace(), Loop()))

    caller.say(b"POST /invocations HTTP/1.1\r\nContent-Length: %d\r\n\r\n" % (7 * 2**20 + more))

    assert caller.statuses() == statuses
    assert (b"larger than 7 MB" in caller.transport.out) == bool(more)


@pytest.mark.parametrize(
    ("request_bytes", "status"),
    [
        (b"\x16\x03\x01\x02\x00\x01", 400),
        (b"GET /ping HTTP/9.9\r\n\r\n", 400),
        (b"POST /invocations HTTP/1.1\r\nContent-Length: -1\r\n\r\n", 400),
        (b"POST /invocations HTTP/1.1\r\nContent-Length: 3\r\nTransfer-Encoding: chunked\r\n\r\n", 400),
        (b"POST /invocations HTTP/1.1\r\nContent-Length: 3\r\nContent-Length: 4\r\n\r\n", 400),
        (b"POST /invocations HTTP/1.1\r\nContent-Length: 99999999999999999999999999\r\n\r\n", 400),
        (b"POST /invocations HTTP/1.1\r\nContent-Length: 9999999999\r\n\r\n", 413),
        (b"POST /invocations HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n", 400),
        (b"GET /ping HTTP/1.1\r\nx: " + b"y" * 40_000, 431),
        (b"GET /" + b"p" * 40_000, 431),
    ],
)
def test_what_is_no_request_is_refused_once_and_the_rest_is_not_read(caller, request_bytes, status):
    caller.say(request_bytes)
    caller.say(post())

    assert caller.statuses() == [status]
    assert b"connection: close" in caller.transport.out
    assert caller.connection.eof_received() is False


def test_a_body_in_chunks_that_never_ends_is_refused(caller, server):
    caller.say(b"POST /invocations HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n")
    chunk = b"10000\r\n" + b"x" * 0x10000 + b"\r\n"
    for _ in range(MAX_BODY_BYTES // 0x10000 + 1):
        caller.say(chunk)

    assert caller.statuses() == [413]
    assert server.hold(256 * 2**20)  # what was held of the body is given back


def test_extensions_of_chunks_are_no_way_around_the_limit(caller):
    caller.say(b"POST /invocations HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n1;")
    for _ in range(2 * MAX_BODY_BYTES // 2**16 + 1):
        caller.say(b"x" * 2**16)

    assert caller.statuses()[:1] in ([413], [400])
    assert caller.transport.half_closed


def test_a_head_has_no_body(caller):
    caller.say(b"HEAD /ping HTTP/1.1\r\n\r\n")

    assert caller.transport.out.endswith(b"content-length: 2\r\n\r\n")


@pytest.mark.parametrize(
    ("request_bytes", "closed"),
    [
        (post(ROW, b"Connection: close"), True),
        (post(ROW, version=b"1.0"), True),
        (post(ROW, b"Connection: keep-alive", version=b"1.0"), False),
    ],
)
def test_a_connection_is_kept_as_the_caller_says(caller, request_bytes, closed):
    caller.say(request_bytes)

    assert caller.statuses() == [200]
    assert caller.transport.closed is closed


def test_an_offer_of_another_protocol_is_passed_over(caller):
    caller.say(b"GET /ping HTTP/1.1\r\nConnection: Upgrade\r\nUpgrade: h2c\r\n\r\n" * 3000 + post(ROW))

    assert caller.statuses() == [200] * 3001


def test_nothing_is_read_while_the_caller_does_not_read(caller):
    caller.connection.pause_writing()
    caller.say(post() + post())

    assert caller.statuses() == []
    assert caller.transport.paused
    caller.connection.resume_writing()
    assert caller.statuses() == [200, 200]
    assert not caller.transport.paused


def test_a_caller_who_ends_first_still_hears_its_answers(caller):
    caller.connection.pause_writing()
    caller.say(post())

    assert caller.connection.eof_received() is True
    caller.connection.resume_writing()
    assert caller.statuses() == [200]
    assert caller.transport.closed


class TestTime:
    @pytest.mark.parametrize(
        ("said", "seconds", "statuses"), [(b"", 76, []), (PING, 76, [200]), (b"POST /inv", 61, [408])]
    )
    def test_who_is_silent_or_slow_is_left(self, caller, server, said, seconds, statuses):
        caller.say(said)
        server.clock.now += seconds
        server.tick()

        assert caller.statuses() == statuses
        assert caller.transport.closed or caller.transport.half_closed

    def test_a_drop_now_and_then_is_too_slow(self, caller, server):
        for second in range(70):
            server.clock.now += 1
            server.tick()
            if second < 60:
                caller.say(b"POST /invocations HTTP/1.1\r\n"[second : second + 1] or b"x")

        assert caller.statuses() == [408]
        assert caller.transport.closed

    def test_who_does_not_read_its_answer_is_left(self, caller, server):
        caller.connection.pause_writing()
        server.clock.now += 61
        server.tick()

        assert caller.transport.closed

    def test_who_waits_for_the_model_is_not_left(self, caller, server):
        server.respond = lambda request, connection: None
        caller.say(post() + b"what is no request\r\n")
        for _ in range(100):
            server.clock.now += 1
            server.tick()

        assert caller.statuses() == []
        assert not caller.transport.closed
        caller.connection.deliver(refusal(503, "the model is busy"))
        assert caller.statuses() == [503, 400]
        server.clock.now += 6
        server.tick()
        assert caller.transport.closed

    def test_who_is_quick_is_kept(self, caller, server):
        for _ in range(100):
            server.clock.now += 1
            server.tick()
            caller.say(PING)

        assert not caller.transport.closed


class TestDraining:
    def test_an_idle_connection_is_closed(self, caller, server):
        server.drain()

        assert caller.transport.closed

    def test_a_request_that_has_begun_is_answered_and_its_connection_closed(self, caller, server):
        caller.say(post()[:-5])
        server.drain()
        caller.say(post()[-5:])

        assert caller.statuses() == [200]
        assert b"connection: close" in caller.transport.out
        assert caller.transport.closed


def test_memory_of_bodies_is_bounded_and_given_back(server):
    caller = connect(server)
    caller.say(post(b"x" * 1000)[:-1])
    assert server.hold(256 * 2**20 - 999)
    caller.say(b"x")

    assert caller.statuses() == [503]
    assert b"retry-after: 1" in caller.transport.out
    server.hold(-(256 * 2**20 - 999))
    assert server.hold(256 * 2**20)


def test_a_caller_who_leaves_leaves_nothing_behind(caller, server):
    caller.connection.pause_writing()
    caller.say(post() + post()[:-1])
    caller.connection.connection_lost(None)

    assert server.hold(256 * 2**20)
    assert not server.connections


def test_there_is_an_end_of_callers(server):
    callers = [connect(server) for _ in range(1001)]

    assert [caller.statuses() for caller in callers[-2:]] == [[], [503]]
