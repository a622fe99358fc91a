"""Firehose's buffer: records are delivered together, by size or by age."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field

from local_cloud.streams.shard import Record


@dataclass
class Buffer:
    """Records that wait to be delivered.

    Parameters
    ----------
    most_bytes : int
        So much is delivered at once.
    longest_s : float
        And so long after the first record, what there is.
    delimiter : bytes
        Put behind each record.
    """

    most_bytes: int
    longest_s: float
    delimiter: bytes = b""
    records: list[Record] = field(default_factory=list)
    positions: dict[str, str] = field(default_factory=dict)
    _size: int = 0
    _since: float = 0.0

    def add(self, shard_id: str, records: list[Record], now: float) -> None:
        """Let records of a shard wait."""
        if records and not self.records:
            self._since = now
        self.records += records
        self._size += sum(len(record.data) + len(self.delimiter) for record in records)
        if records:
            self.positions[shard_id] = records[-1].sequence_number

    def full(self, now: float) -> bool:
        """Tell whether it is time to deliver.

        Examples
        --------
        >>> buffer = Buffer(most_bytes=3, longest_s=60, delimiter=b"|")
        >>> buffer.add("shardId-000000000000", [Record("1", "k", b"a", 0.0)], now=100.0)
        >>> buffer.full(now=159.9), buffer.full(now=160.0)
        (False, True)
        """
        return bool(self.records) and (self._size >= self.most_bytes or now - self._since >= self.longest_s)

    def empty(self, deliver: Callable[[bytes], object]) -> None:
        """Deliver everything as one object; what cannot be delivered goes on waiting."""
        deliver(b"".join(record.data + self.delimiter for record in self.records))
        self.records, self._size = [], 0
