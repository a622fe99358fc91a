"""What happens to a file before the model sees it: read, judged row by row, written as records."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, Protocol

from headrace.aws.dropped_files import DroppedFile
from headrace.config.batch import Batch
from headrace.config.pipeline import Pipeline
from headrace.config.reading import read_options
from headrace.ml.batch.inference_ids import batch_inference_id
from headrace.ml.batch.records import Asking
from headrace.ml.cleaning_steps.registry import CleaningStepError
from headrace.ml.deployed_model import DeployedModel
from headrace.ml.files.options import ReadOptions
from headrace.ml.files.refusal import FileReason, FileRefusedError
from headrace.ml.files.table_file import TableFile, open_table
from headrace.ml.privacy.protection import Protection, protected
from headrace.ml.refused_file import RefusedFile
from headrace.ml.rejections import Summary

PART_BYTES = 2**24
"""Of a part of the records, which lies in memory; instances share the parts of a file."""


class Files(Protocol):
    """What is needed of the data bucket."""

    def fetch(self, file: DroppedFile, path: Path) -> str:
        """Write the file to `path` and return its SHA-256; `FileRefusedError` if it is gone."""
        ...


class Folder(Protocol):
    """What is needed of the folder of the transform job."""

    def put_records(self, part: int, lines: bytes) -> None:
        """Write a part of the records."""
        ...

    def put_prepared(self, document: dict[str, Any], rejected: Path | None) -> None:
        """Write what is known of the file, and the rows that were refused."""
        ...


class NoBaselineError(Exception):
    """Nobody knows the features of the model in service; the text says what to do."""


@dataclass
class _Parts:
    """Records on their way, part by part."""

    folder: Folder
    count: int = 0
    _waiting: list[bytes] = field(default_factory=list)
    _bytes: int = 0

    def add(self, records: list[bytes]) -> None:
        for record in records:
            self._waiting.append(record)
            self._bytes += len(record) + 1
            if self._bytes >= PART_BYTES:
                self.flush()

    def flush(self) -> None:
        if self._waiting:
            self.folder.put_records(self.count, b"\n".join([*self._waiting, b""]))
            self.count, self._waiting, self._bytes = self.count + 1, [], 0


def prepare_batch(
    file: DroppedFile,
    pipeline: Pipeline,
    baseline: Mapping[str, Any] | None,
    files: Files,
    folder: Folder,
    scratch: Path,
    protection: Protection | None = None,
) -> dict[str, Any]:
    """Write the records of a file, and tell how many there are; a file that cannot be read at all is a ``refusal``.

    Calling it again writes the same objects.

    Parameters
    ----------
    file : DroppedFile
        Which.
    pipeline : Pipeline
        How files are read, and what stands beside predictions.
    baseline : mapping or None
        Of the model in service: its features, and the steps that cleaned the rows of its training.
    files, folder : Files, Folder
        Where the file is, and where its records go.
    scratch : Path
        An empty folder with room for three times the largest file.
    protection : Protection, optional
        What is to be hidden of the file.
    """
    if baseline is None:
        raise NoBaselineError(
            "the model in service has no baseline, which says what it is asked: deploy another"
        )
    model = DeployedModel.of(baseline)
    try:
        return _prepare(file, pipeline, model, files, folder, scratch, protection)
    except FileRefusedError as refused:
        return _refusal(str(refused.reason), refused.why)
    except CleaningStepError as error:
        return _refusal(str(FileReason.CLEANING_STEP), str(error))


def _prepare(
    file: DroppedFile,
    pipeline: Pipeline,
    model: DeployedModel,
    files: Files,
    folder: Folder,
    scratch: Path,
    protection: Protection | None,
) -> dict[str, Any]:
    options = _options(pipeline, model, file.key)
    if file.size_bytes > options.max_bytes:
        raise options.too_large()
    sha256 = files.fetch(file, scratch / "dropped")
    table = protected(open_table(scratch / "dropped", scratch, options), protection)
    batch = pipeline.endpoint.batches or Batch()
    asking = Asking.of(model.cleaning, table.names, batch.columns, pipeline.id)
    rows, summary, rejected = _written(table, asking, folder, scratch)
    known = {
        "rows": rows,
        "refused": summary.as_dict(),
        "beside": list(asking.beside),
        "id": asking.id,
        "classes": list(model.classes),
        "inference_id": batch_inference_id(file.key, sha256),
    }
    folder.put_prepared(known, rejected)
    return {"rows": rows, "refused": summary.rows, "refusal": None}


def _written(
    table: TableFile, asking: Asking, folder: Folder, scratch: Path
) -> tuple[int, Summary, Path | None]:
    parts, summary, rows = _Parts(folder), Summary(), 0
    refused = RefusedFile(scratch / "rejected.csv")
    for block in table.blocks():
        judged = asking.judge(block)
        rows += len(judged.records)
        parts.add(judged.records)
        if judged.rejected is not None:
            summary.add(judged.rejections)
            refused.add(judged.rejected)
    parts.flush()
    return rows, summary, refused.close()


def _options(pipeline: Pipeline, model: DeployedModel, key: str) -> ReadOptions:
    """Return how a file is read: as one that is dropped to be learnt from, but that its columns are the model's."""
    names = tuple(column.name for column in model.cleaning.wanted)
    options = read_options(pipeline)
    return replace(options, columns=names, expected=frozenset((*options.expected, *names)), key=key)


def _refusal(code: str, why: str) -> dict[str, Any]:
    return {"rows": 0, "refused": 0, "refusal": {"code": code, "why": why}}
