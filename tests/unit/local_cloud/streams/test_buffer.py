import pytest

from local_cloud.streams.buffer import Buffer
from local_cloud.streams.shard import Record


def record(number, data):
    return Record(str(number), "k", data, 0.0)


def test_what_waits_is_delivered_as_one_object_with_a_delimiter_behind_each_record():
    delivered, buffer = [], Buffer(100, 60, b"\n")
    buffer.add("s1", [record(1, b"a"), record(2, b"b")], now=0)
    buffer.add("s2", [record(1, b"c")], now=1)

    buffer.empty(delivered.append)

    assert delivered == [b"a\nb\nc\n"]
    assert buffer.positions == {"s1": "2", "s2": "1"}
    assert not buffer.full(now=1000)


def test_size_fills_a_buffer():
    buffer = Buffer(4, 60, b"\n")

    buffer.add("s1", [record(1, b"a")], now=0)
    small = buffer.full(now=0)
    buffer.add("s1", [record(2, b"b")], now=0)

    assert (small, buffer.full(now=0)) == (False, True)


def test_what_cannot_be_delivered_goes_on_waiting():
    buffer, delivered = Buffer(1, 60), []
    buffer.add("s1", [record(1, b"a")], now=0)

    def refuse(_):
        raise OSError("no")

    with pytest.raises(OSError, match="no"):
        buffer.empty(refuse)
    buffer.empty(delivered.append)

    assert delivered == [b"a"]
