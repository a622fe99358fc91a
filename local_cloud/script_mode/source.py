"""Fetches the code that the user's script is part of."""

from __future__ import annotations

import shutil
import tarfile
import tempfile
from pathlib import Path
from urllib.parse import urlparse

import boto3

_ML = "/opt/ml"


class SourceError(Exception):
    """The code cannot be had; the text says why."""


def fetch(uri: str, base: Path) -> Path:
    """Lay out the code below `base`, which stands for ``/opt/ml``, and return its folder.

    Parameters
    ----------
    uri : str
        ``s3://…/sourcedir.tar.gz``, fetched with the role of the job; or a folder or an archive below ``/opt/ml``.
    base : Path
        The container's ``/opt/ml``.

    Raises
    ------
    SourceError
        If there is nothing, or the role may not read it.
    """
    code = base / "code"
    code.mkdir(parents=True, exist_ok=True)
    if any(code.iterdir()):
        return code
    if uri.startswith("s3://"):
        with tempfile.TemporaryDirectory() as folder:
            _unpack(_download(uri, Path(folder)), code)
        return code
    place = _local(uri, base)
    if place.is_dir():
        shutil.copytree(place, code, dirs_exist_ok=True)
    else:
        _unpack(place, code)
    return code


def _local(path: str, base: Path) -> Path:
    """Return where a path of the container lies on this machine.

    Examples
    --------
    >>> _local("/opt/ml/model/code", Path("/tmp/job")).as_posix()
    '/tmp/job/model/code'
    """
    return base / path[len(_ML) :].lstrip("/") if path.startswith(_ML) else Path(path)


def _download(uri: str, folder: Path) -> Path:
    place, archive = urlparse(uri), folder / "sourcedir.tar.gz"
    try:
        boto3.client("s3").download_file(place.netloc, place.path.lstrip("/"), str(archive))
    except Exception as error:
        raise SourceError(f"{uri} cannot be fetched: {error}") from None
    return archive


def _unpack(archive: Path, folder: Path) -> None:
    try:
        with tarfile.open(archive, "r:gz") as tar:
            tar.extractall(folder, filter="data")
    except (OSError, tarfile.TarError) as error:
        raise SourceError(f"{archive.name} is no gzipped tar archive: {error}") from None
