"""Bytes of an archive on their way: hashed as they are packed, counted and bounded as they are unpacked."""

from __future__ import annotations

import gzip
import hashlib
import io
import zlib
from dataclasses import dataclass
from typing import IO

from headrace.ml.supply_chain.refusal import ModelReason, ModelRefusedError

BROKEN = (gzip.BadGzipFile, zlib.error, EOFError)
"""What reading a damaged gzip file raises."""

_GIB = 2**30


@dataclass(frozen=True)
class Limits:
    """What an archive may be.

    Parameters
    ----------
    members : int
        Files and folders.
    packed_bytes, total_bytes : int
        As it is, and unpacked.
    ratio : int
        Unpacked bytes for each packed one, once more than `free_bytes` are unpacked: models are numbers, which hardly shrink.
    free_bytes : int
        So much may be unpacked whatever the ratio.
    """

    members: int = 10_000
    packed_bytes: int = 16 * _GIB
    total_bytes: int = 32 * _GIB
    ratio: int = 100
    free_bytes: int = 64 * 2**20


class PackedBytes(io.RawIOBase):
    """The archive as it is, with its SHA-256 so far."""

    def __init__(self, source: IO[bytes], limits: Limits) -> None:
        super().__init__()
        self._source, self._limits, self._hash = source, limits, hashlib.sha256()
        self.count = 0

    def readable(self) -> bool:
        """Tell that it can be read."""
        return True

    def readinto(self, buffer: object) -> int:
        """Read on, as `io.RawIOBase` has it."""
        view = memoryview(buffer)  # type: ignore[arg-type]  # io's own annotation of a buffer is not public
        chunk = self._source.read(len(view))
        self._hash.update(chunk)
        self.count += len(chunk)
        if self.count > self._limits.packed_bytes:
            raise ModelRefusedError(
                ModelReason.TOO_LARGE, f"the archive has more than {self._limits.packed_bytes} bytes"
            )
        view[: len(chunk)] = chunk
        return len(chunk)

    def drain(self) -> None:
        """Read to the end, so that the hash is of everything."""
        while self.read(2**20):
            pass

    def sha256(self) -> str:
        """Return the hash of what was read."""
        return self._hash.hexdigest()


class UnpackedBytes:
    """What comes out of a gzip file, within bounds.

    A reader of tar takes headers as long as they say they are, and forgives an end that is missing. So whoever reads says
    how much may come (`allow`), and where anything but zeros was seen last is remembered.

    Attributes
    ----------
    count : int
        Bytes that have come.
    last_byte : int
        Where the last one ended that is no zero.
    """

    def __init__(self, packed: PackedBytes, limits: Limits) -> None:
        self._packed, self._limits = packed, limits
        self._source = gzip.GzipFile(fileobj=io.BufferedReader(packed, 2**16), mode="rb")
        self.count = self.last_byte = self._allowed = 0

    def allow(self, until: int) -> None:
        """Let as many bytes come as lead to this place."""
        self._allowed = until

    def read(self, size: int) -> bytes:
        """Return up to `size` bytes; fewer only at the end."""
        chunk = self._source.read(size)
        if ended := len(chunk.rstrip(b"\0")):
            self.last_byte = self.count + ended
        self.count += len(chunk)
        self._check()
        return chunk

    def _check(self) -> None:
        limits = self._limits
        if self.count > limits.total_bytes:
            raise ModelRefusedError(
                ModelReason.TOO_LARGE, f"the archive unpacks to more than {limits.total_bytes} bytes"
            )
        if self.count > limits.free_bytes and self.count > limits.ratio * self._packed.count:
            raise ModelRefusedError(
                ModelReason.BOMB, f"the archive unpacks to more than {limits.ratio} times its size"
            )
        if self.count > self._allowed:
            raise ModelRefusedError(ModelReason.BOMB, "the archive has a header that is larger than any name")
