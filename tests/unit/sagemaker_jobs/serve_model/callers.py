"""Callers of a server without a socket."""

from types import SimpleNamespace


class Loop:
    """An event loop that does what it is asked when it is told to."""

    def __init__(self):
        self.calls = []

    def call_soon(self, call, *arguments):
        self.calls.append(lambda: call(*arguments))

    call_soon_threadsafe = call_soon


class Transport:
    """What a socket's transport does, in memory."""

    def __init__(self):
        self.out = b""
        self.closed = self.paused = self.half_closed = False

    def write(self, data):
        assert not self.closed
        self.out += data

    def close(self):
        self.closed = True

    abort = close

    def is_closing(self):
        return self.closed

    def write_eof(self):
        self.half_closed = True

    def pause_reading(self):
        self.paused = True

    def resume_reading(self):
        self.paused = False

    @property
    def statuses(self):
        return [int(part[:3]) for part in self.out.split(b"HTTP/1.1 ")[1:]]


def connect(server):
    connection, transport = server.connect(), Transport()
    connection.connection_made(transport)
    return SimpleNamespace(
        say=connection.data_received,
        transport=transport,
        connection=connection,
        statuses=lambda: transport.statuses,
    )
