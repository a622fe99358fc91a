"""XML read piece by piece: nothing is fetched or expanded, and no part is ever in memory whole."""

from __future__ import annotations

from collections.abc import Iterator
from typing import IO, Any, Protocol
from xml.parsers import expat

from headrace.ml.files.refusal import FileReason, FileRefusedError

_CHUNK = 2**16
_DEEPEST = 64
_LONGEST_TOKEN = 2**20


class BrokenXmlError(Exception):
    """The part is no XML, or no such as spreadsheet programs write."""


class XmlReader(Protocol):
    """What is told of a document's content. Names of elements come without their prefix."""

    def enter(self, name: str, attributes: dict[str, str]) -> None:
        """Note that an element begins."""
        ...

    def leave(self, name: str) -> None:
        """Note that an element ends."""
        ...

    def add(self, text: str) -> None:
        """Note text, or a piece of one."""
        ...


def pieces(source: IO[bytes], reader: XmlReader) -> Iterator[None]:
    """Tell a reader what is in a document, and stop after every piece of it.

    Raises
    ------
    BrokenXmlError
        If it is damaged, or nested more deeply than any spreadsheet program writes it.
    FileRefusedError
        If it declares a document type, which is where entities are declared.
    """
    parser, depth = _parser(reader)
    fed = 0
    try:
        while piece := source.read(_CHUNK):
            parser.Parse(piece, False)
            fed += len(piece)
            if fed - parser.CurrentByteIndex > _LONGEST_TOKEN or depth() > _DEEPEST:
                raise BrokenXmlError
            yield
        parser.Parse(b"", True)
    except expat.ExpatError:
        raise BrokenXmlError from None
    yield


def read_whole(source: IO[bytes], reader: XmlReader) -> None:
    """Tell a reader all that is in a document."""
    for _ in pieces(source, reader):
        pass


def _parser(reader: XmlReader) -> tuple[Any, Any]:
    """Return a parser, and a function that tells how many elements are open."""
    parser: Any = expat.ParserCreate()
    enter, leave, depth = reader.enter, reader.leave, 0

    def start(name: str, attributes: dict[str, str]) -> None:
        nonlocal depth
        depth += 1
        enter(name[name.rfind(":") + 1 :], attributes)

    def end(name: str) -> None:
        nonlocal depth
        depth -= 1
        leave(name[name.rfind(":") + 1 :])

    parser.buffer_text = True
    parser.StartElementHandler = start
    parser.EndElementHandler = end
    parser.CharacterDataHandler = reader.add
    parser.StartDoctypeDeclHandler = _refuse_doctype
    return parser, lambda: depth


def _refuse_doctype(*_: object) -> None:
    why = "the workbook declares XML entities, which no spreadsheet program does: save it anew, or as CSV"
    raise FileRefusedError(FileReason.ACTIVE_CONTENT, why)
