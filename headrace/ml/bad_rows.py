"""When a file has so many bad rows that none of it is taken."""

from __future__ import annotations

from headrace.ml.files.refusal import FileReason, FileRefusedError
from headrace.ml.rejections import Reason, Summary


def bad_row_share(accepted: int, summary: Summary) -> float:
    """Return the share of bad rows among those that no filter drops, 0 to 1; 0 if there are none."""
    filtered = summary.by_reason().get(Reason.FILTERED, 0)
    received = accepted + summary.rows - filtered
    return (summary.rows - filtered) / received if received else 0.0


def check_share(accepted: int, summary: Summary, limit: float) -> None:
    """Refuse a file without rows, or with too many bad ones.

    Parameters
    ----------
    accepted : int
        Good rows.
    summary : Summary
        Bad ones.
    limit : float
        Largest share of bad rows, 0 to 1.

    Raises
    ------
    FileRefusedError
        If there are no rows, or more than `limit` of them are bad; the text names the most frequent fault.
    """
    if not accepted + summary.rows:
        raise no_rows()
    share = bad_row_share(accepted, summary)
    if share > limit:
        counts = summary.as_dict()["counts"]
        worst = next(count for count in counts if count["reason"] != Reason.FILTERED)
        most = f"column {worst['column']!r}: {worst['means']}" if worst["column"] else worst["means"]
        why = f"{share:.0%} of its rows are bad, more than ingest.max_bad_row_share; most often {most}"
        raise FileRefusedError(FileReason.TOO_MANY_BAD_ROWS, why)


def no_rows() -> FileRefusedError:
    """Return the refusal of a file that has a header alone."""
    return FileRefusedError(FileReason.NO_ROWS, "the file has column names and no rows")
