"""Proposes how data comes in: what takes large files, and what starts a training. Pure: sizes, counts and moments."""

from __future__ import annotations

from dataclasses import dataclass, field

from headrace.config.pipeline import Ingest

_MB = 2**20
_MB_PER_GB = 1024
_LARGEST_MB = 1500
"""What `ingest.max_file_mb` may be at most: beyond it begins Spark."""
_ROOM = 1.5
_MANY_FILES = 20
_DAY_S = 86_400
_MANY_FILES_A_DAY = 4
_SECONDS_OF_A_STREAM = 10


@dataclass(frozen=True)
class Flow:
    """How data comes.

    Parameters
    ----------
    files : int
        How many there are.
    largest_bytes : int
        Of the largest, unpacked.
    seconds : float or None
        From the first moment of the time column to the last that was seen; None if there is no such column.
    rows : int
        How many rows lie between the two.
    """

    files: int
    largest_bytes: int
    seconds: float | None = None
    rows: int = 0


@dataclass
class ArrivalProposal:
    """Lines of a pipeline file, and what a person should know about them."""

    lines: list[str] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)


def propose_arrival(flow: Flow) -> ArrivalProposal:
    """Propose the blocks `ingest`, `large_data`, `arrival` and `stream`, each only where the defaults would not do.

    * A file that is larger than the default limit raises the limit; one that is too large for a function is Spark's.
    * Many files are trained on together: once a day if they come several times a day, else when their batch is complete.
    * Rows that follow one another within seconds are a stream; because Kinesis costs money while nothing comes, it is
      proposed as a comment.

    Examples
    --------
    >>> propose_arrival(Flow(files=40, largest_bytes=2_000_000)).lines
    ['', 'arrival:', '  train: batch  # of 40 files: drop an empty object _SUCCESS behind them']
    """
    proposal = ArrivalProposal()
    _propose_size(flow, proposal)
    _propose_training(flow, proposal)
    _propose_stream(flow, proposal)
    return proposal


def _propose_size(flow: Flow, proposal: ArrivalProposal) -> None:
    size_mb = -(-flow.largest_bytes // _MB)
    if size_mb <= Ingest().max_file_mb:
        return
    wanted = round(_ROOM * size_mb)
    if wanted <= _LARGEST_MB:
        proposal.lines += ["", "ingest:", f"  max_file_mb: {wanted}  # the largest file has {size_mb} MB"]
        proposal.notes.append(f"a file of {size_mb} MB: one function cleans it")
        return
    wanted_gb = max(1, -(-wanted // _MB_PER_GB))
    proposal.lines += [
        "",
        "large_data:  # beyond what one function cleans: Spark on AWS Glue, billed by the second",
        f"  max_gb: {wanted_gb}",
    ]
    proposal.notes.append(f"a file of {size_mb} MB: it is cleaned distributed, by Spark")


def _propose_training(flow: Flow, proposal: ArrivalProposal) -> None:
    if flow.files < _MANY_FILES:
        return
    if flow.seconds and flow.files / (flow.seconds / _DAY_S) >= _MANY_FILES_A_DAY:
        proposal.lines += [
            "",
            "arrival:",
            "  train: schedule  # several files a day: one training for all of them",
            "  schedule: rate(1 day)",
            "retraining:",
            "  on: [drift, schedule]",
        ]
        proposal.notes.append("several files a day: trained on once a day, not at each of them")
        return
    proposal.lines += [
        "",
        "arrival:",
        f"  train: batch  # of {flow.files} files: drop an empty object _SUCCESS behind them",
    ]
    proposal.notes.append(f"{flow.files} files: trained on together, once an object _SUCCESS follows them")


def _propose_stream(flow: Flow, proposal: ArrivalProposal) -> None:
    if not flow.seconds or not flow.rows or flow.seconds / flow.rows > _SECONDS_OF_A_STREAM:
        return
    gap = flow.seconds / flow.rows
    proposal.lines += [
        "",
        f"# A row every {gap:.1f} s: to take them in and answer them one by one instead of as files, uncomment this.",
        "# stream:",
        "#   training: true",
        "#   scoring: true",
    ]
    proposal.notes.append(f"a row every {gap:.1f} s: a stream, if answers are needed at once (see `stream`)")
