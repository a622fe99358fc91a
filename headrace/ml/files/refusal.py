"""Why a whole file is refused."""

from __future__ import annotations

from collections.abc import Mapping
from enum import StrEnum


class FileReason(StrEnum):
    """Why a file goes to quarantine whole; `text` says it in words."""

    OBJECT_MISSING = "object_missing"
    EMPTY = "empty"
    NO_ROWS = "no_rows"
    TOO_LARGE = "too_large"
    TOO_WIDE = "too_wide"
    LINE_TOO_LONG = "line_too_long"
    NOT_A_TABLE = "not_a_table"
    BINARY = "binary"
    ENCODING = "encoding"
    BROKEN_QUOTES = "broken_quotes"
    NO_HEADER = "no_header"
    UNNAMED_COLUMN = "unnamed_column"
    DUPLICATE_COLUMN = "duplicate_column"
    DAMAGED = "damaged"
    BROKEN_ARCHIVE = "broken_archive"
    ARCHIVE_CONTENT = "archive_content"
    ENCRYPTED = "encrypted"
    ACTIVE_CONTENT = "active_content"
    NESTED = "nested"
    CODEC = "codec"
    CONTRACT = "contract"
    CONTRACT_MISSING_COLUMN = "contract_missing_column"
    CONTRACT_NEW_COLUMN = "contract_new_column"
    CONTRACT_KIND_CHANGED = "contract_kind_changed"
    CONTRACT_LABELS = "contract_labels"
    CLEANING_STEP = "cleaning_step"
    TOO_MANY_BAD_ROWS = "too_many_bad_rows"
    PERSONAL_DATA = "personal_data"
    MANIFEST = "manifest"
    LARGE_JOB_FAILED = "large_job_failed"

    @property
    def is_breach(self) -> bool:
        """Whether the file breaks the contract: its maker has changed something."""
        return self.startswith("contract")

    @property
    def text(self) -> str:
        """What is wrong with the file, as the end of a sentence about it."""
        return _TEXTS[self]


_TEXTS = {
    FileReason.OBJECT_MISSING: "was deleted before it could be read",
    FileReason.EMPTY: "is empty",
    FileReason.NO_ROWS: "has column names and no rows",
    FileReason.TOO_LARGE: "is larger than `ingest.max_file_mb` or `large_data.max_gb`, as it is or unpacked",
    FileReason.TOO_WIDE: "has more columns than `ingest.max_columns`",
    FileReason.LINE_TOO_LONG: "has a line or a JSON value longer than a megabyte; of CSV, longer than several",
    FileReason.NOT_A_TABLE: "is a web page, XML or another text that is no table",
    FileReason.BINARY: "is none of the formats that can be read",
    FileReason.ENCODING: "is not text in the encoding that `ingest.encoding` names",
    FileReason.BROKEN_QUOTES: "has quotes that are never closed",
    FileReason.NO_HEADER: "does not name its columns, and the pipeline does not know them yet",
    FileReason.UNNAMED_COLUMN: "has a column without a name",
    FileReason.DUPLICATE_COLUMN: "has two columns of one name, or of names that look the same",
    FileReason.DAMAGED: "is cut or damaged",
    FileReason.BROKEN_ARCHIVE: "is an archive that is cut or damaged",
    FileReason.ARCHIVE_CONTENT: "is an archive that does not hold exactly one table",
    FileReason.ENCRYPTED: "is protected by a password",
    FileReason.ACTIVE_CONTENT: "has macros, links to other files or XML entities",
    FileReason.NESTED: "has cells that are lists or structures",
    FileReason.CODEC: "is compressed in a way that this function cannot unpack",
    FileReason.CONTRACT: "is not what the pipeline file says: it lacks a column, or a target is no number",
    FileReason.CONTRACT_MISSING_COLUMN: "lacks columns that the files before had",
    FileReason.CONTRACT_NEW_COLUMN: "has columns that the files before did not have, and `contract.new_columns` is refuse",
    FileReason.CONTRACT_KIND_CHANGED: "has columns most of whose cells are of another kind than before",
    FileReason.CONTRACT_LABELS: "gives a binary target more than two labels",
    FileReason.CLEANING_STEP: "made a cleaning step of the pipeline file fail",
    FileReason.TOO_MANY_BAD_ROWS: "has a larger share of bad rows than `ingest.max_bad_row_share`",
    FileReason.PERSONAL_DATA: "has columns that look personal and are not declared, and `privacy.undeclared` is quarantine",
    FileReason.MANIFEST: "is a manifest that does not list files of this pipeline",
    FileReason.LARGE_JOB_FAILED: "is large, and the job that cleans large files has failed",
}


class FileRefusedError(Exception):
    """A whole file goes to quarantine.

    Parameters
    ----------
    reason : FileReason
        For machines.
    why : str
        For people; says what to do, and repeats nothing of the content.
    personal : mapping of str to str
        Columns that look personal, and as what, if that is the reason.
    """

    def __init__(self, reason: FileReason, why: str, personal: Mapping[str, str] | None = None) -> None:
        super().__init__(why)
        self.reason, self.why, self.personal = reason, why, personal or {}
