"""Looks at data before there is a pipeline: the first rows of a file, or of a folder of files, and how much there is."""

from __future__ import annotations

import gzip
import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

import pyarrow.parquet as pq

from headrace.ml.files import zip_archive
from headrace.ml.files.corpus import names_one
from headrace.ml.files.options import Corpus, ReadOptions
from headrace.ml.files.refusal import FileReason, FileRefusedError
from headrace.ml.files.small import head_of
from headrace.ml.files.table_file import open_table
from headrace.ml.text_table import TextTable

_ROWS = 100_000
_WHOLE_MB = 256
_PART_BYTES = 64 * 2**20
_UNLIMITED_MB = 2**30
_GZIP, _PARQUET = b"\x1f\x8b", b"PAR1"


@dataclass(frozen=True)
class DataSample:
    """What was seen.

    Parameters
    ----------
    first, last : TextTable
        The first rows of the first and of the last file, in the order of their names; the same for a single file.
    files : int
        How many files there are.
    largest_bytes : int
        Of the largest file, unpacked; estimated where it is packed.
    corpus : Corpus or None
        What the texts or images of the first file become, if it is an archive of them.
    """

    first: TextTable
    last: TextTable
    files: int
    largest_bytes: int
    corpus: Corpus | None = None


def look_at(path: Path, target: str) -> DataSample:
    """Read the first rows of a file, or of the first and the last file below a folder.

    The folders of an archive of texts or images are taken for the `target`.

    Raises
    ------
    FileRefusedError
        If a file holds no table.
    OSError
        If one cannot be read.
    """
    files = sorted(file for file in path.rglob("*") if _is_data(file, path)) if path.is_dir() else [path]
    if not files:
        raise FileRefusedError(FileReason.EMPTY, "the folder holds no files")
    corpus = _corpus_in(files[0], target)
    first = _first_rows(files[0], corpus)
    last = first if len(files) == 1 else _first_rows(files[-1], corpus)
    return DataSample(first, last, len(files), max(map(_unpacked_bytes, files)), corpus)


def _is_data(file: Path, folder: Path) -> bool:
    hidden = any(part.startswith((".", "_")) for part in file.relative_to(folder).parts)
    return file.is_file() and not hidden


def _corpus_in(path: Path, target: str) -> Corpus | None:
    """Return what the files of a ZIP archive become, if all of them are texts or all are images; else None."""
    if not _begins_with(path, zip_archive.MAGIC):
        return None
    with zip_archive.opened(path, ReadOptions(max_mb=_WHOLE_MB, limit="what is looked at")) as archive:
        names = [entry.filename for entry in zip_archive.files_in(archive)]
    kinds: tuple[Literal["text", "image"], ...] = ("text", "image")
    proposed = (Corpus(target, kind if kind != target else f"{kind}_file", kind) for kind in kinds)
    return next((c for c in proposed if names and all(names_one(name, c) for name in names)), None)


def _first_rows(path: Path, corpus: Corpus | None) -> TextTable:
    """Return rows as the ingestion will read them; of a long text only its beginning is looked at."""
    with tempfile.TemporaryDirectory() as scratch:
        most_mb = _UNLIMITED_MB if _begins_with(path, _PARQUET) else _WHOLE_MB
        whole = ReadOptions(max_mb=most_mb, corpus=corpus)
        try:
            file = open_table(path, Path(scratch), whole)
        except FileRefusedError as refused:
            if refused.reason != FileReason.TOO_LARGE:
                raise
            file = open_table(_beginning(path, Path(scratch)), Path(scratch), whole)
        table = head_of(file, rows=_ROWS)
    return TextTable(table.cells.slice(0, _ROWS), table.row_numbers[:_ROWS])


def _beginning(path: Path, folder: Path) -> Path:
    """Write the first whole lines to a file of their own."""
    part = folder / "beginning"
    with gzip.open(path) if _begins_with(path, _GZIP) else path.open("rb") as source:
        lines, newline, _ = source.read(_PART_BYTES).rpartition(b"\n")
    part.write_bytes(lines + newline)
    return part


def _unpacked_bytes(path: Path) -> int:
    size = path.stat().st_size
    if _begins_with(path, _PARQUET):
        about = pq.read_metadata(path)
        return sum(about.row_group(group).total_byte_size for group in range(about.num_row_groups))
    if not _begins_with(path, _GZIP):
        return size
    with path.open("rb") as packed, gzip.open(packed) as source:
        read = len(source.read(_PART_BYTES))
        return read if read < _PART_BYTES else size * read // packed.tell()


def _begins_with(path: Path, magic: bytes) -> bool:
    with path.open("rb") as stream:
        return stream.read(len(magic)) == magic
