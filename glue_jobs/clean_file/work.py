"""What one executor does with its share of a file."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, TypeVar

import boto3
import numpy as np

from headrace.aws.curated_names import curated_key
from headrace.aws.large_files import LargeFileOrder, WorkFolder
from headrace.aws.object_bytes import ObjectBytes
from headrace.aws.privacy import KeySecrets, protection_of
from headrace.ml.arrays import Hashes, Ints
from headrace.ml.clean_part import FILES, FinishedPart, Part, clean_parts, finish_part, read_keys
from headrace.ml.cleaning_steps.registry import CleaningStepError
from headrace.ml.contract import Contract, ContractError
from headrace.ml.file_contract import proposed_contract, rows_needed
from headrace.ml.files.parquet_pages import Pages
from headrace.ml.files.ranges import ByteRange, Dialect, Survey, survey
from headrace.ml.files.refusal import FileReason, FileRefusedError
from headrace.ml.files.small import head_of
from headrace.ml.files.split_file import SplitFile
from headrace.ml.files.split_parquet import SplitParquet
from headrace.ml.files.table_file import TableFile, open_table
from headrace.ml.observation import Observer
from headrace.ml.privacy.detection import look_for_personal
from headrace.ml.privacy.protection import Protection, protected
from headrace.ml.privacy.redaction import redact_errors
from headrace.ml.rejections import Summary
from headrace.ml.text_table import TextTable

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client

Answer = TypeVar("Answer")


@dataclass(frozen=True)
class Refusal:
    """Why the whole file is refused: an exception would reach the driver as text alone."""

    reason: FileReason
    why: str
    personal: Mapping[str, str] = field(default_factory=dict)

    def error(self) -> FileRefusedError:
        """Return it as an exception."""
        return FileRefusedError(self.reason, self.why, self.personal)


@dataclass(frozen=True)
class StagedPart:
    """A cleaned part that waits in the work folder.

    Parameters
    ----------
    range, index : int
        Which range of the file, and which part of that.
    files : tuple of str
        Names of its files.
    part : Part
        How many rows it has.
    """

    range: int
    index: int
    files: tuple[str, ...]
    part: Part

    @property
    def name(self) -> str:
        """Its folder below the work folder."""
        return f"parts/{self.range:05d}-{self.index:05d}/"


@dataclass(frozen=True)
class WrittenPart:
    """What became of a part.

    Parameters
    ----------
    number : int
        Its place among the parts of the file.
    curated : str or None
        URI of the good rows; None if there are none.
    rejected : str or None
        Name of the refused rows below the work folder.
    rows : int
        Good rows.
    duplicates : Summary
        Rows refused because their id comes again.
    """

    number: int
    curated: str | None
    rejected: str | None
    rows: int
    duplicates: Summary


@dataclass(frozen=True)
class Task:
    """What all executors know.

    Parameters
    ----------
    folder : str
        URI of the work folder.
    order : LargeFileOrder
        What is to be done.
    contract : Contract
        What rows must look like.
    names : list of str
        Columns of the file that may be seen.
    personal : mapping of str to str
        Those that look personal and are not declared, and as what they look.
    """

    folder: str
    order: LargeFileOrder
    contract: Contract
    names: list[str]
    personal: Mapping[str, str]

    def observer(self) -> Observer:
        """Return somebody who has seen no rows yet."""
        return Observer(self.contract, thorough=self.order.contract is None)


@dataclass(frozen=True)
class CleanedRange:
    """What one executor has made of a range.

    Parameters
    ----------
    task : Task
        With the contract and the columns.
    parts : list of StagedPart
        In the order of the file.
    observer : Observer
        Has seen the good rows.
    """

    task: Task
    parts: list[StagedPart]
    observer: Observer


@cache
def s3() -> S3Client:
    """Return this process's client."""
    return boto3.client("s3")


@redact_errors
def survey_piece(order: LargeFileOrder, dialect: Dialect, piece: ByteRange) -> Survey | Refusal | None:
    """Look at one piece of the file."""
    with _Refusing() as refusing:
        return survey(ObjectBytes(s3(), order.file).read, piece, dialect, order.options)
    return refusing.refusal()


@redact_errors
def survey_groups(order: LargeFileOrder, split: SplitParquet, index: int) -> Pages | Refusal:
    """Look at the pages of one part of a Parquet file."""
    with tempfile.TemporaryDirectory() as scratch, _Refusing() as refusing:
        path = Path(scratch) / "groups"
        ObjectBytes(s3(), order.file).copy(path, split.copies(index))
        return split.table(index, path).pages()
    return refusing.refusal()


@redact_errors
def clean_range(task: Task, split: SplitFile | SplitParquet, index: int) -> CleanedRange | Refusal:
    """Clean one range of the file."""
    with tempfile.TemporaryDirectory() as scratch, _Refusing() as refusing:
        path = Path(scratch) / "range"
        ObjectBytes(s3(), task.order.file).copy(path, split.copies(index))
        table = protected(split.table(index, path), protection(task.order))
        return _staged(task, table, index, Path(scratch) / "parts")
    return refusing.refusal()


@redact_errors
def clean_whole(folder: str, order: LargeFileOrder, size: int) -> CleanedRange | Refusal:
    """Clean a file that only one machine can read."""
    with tempfile.TemporaryDirectory() as scratch, _Refusing() as refusing:
        path, unpacked = Path(scratch) / "dropped", Path(scratch) / "unpacked"
        unpacked.mkdir()
        ObjectBytes(s3(), order.file).fetch(path, 0, size)
        table = protected(open_table(path, unpacked, order.options), protection(order))
        task = task_of(folder, order, head_of(table, rows=rows_needed(order.contract)), table.names)
        return _staged(task, table, 0, Path(scratch) / "parts")
    return refusing.refusal()


def protection(order: LargeFileOrder) -> Protection | None:
    """Return what is to be hidden of the file, with the key."""
    return protection_of(order.protection, KeySecrets(order.key_arn))


def task_of(folder: str, order: LargeFileOrder, head: TextTable, names: list[str]) -> Task:
    """Return what the file is to be cleaned against, by its first rows, of which nothing may be seen that is hidden."""
    contract = proposed_contract(order.contract, head, order.fields, order.rules, retry=order.file.is_retry)
    return Task(folder, order, contract, names, look_for_personal(head.cells, order.protection))


class _Refusing:
    """Turns what refuses a file into a value."""

    def __init__(self) -> None:
        self._refusal: Refusal | None = None

    def __enter__(self) -> _Refusing:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, _: object) -> bool:
        if error is not None:
            self._refusal = refusal_of(error)
        return self._refusal is not None

    def refusal(self) -> Refusal:
        """Return what was raised."""
        assert self._refusal is not None
        return self._refusal


def accepted(answer: Answer | Refusal) -> Answer:
    """Return what an executor has answered; raise if it is a refusal."""
    if isinstance(answer, Refusal):
        raise answer.error()
    return answer


def refusal_of(error: BaseException) -> Refusal | None:
    """Return why a file is refused, or None for an error that says nothing about it."""
    if isinstance(error, FileRefusedError):
        return Refusal(error.reason, error.why, error.personal)
    if isinstance(error, ContractError):
        return Refusal(FileReason.CONTRACT, str(error))
    if isinstance(error, CleaningStepError):
        return Refusal(FileReason.CLEANING_STEP, str(error))
    return None


def _staged(task: Task, table: TableFile, range_: int, scratch: Path) -> CleanedRange:
    """Clean a table, and put its parts into the work folder as they are made."""
    work, staged, observer = WorkFolder.at(s3(), task.folder), [], task.observer()
    for index, (path, part) in enumerate(clean_parts(table, task.contract, scratch, observer)):
        files = tuple(name for name in FILES if (path / name).exists())
        here = StagedPart(range_, index, files, part)
        for name in files:
            work.upload(path / name, here.name + name)
            (path / name).unlink()
        staged.append(here)
    return CleanedRange(task, staged, observer)


@redact_errors
def finish(task: Task, number: int, part: StagedPart, rows_before: int, repeats: Ints) -> WrittenPart:
    """Write the final files of a part: its good rows into the curated ones, its refused rows into the work folder."""
    work = WorkFolder.at(s3(), task.folder)
    with tempfile.TemporaryDirectory() as scratch:
        _fetched(task.folder, part, Path(scratch), part.files)
        done = finish_part(Path(scratch), task.contract, task.names, rows_before=rows_before, repeats=repeats)
        rejected = f"{part.name}rejected.csv" if done.rejected else None
        if done.rejected and rejected:
            work.upload(done.rejected, rejected)
        return WrittenPart(number, _curated(task, number, done), rejected, done.rows, done.duplicates)


def _curated(task: Task, number: int, done: FinishedPart) -> str | None:
    if done.good is None:
        return None
    file = task.order.file
    key = curated_key(file.source, file.dropped_at[:10], number)
    s3().upload_file(str(done.good), file.bucket, key)
    return f"s3://{file.bucket}/{key}"


def _fetched(folder: str, part: StagedPart, scratch: Path, names: tuple[str, ...]) -> None:
    work = WorkFolder.at(s3(), folder)
    for name in names:
        if name in part.files:
            work.download(part.name + name, scratch / name)


@redact_errors
def shares(
    folder: str, number: int, part: StagedPart, buckets: int
) -> Iterator[tuple[tuple[int, int], tuple[int, Ints, Hashes]]]:
    """Yield the keys of a part in shares, each named by the number of the key: the same value is always in the same one."""
    with tempfile.TemporaryDirectory() as scratch:
        _fetched(folder, part, Path(scratch), ("keys.npz",))
        found = read_keys(Path(scratch))
    for key, (places, lanes) in enumerate(found):
        belongs = (lanes[:, 0] % np.uint64(buckets)).astype(np.int64)
        for bucket in np.unique(belongs):
            here = belongs == bucket
            yield (key, int(bucket)), (number, places[here], lanes[here])
