"""An object in S3 as a file that is read here and there: of a Parquet file a few columns, without the others."""

from __future__ import annotations

import io
from typing import TYPE_CHECKING
from urllib.parse import urlparse

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client

_WHOLE = 2**20
"""Bytes up to which an object is read at once: asking several times would take longer."""


class RangedObject(io.RawIOBase):
    """A seekable file; each read that goes beyond what is known is one request.

    Parameters
    ----------
    client : S3Client
        May read it.
    bucket, key : str
        Which object.
    size : int
        In bytes, as a list of objects says.
    """

    def __init__(self, client: S3Client, bucket: str, key: str, size: int) -> None:
        super().__init__()
        self._client, self._bucket, self._key = client, bucket, key
        self._size, self._position = size, 0
        self._known = b""
        if size <= _WHOLE:
            self._known = self._client.get_object(Bucket=bucket, Key=key)["Body"].read()

    def readable(self) -> bool:
        """Say yes."""
        return True

    def seekable(self) -> bool:
        """Say yes."""
        return True

    def tell(self) -> int:
        """Return where the next read begins."""
        return self._position

    def seek(self, offset: int, whence: int = io.SEEK_SET) -> int:
        """Move there."""
        start = {io.SEEK_SET: 0, io.SEEK_CUR: self._position, io.SEEK_END: self._size}[whence]
        self._position = start + offset
        return self._position

    def read(self, size: int = -1) -> bytes:
        """Return the next `size` bytes, or all that are left."""
        start = self._position
        end = self._size if size < 0 else min(self._size, start + size)
        self._position = max(start, end)
        if self._known:
            return self._known[start:end]
        if start >= end:
            return b""
        part = f"bytes={start}-{end - 1}"
        answer = self._client.get_object(Bucket=self._bucket, Key=self._key, Range=part)
        return answer["Body"].read()


def open_ranged(client: S3Client, uri: str) -> RangedObject:
    """Open the object at ``s3://bucket/key``."""
    place = urlparse(uri)
    bucket, key = place.netloc, place.path.lstrip("/")
    return RangedObject(client, bucket, key, client.head_object(Bucket=bucket, Key=key)["ContentLength"])
