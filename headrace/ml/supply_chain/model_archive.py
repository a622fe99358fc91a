"""A model's archive: one whose files are all of a kind that models consist of."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import IO

from headrace.ml.supply_chain.archive import Archive, Sink, extract, scan
from headrace.ml.supply_chain.contents import HEAD_BYTES, check_content
from headrace.ml.supply_chain.packed_stream import Limits


def inspect_model(source: IO[bytes], limits: Limits | None = None) -> Archive:
    """Read a model's archive whole, and keep nothing of it.

    Raises
    ------
    ModelRefusedError
        If it is no archive, or has a file that no model consists of.
    """
    return scan(source, inspecting(lambda _, chunks: _drop(chunks)), limits)


def extract_model(source: IO[bytes], target: Path, limits: Limits | None = None) -> Archive:
    """Unpack a model's archive to a folder that is there whole afterwards, or not at all.

    Raises
    ------
    ModelRefusedError
        As `inspect_model` does.
    """
    return extract(source, target, limits, around=inspecting)


def inspecting(sink: Sink) -> Sink:
    """Return a sink that looks at each file's first bytes before it hands the file on."""

    def look(path: str, chunks: Iterator[bytes]) -> None:
        def looked_at() -> Iterator[bytes]:
            first = next(chunks, b"")
            check_content(path, first[:HEAD_BYTES])
            yield first
            yield from chunks

        sink(path, looked_at())

    return look


def _drop(chunks: Iterator[bytes]) -> None:
    for _ in chunks:
        pass
