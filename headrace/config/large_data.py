"""The block `large_data`: files that are too large for a function."""

from __future__ import annotations

from typing import Literal

from pydantic import Field

from headrace.config.block import Block

DPUS = {"G.1X": 1, "G.2X": 2, "G.4X": 4, "G.8X": 8}
"""Data processing units of one worker of each type: 4 vCPU and 16 GB of memory each [1]_.

References
----------
.. [1] AWS Glue developer guide, "Adding jobs in AWS Glue", worker types.
"""

_MINUTES_OF_AN_HOUR = 60


class LargeData(Block):
    """Files beyond `ingest.max_file_mb` are cleaned by Spark on AWS Glue, by many machines at the same time.

    Examples
    --------
    >>> block = LargeData(worker="G.2X", workers=10, max_dpu_hours=5)
    >>> block.timeout_minutes
    15
    """

    max_gb: int = Field(
        50, ge=1, le=1000, description="Larger files, unpacked, go to quarantine, in GB of 1024 MB."
    )
    worker: Literal["G.1X", "G.2X", "G.4X", "G.8X"] = Field(
        "G.1X", description="Glue's worker type: 1, 2, 4 or 8 DPUs of 4 vCPU and 16 GB."
    )
    workers: int = Field(5, ge=2, le=299, description="How many; one of them leads.")
    max_dpu_hours: float = Field(
        10,
        gt=0,
        le=10_000,
        description="A run that would take more is stopped, in DPU hours; each is billed.",
    )
    max_runs: int = Field(3, ge=1, le=50, description="Files that are cleaned at the same time; others wait.")

    @property
    def timeout_minutes(self) -> int:
        """After how many minutes a run has taken `max_dpu_hours`."""
        dpus = DPUS[self.worker] * self.workers
        return int(_MINUTES_OF_AN_HOUR * self.max_dpu_hours / dpus)
