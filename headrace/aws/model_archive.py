"""Single files out of a ``model.tar.gz``, without unpacking it."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator
from contextlib import closing
from typing import IO, TYPE_CHECKING, Any, cast
from urllib.parse import urlparse

from headrace.ml.supply_chain.archive import scan
from headrace.ml.supply_chain.refusal import ModelRefusedError

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
    """Read some files of a model's archive, which is read once, to its end, and never written to disk.

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
        If a member is missing or larger than the limit, or the archive is refused.
    """
    needed = set(names)
    wanted, found = needed | set(optional), dict[str, bytes]()

    def keep(name: str, chunks: Iterator[bytes]) -> None:
        content, length = [], 0
        for chunk in chunks:
            length += len(chunk)
            if name in wanted and length > limit_bytes:
                raise ArchiveError(f"{name} has more than {limit_bytes} bytes")
            if name in wanted:
                content.append(chunk)
        if name in wanted:
            found[name] = b"".join(content)

    try:
        scan(stream, keep)
    except ModelRefusedError as error:
        raise ArchiveError(str(error)) from None
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
