"""Text files as UTF-8: their encoding is found, and what is no text is refused."""

from __future__ import annotations

import codecs
import io
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import BinaryIO

from headrace.ml.files.options import ReadOptions
from headrace.ml.files.refusal import FileReason, FileRefusedError

_CHUNK = 2**20
_HEAD = 4096
_MOSTLY = 0.8
_BLANK = b" \t\r\n\v\f" + codecs.BOM_UTF8 + codecs.BOM_UTF16
_MARKS = (
    (codecs.BOM_UTF8, "utf-8-sig"),
    (codecs.BOM_UTF16_LE, "utf-16"),
    (codecs.BOM_UTF16_BE, "utf-16"),
)
_NEVER_IN_CP1252 = b"\x81\x8d\x8f\x90\x9d"


@dataclass(frozen=True)
class TextFile:
    """A text file that was looked at once.

    Parameters
    ----------
    path : Path
        Where it is.
    encoding : str
        Python's name of its encoding.
    quoted : bool
        Whether a double quote is anywhere in it.
    old_line_ends : bool
        Whether its lines end with carriage returns alone, as those of old Macs do.
    """

    path: Path
    encoding: str
    quoted: bool
    old_line_ends: bool

    def open(self) -> BinaryIO:
        r"""Return the file as UTF-8 bytes without a byte order mark, with ``\n`` at the ends of lines."""
        if self.encoding in ("utf-8", "utf-8-sig") and not self.old_line_ends:
            stream = self.path.open("rb")
            if self.encoding == "utf-8-sig":
                stream.seek(len(codecs.BOM_UTF8))
            return stream
        return io.BufferedReader(_Utf8(self), _CHUNK)


def look_at(path: Path, options: ReadOptions) -> TextFile:
    """Read a file once to see what text it is.

    UTF-8 is taken for UTF-8, UTF-16 is known by its mark, and any other text for Windows' Western European encoding.

    Raises
    ------
    FileRefusedError
        If it is empty, no text, or not text in the encoding that the options name.
    """
    encoding = options.encoding or _encoding_by_mark(path)
    facts = _facts_of(path)
    if facts.blank:
        raise FileRefusedError(FileReason.EMPTY, "the file is empty")
    if encoding is None:
        encoding = encoding_without_mark(facts)
    elif not _decodes(path, encoding):
        raise FileRefusedError(FileReason.ENCODING, f"the file is not {encoding} text")
    return TextFile(path, encoding, quoted=facts.quoted, old_line_ends=facts.returns and not facts.newlines)


@dataclass(frozen=True)
class TextFacts:
    """What the bytes of a text are.

    Parameters
    ----------
    blank : bool
        White space alone.
    utf8 : bool
        Valid UTF-8.
    nul, quoted, newlines, returns : bool
        Whether a zero, a double quote, a line feed, a carriage return is among them.
    undefined : bool
        Whether one is among them that means nothing in Windows' Western European encoding.
    """

    blank: bool = True
    utf8: bool = True
    nul: bool = False
    quoted: bool = False
    newlines: bool = False
    returns: bool = False
    undefined: bool = False

    @classmethod
    def of(cls, lines: bytes) -> TextFacts:
        r"""Look at whole lines.

        Examples
        --------
        >>> TextFacts.of(b"\xe4\n").utf8
        False
        """
        return cls(
            blank=not lines.strip(_BLANK),
            utf8=_is_utf8(lines),
            nul=b"\0" in lines,
            quoted=b'"' in lines,
            newlines=b"\n" in lines,
            returns=b"\r" in lines,
            undefined=any(byte in lines for byte in _NEVER_IN_CP1252),
        )

    def and_(self, more: TextFacts) -> TextFacts:
        """Return what the bytes of both are."""
        return TextFacts(
            blank=self.blank and more.blank,
            utf8=self.utf8 and more.utf8,
            nul=self.nul or more.nul,
            quoted=self.quoted or more.quoted,
            newlines=self.newlines or more.newlines,
            returns=self.returns or more.returns,
            undefined=self.undefined or more.undefined,
        )


def _is_utf8(data: bytes) -> bool:
    try:
        data.decode("utf-8")
    except UnicodeDecodeError:
        return False
    return True


def _facts_of(path: Path) -> TextFacts:
    """Look at a file of any length; a letter may be cut by the end of a chunk."""
    decoder, utf8, found = codecs.getincrementaldecoder("utf-8")(), True, TextFacts()
    for chunk in _chunks(path):
        found = found.and_(replace(TextFacts.of(chunk), utf8=True))
        try:
            decoder.decode(chunk, final=not chunk)
        except UnicodeDecodeError:
            utf8 = False
            decoder.reset()
    return replace(found, utf8=utf8)


def _encoding_by_mark(path: Path) -> str | None:
    """Return the encoding by the file's first bytes: a byte order mark, or zeros in every second place."""
    with path.open("rb") as stream:
        head = stream.read(_HEAD)
    if marked := next((name for mark, name in _MARKS if head.startswith(mark)), None):
        return marked
    zeros = head[::2].count(0), head[1::2].count(0)
    if max(zeros) > _MOSTLY * len(head) / 2 and min(zeros) == 0:
        return "utf-16-le" if zeros[1] else "utf-16-be"
    return None


def encoding_without_mark(facts: TextFacts) -> str:
    """Return the encoding of a text that does not begin with a byte order mark.

    Raises
    ------
    FileRefusedError
        If it is no text.
    """
    if facts.nul:
        raise FileRefusedError(
            FileReason.BINARY, "the file is binary, and none of the formats that can be read"
        )
    if facts.utf8:
        return "utf-8"
    return "latin-1" if facts.undefined else "cp1252"


def _decodes(path: Path, encoding: str) -> bool:
    decoder = codecs.getincrementaldecoder(encoding)()
    try:
        return not any("\0" in decoder.decode(chunk, final=not chunk) for chunk in _chunks(path))
    except UnicodeError:
        return False


def _chunks(path: Path) -> Iterator[bytes]:
    """Yield the file's bytes, and an empty chunk at its end."""
    with path.open("rb") as stream:
        while chunk := stream.read(_CHUNK):
            yield chunk
    yield b""


class _Utf8(io.RawIOBase):
    """A text file in any encoding, read as UTF-8."""

    def __init__(self, file: TextFile) -> None:
        self._text = file.path.open(
            encoding=file.encoding, newline=None if file.old_line_ends else "", errors="strict"
        )
        self._left = b""

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: memoryview) -> int:  # type: ignore[override]
        while not self._left:
            text = self._text.read(_CHUNK // 4)
            if not text:
                return 0
            self._left = text.encode("utf-8", errors="replace")
        size = min(len(buffer), len(self._left))
        buffer[:size] = self._left[:size]
        self._left = self._left[size:]
        return size

    def close(self) -> None:
        self._text.close()
        super().close()
