"""Single files out of a ``model.tar.gz``, without unpacking it."""

from __future__ import annotations

import json
import tarfile
from collections.abc import Iterable
from contextlib import closing
from typing import IO, TYPE_CHECKING, Any, cast
from urllib.parse import urlparse

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client


class ArchiveError(ValueError):
    """The archive lacks a file, or it is too large to be what it should be."""


def read_members(
    stream: IO[bytes],
    names: Iterable[str],
    *,
    optional: Iterable[str] = (),
    limit_bytes: int = 64 * 2**20,
) -> dict[str, bytes]:
    """Read some regular files of a gzipped tar archive, which is read once and never written to disk.

    Links, devices and paths elsewhere are not followed: a member counts only under its exact name.

    Parameters
    ----------
    stream : file object
        The archive.
    names : iterable of str
        Members wanted, e.g. ``baseline.json``.
    optional : iterable of str
        Members that are read if they are there.
    limit_bytes : int
        Largest size of a member.

    Returns
    -------
    dict of str to bytes
        Content by name.

    Raises
    ------
    ArchiveError
        If a member is missing or larger than the limit.
    """
    needed = set(names)
    wanted, found = needed | set(optional), {}
    try:
        with tarfile.open(fileobj=stream, mode="r|gz") as archive:
            for member in archive:
                name = member.name.removeprefix("./")
                if name not in wanted or not member.isreg():
                    continue
                if member.size > limit_bytes:
                    raise ArchiveError(f"{name} has {member.size} bytes, more than {limit_bytes}")
                content = archive.extractfile(member)
                found[name] = content.read() if content else b""
                if wanted == found.keys():
                    break
    except tarfile.TarError as error:
        raise ArchiveError(f"not a gzipped tar archive: {error}") from error
    if missing := sorted(needed - found.keys()):
        raise ArchiveError(f"the archive has no {', '.join(missing)}")
    return found


def open_archive(client: S3Client, url: str) -> IO[bytes]:
    """Open the object at ``s3://bucket/key`` as a stream; close it after use."""
    place = urlparse(url)
    body = client.get_object(Bucket=place.netloc, Key=place.path.lstrip("/"))["Body"]
    return cast("IO[bytes]", body)


class ModelSamples:
    """What trainings note for the smoke tests of their models."""

    def __init__(self, client: S3Client) -> None:
        self._client = client

    def sample(self, model_data_url: str) -> dict[str, Any]:
        """Return ``sample.json`` of a model archive: a real row, and its prediction."""
        with closing(open_archive(self._client, model_data_url)) as archive:
            document: dict[str, Any] = json.loads(read_members(archive, ["sample.json"])["sample.json"])
        return document
