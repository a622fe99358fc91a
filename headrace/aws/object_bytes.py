"""Bytes of one version of an object, read in ranges."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path
from typing import TYPE_CHECKING, Any, BinaryIO

from botocore.exceptions import ClientError

from headrace.aws.dropped_files import GONE, DroppedFile, address
from headrace.ml.files.ranges import ByteRange, Copy
from headrace.ml.files.refusal import FileReason, FileRefusedError

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client

_CHUNK = 2**20


class ObjectBytes:
    """A dropped file in S3.

    Parameters
    ----------
    client : S3Client
        May read it.
    file : DroppedFile
        Which version.
    """

    def __init__(self, client: S3Client, file: DroppedFile) -> None:
        self._client, self._file = client, file

    def size(self) -> int:
        """Return how many bytes it has.

        Raises
        ------
        FileRefusedError
            If the version was deleted meanwhile.
        """
        try:
            return int(self._client.head_object(**address(self._file))["ContentLength"])
        except ClientError as error:
            raise _gone(error) from error

    def read(self, start: int, end: int) -> bytes:
        """Return the bytes from `start` to before `end`, fewer at the end of the file."""
        return bytes(self._get(start, end).read())

    def fetch(self, path: Path, start: int, end: int) -> None:
        """Write the bytes from `start` to before `end` to `path`."""
        path.unlink(missing_ok=True)
        self.copy(path, [Copy(ByteRange(start, end))])

    def copy(self, path: Path, copies: Iterable[Copy]) -> None:
        """Write bytes to their positions in `path`; what is between them stays as it is, or a hole."""
        path.touch()
        with path.open("r+b") as target:
            for each in copies:
                self._write(target, each)

    def _write(self, target: BinaryIO, copy: Copy) -> None:
        target.seek(copy.target)
        for chunk in self._get(copy.source.start, copy.source.end).iter_chunks(_CHUNK):
            target.write(chunk)

    def _get(self, start: int, end: int) -> Any:
        try:
            return self._client.get_object(**address(self._file), Range=f"bytes={start}-{end - 1}")["Body"]
        except ClientError as error:
            raise _gone(error) from error


def _gone(error: ClientError) -> Exception:
    if error.response["Error"]["Code"] not in GONE:
        return error
    why = "the file was deleted before it could be read: drop it again"
    return FileRefusedError(FileReason.OBJECT_MISSING, why)
