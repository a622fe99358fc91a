"""Tar archives of models: every one in the project is read here. Nothing is unpacked under a name that leads elsewhere.

References
----------
.. [1] IEEE Std 1003.1 (POSIX), pax: headers of 512 bytes, and two blocks of zeros at the end.
"""

from __future__ import annotations

import hashlib
import shutil
import tarfile
import tempfile
import unicodedata
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path, PurePosixPath
from typing import IO, cast

from headrace.ml.supply_chain.packed_stream import BROKEN, Limits, PackedBytes, UnpackedBytes
from headrace.ml.supply_chain.refusal import ModelReason, ModelRefusedError

_BLOCK = 512
_LONGEST_HEADER = 2**16 + tarfile.RECORDSIZE
_LONGEST_NAME = 1024
_CHUNK = 2**18
_FILES = (tarfile.REGTYPE, tarfile.AREGTYPE)


@dataclass(frozen=True)
class Archive:
    """What was found in an archive.

    Parameters
    ----------
    sha256 : str
        Of the archive as it is.
    size : int
        Its bytes.
    members : mapping of str to str
        SHA-256 of each file, by its path.
    """

    sha256: str
    size: int
    members: Mapping[str, str] = field(default_factory=dict)

    def as_dict(self) -> dict[str, object]:
        """Return plain values."""
        return {"sha256": self.sha256, "bytes": self.size, "members": dict(self.members)}


Sink = Callable[[str, Iterator[bytes]], None]
"""Is given the path of each file and its content, and reads that whole."""


def scan(source: IO[bytes], sink: Sink, limits: Limits | None = None) -> Archive:
    """Read a gzipped tar archive from its first byte to its last, and give every file to `sink`.

    Parameters
    ----------
    source : file object
        The archive.
    sink : callable
        What to do with a file's bytes. They are not yet known to be those of a whole archive.
    limits : Limits, optional
        What it may be.

    Raises
    ------
    ModelRefusedError
        With the reason: it is cut or damaged, too large, or has members that are no files or lead elsewhere.
    """
    limits = limits or Limits()
    packed = PackedBytes(source, limits)
    try:
        members = _members(UnpackedBytes(packed, limits), sink, limits)
        packed.drain()
    except (*BROKEN, tarfile.TarError, UnicodeError) as error:
        raise ModelRefusedError(
            ModelReason.BROKEN_ARCHIVE, f"it cannot be read as a gzipped tar archive: {error}"
        ) from None
    return Archive(packed.sha256(), packed.count, members)


def extract(
    source: IO[bytes],
    target: Path,
    limits: Limits | None = None,
    *,
    around: Callable[[Sink], Sink] = lambda sink: sink,
) -> Archive:
    """Unpack an archive to the folder `target`, which is there whole afterwards, or not at all.

    Parameters
    ----------
    source, limits
        As `scan` takes them.
    target : Path
        Not there yet, or empty.
    around : callable, optional
        Is given the sink that writes, and returns the one to use.

    Raises
    ------
    ModelRefusedError
        As `scan` does. What was there before stays as it was.
    """
    target.parent.mkdir(parents=True, exist_ok=True)
    unfinished = Path(tempfile.mkdtemp(prefix=f".{target.name}.", dir=target.parent))
    try:
        found = scan(source, around(_writer(unfinished)), limits)
        unfinished.chmod(0o755)
        if target.is_dir() and not any(target.iterdir()):
            target.rmdir()
        unfinished.rename(target)
    finally:
        shutil.rmtree(unfinished, ignore_errors=True)
    return found


def sha256_of(source: IO[bytes], limits: Limits | None = None) -> tuple[str, int]:
    """Return the SHA-256 and the size of an archive, of which nothing is unpacked."""
    packed = PackedBytes(source, limits or Limits())
    packed.drain()
    return packed.sha256(), packed.count


def _writer(folder: Path) -> Sink:
    def write(name: str, chunks: Iterator[bytes]) -> None:
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        with path.open("xb") as file:
            for chunk in chunks:
                file.write(chunk)

    return write


def _members(stream: UnpackedBytes, sink: Sink, limits: Limits) -> dict[str, str]:
    found: dict[str, str] = {}
    names = _Names(limits.members)
    end = 0
    stream.allow(_LONGEST_HEADER)
    with tarfile.open(fileobj=cast("IO[bytes]", stream), mode="r|") as tar:
        for member in tar:
            name = safe_name(member.name)
            names.add(name, is_folder=member.isdir())
            _check_kind(member, name)
            end = member.offset_data + -(-member.size // _BLOCK) * _BLOCK
            stream.allow(end + _LONGEST_HEADER)
            if not member.isdir():
                found[name] = _read(tar, member, name, sink)
            stream.allow(max(end, stream.count) + _LONGEST_HEADER)
    _check_end(stream, end)
    return found


def _read(tar: tarfile.TarFile, member: tarfile.TarInfo, name: str, sink: Sink) -> str:
    content = tar.extractfile(member)
    assert content is not None
    digest, left = hashlib.sha256(), member.size

    def chunks() -> Iterator[bytes]:
        nonlocal left
        while chunk := content.read(_CHUNK):
            left -= len(chunk)
            digest.update(chunk)
            yield chunk

    sink(name, chunks())
    if left:
        raise ModelRefusedError(ModelReason.BROKEN_ARCHIVE, f"the file {name} is cut")
    return digest.hexdigest()


def _check_end(stream: UnpackedBytes, end: int) -> None:
    """Refuse what a reader of tar forgives: no end, and whatever comes after it."""
    while stream.read(_BLOCK):
        stream.allow(stream.count + _LONGEST_HEADER)
    if stream.last_byte > end:
        raise ModelRefusedError(
            ModelReason.BROKEN_ARCHIVE, "something that is no member follows the last member"
        )
    if stream.count < end + 2 * _BLOCK:
        raise ModelRefusedError(ModelReason.BROKEN_ARCHIVE, "the archive has no end: it was cut")


def _check_kind(member: tarfile.TarInfo, name: str) -> None:
    if member.isdir() and not member.size:
        return
    if member.type not in _FILES or member.issparse() or member.size < 0 or name == ".":
        raise ModelRefusedError(
            ModelReason.NO_FILE, f"the member {name} is a link, a device or of another kind that is no file"
        )


def safe_name(name: str) -> str:
    """Return the path of a member, as it may be used in any folder.

    Raises
    ------
    ModelRefusedError
        If it leads elsewhere, here or on another system.

    Examples
    --------
    >>> safe_name("./code/script.py")
    'code/script.py'
    >>> safe_name("../etc/passwd")
    Traceback (most recent call last):
        ...
    headrace.ml.supply_chain.refusal.ModelRefusedError: leads_elsewhere: the member '../etc/passwd' leads out of the archive
    """
    path = PurePosixPath(name)
    unsafe = (
        not name
        or name.startswith("/")
        or "\\" in name
        or name[1:2] == ":"
        or ".." in path.parts
        or len(name) > _LONGEST_NAME
        or any(unicodedata.category(sign).startswith("C") for sign in name)
    )
    if unsafe:
        raise ModelRefusedError(
            ModelReason.LEADS_ELSEWHERE, f"the member {name[:80]!r} leads out of the archive"
        )
    return path.as_posix()


class _Names:
    """The names so far: none twice, also where capitals or the ways to write an accent are the same to the disk."""

    def __init__(self, most: int) -> None:
        self._most, self._kinds = most, dict[str, bool]()
        self._count = 0

    def add(self, name: str, *, is_folder: bool) -> None:
        self._count += 1
        if self._count > self._most:
            raise ModelRefusedError(ModelReason.TOO_MANY, f"the archive has more than {self._most} members")
        path = PurePosixPath(_folded(name))
        above = [parent.as_posix() for parent in path.parents]
        taken = self._kinds.get(path.as_posix())
        if (taken is not None and not (taken and is_folder)) or any(
            self._kinds.get(parent) is False for parent in above
        ):
            raise ModelRefusedError(ModelReason.DUPLICATE, f"the name {name!r} comes twice")
        self._kinds.update(dict.fromkeys(above, True))
        self._kinds[path.as_posix()] = is_folder


def _folded(name: str) -> str:
    return unicodedata.normalize("NFC", name).casefold()
