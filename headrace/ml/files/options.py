"""What may be read, and what is known of a file before it is opened."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from headrace.ml.files.refusal import FileReason, FileRefusedError

_MB = 2**20
_MOST_ROWS_OF_A_BLOCK = 10_000
_CELLS_OF_A_BLOCK = 2**18


def rows_of_block(columns: int) -> int:
    """Return how many rows are read at a time, so that even wide ones take little memory.

    Examples
    --------
    >>> rows_of_block(15), rows_of_block(2000)
    (10000, 131)
    """
    return max(1, min(_MOST_ROWS_OF_A_BLOCK, _CELLS_OF_A_BLOCK // columns))


@dataclass(frozen=True)
class Corpus:
    """What becomes of single texts or images that lie in folders, one folder for each class.

    Parameters
    ----------
    target : str
        The column for the class, which is the name of the folder.
    column : str
        The column for the text, or for the image in base64.
    kind : {"text", "image"}
        Which of the two they are.
    id : str or None
        The column for where they lie, if there is one.
    """

    target: str
    column: str
    kind: Literal["text", "image"]
    id: str | None = None


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
    corpus : Corpus or None
        What single texts and images become; None refuses them.
    key : str
        Where the file was dropped: the folder of a single text or image is its class.
    longest_cell : int
        Characters; what is longer is cut where it is read, and refused where cells are judged.
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
    corpus: Corpus | None = None
    key: str = ""
    longest_cell: int = 2**17
    block_bytes: int = _MB

    @property
    def max_bytes(self) -> int:
        """`max_mb` in bytes."""
        return self.max_mb * _MB

    def too_large(self) -> FileRefusedError:
        """Return the refusal of a file beyond `max_mb`."""
        why = f"unpacked, the file is larger than {self.limit} ({self.max_mb} MB)"
        return FileRefusedError(FileReason.TOO_LARGE, why)
