"""Reads a manifest: the list of files that make a batch."""

from __future__ import annotations

import json
from typing import Any

from headrace.aws.dropped_files import INCOMING, says_complete
from headrace.ml.files.refusal import FileReason, FileRefusedError

MAX_BYTES = 4 * 2**20
"""About 20,000 files with long names."""

_SCHEME = "s3://"
_SHOWN = 63  # characters of what stands in a manifest; the longest name of a bucket
_ALLOWED = {"url", "mandatory", "meta"}


def read_manifest(body: bytes, *, bucket: str, key: str) -> dict[str, bool]:
    """Return the keys that a manifest lists, and whether the batch needs each.

    The format is Amazon Redshift's, with two differences: a ``url`` without ``s3://`` is relative to the manifest's
    folder, and ``mandatory`` is true where it is left out.

    Parameters
    ----------
    body : bytes
        ``{"entries": [{"url": "s3://bucket/incoming/a.csv", "mandatory": true}, {"url": "b.csv"}]}``.
    bucket, key : str
        Where the manifest is.

    Raises
    ------
    FileRefusedError
        If it is not of this format, or lists what cannot be dropped here.

    References
    ----------
    .. [1] Amazon Redshift Database Developer Guide, "Using a manifest to specify data files".

    Examples
    --------
    >>> read_manifest(b'{"entries": [{"url": "b.csv"}]}', bucket="data", key="incoming/x/all.manifest.json")
    {'incoming/x/b.csv': True}
    """
    folder = key[: key.rfind("/") + 1]
    entries: dict[str, bool] = {}
    for number, entry in enumerate(_entries(body), start=1):
        listed, needed = _entry(entry, number, bucket, folder)
        entries[listed] = needed or entries.get(listed, False)
    return entries


def _entries(body: bytes) -> list[Any]:
    try:
        document = json.loads(body)
    except ValueError:  # UnicodeDecodeError is one
        raise _unusable("it is no JSON in UTF-8") from None
    except RecursionError:
        raise _unusable("it is nested too deeply") from None
    entries = document.get("entries") if isinstance(document, dict) else None
    if not isinstance(entries, list) or not entries:
        raise _unusable('it has no list of files: write {"entries": [{"url": "part-1.csv"}]}')
    return entries


def _entry(entry: Any, number: int, bucket: str, folder: str) -> tuple[str, bool]:
    if not isinstance(entry, dict) or not isinstance(entry.get("url"), str) or not entry["url"]:
        raise _unusable(f'entry {number} names no file: write {{"url": "part-1.csv"}}')
    if unknown := sorted(entry.keys() - _ALLOWED):
        raise _unusable(
            f"entry {number} has the field {unknown[0][:_SHOWN]!r}; allowed: {', '.join(sorted(_ALLOWED))}"
        )
    needed = entry.get("mandatory", True)
    if not isinstance(needed, bool):
        raise _unusable(f"`mandatory` of entry {number} is neither true nor false")
    return _key(entry["url"], number, bucket, folder), needed


def _key(url: str, number: int, bucket: str, folder: str) -> str:
    listed = f"{folder}{url}"
    if url.startswith(_SCHEME):
        place, _, listed = url.removeprefix(_SCHEME).partition("/")
        if place != bucket:
            raise _unusable(
                f"entry {number} is in the bucket {place[:_SHOWN]!r}; files must be in {bucket!r}"
            )
    if not listed.startswith(INCOMING) or listed == INCOMING:
        raise _unusable(f"entry {number} is not under {INCOMING}: only what is dropped there is taken in")
    if says_complete(listed):
        raise _unusable(f"entry {number} is a marker or a manifest, not a file with data")
    return listed


def _unusable(why: str) -> FileRefusedError:
    return FileRefusedError(FileReason.MANIFEST, why)
