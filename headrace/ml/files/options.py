"""What may be read, and what is known of a file before it is opened."""

from __future__ import annotations

from dataclasses import dataclass

from headrace.ml.files.refusal import FileReason, FileRefusedError

_MB = 2**20


@dataclass(frozen=True)
class ReadOptions:
    """Limits, and what the pipeline file says where looking at the file is not enough.

    Parameters
    ----------
    max_mb : int
        Size, unpacked, in MB.
    limit : str
        What the pipeline file calls that limit.
    max_columns : int
        Columns.
    encoding : str or None
        Python's name of the text encoding; None finds out.
    sheet : str or None
        Sheet of a workbook; None takes the first that is visible.
    columns : tuple of str
        Names for a file whose first line is a row already: those of the contract, in its order. Empty if unknown.
    expected : frozenset of str
        Names of which the first line must have one to be a header: the target, the contract's columns.
    block_bytes : int
        Text that is read at a time; no line may be longer.
    """

    max_mb: int = 100
    limit: str = "ingest.max_file_mb"
    max_columns: int = 2000
    encoding: str | None = None
    sheet: str | None = None
    columns: tuple[str, ...] = ()
    expected: frozenset[str] = frozenset()
    block_bytes: int = _MB

    @property
    def max_bytes(self) -> int:
        """`max_mb` in bytes."""
        return self.max_mb * _MB

    def too_large(self) -> FileRefusedError:
        """Return the refusal of a file beyond `max_mb`."""
        why = f"unpacked, the file is larger than {self.limit} ({self.max_mb} MB)"
        return FileRefusedError(FileReason.TOO_LARGE, why)
