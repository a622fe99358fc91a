"""What is kept of a release from one look to the next: sums and counts, so that each look reads what is new only."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Any, Self

import numpy as np

from headrace.aws.capture_window import START, Checkpoint
from headrace.ml.arrays import Floats
from headrace.ml.release.sequential import Split
from headrace.ml.release.shadow import Agreement, Pairs
from headrace.ml.release.shift import Stratum, with_stratum

_MOST_LOOKS = 500
"""Of the history: as many as a release has."""


@dataclass(frozen=True)
class Reading:
    """How far the captured requests of one model have been read.

    Parameters
    ----------
    checkpoint : Checkpoint
        Objects that have been read, or were left out.
    requests, rows : int
        That have been read of this release.
    unreadable : int
        Records that are none, or answers in no known form.
    left_out : int
        Objects that were not read because there were too many: an even choice of the others was.
    """

    checkpoint: Checkpoint = START
    requests: int = 0
    rows: int = 0
    unreadable: int = 0
    left_out: int = 0

    def as_dict(self) -> dict[str, Any]:
        """Return it as JSON has it."""
        checkpoint = self.checkpoint
        return {
            "taken_upto": checkpoint.taken_upto.isoformat(),
            "newest_hour": checkpoint.newest_hour.isoformat(),
            "seen": sorted(checkpoint.seen),
            **self.counts(),
        }

    def counts(self) -> dict[str, int]:
        """Return what was counted."""
        return {
            "requests": self.requests,
            "rows": self.rows,
            "unreadable": self.unreadable,
            "left_out": self.left_out,
        }

    @classmethod
    def from_dict(cls, document: Mapping[str, Any]) -> Self:
        """Read what `as_dict` wrote."""
        checkpoint = Checkpoint(
            datetime.fromisoformat(document["taken_upto"]),
            datetime.fromisoformat(document["newest_hour"]),
            frozenset(document["seen"]),
        )
        return cls(checkpoint, **{name: document[name] for name in cls().counts()})


@dataclass(frozen=True)
class Memory:
    """All that one look leaves to the next.

    Parameters
    ----------
    execution : str
        Whose release it is; another one begins with nothing.
    champion, challenger : Reading
        How far their captured requests have been read.
    strata : tuple of Stratum
        Their answers.
    agreement : Agreement or None
        Of a shadow.
    unpaired : mapping of str to list
        Requests of a shadow that only one model's capture has shown yet: role, labels and scores by request.
    split : Split or None
        Losses of an A/B by labels.
    pairs : Pairs or None
        Losses of a shadow by labels.
    labels : mapping of str to int
        How many rows of each labelled file have been seen.
    estimated : mapping of str to list of float
        Summaries of recorded predictions, by variant.
    recorded : frozenset of str
        Files of recorded predictions that are in them.
    history : tuple of mapping
        What each look found, in short; the oldest first.
    looked_at : str
        When the last look was, ISO 8601; empty before the first.
    """

    execution: str
    champion: Reading = field(default_factory=Reading)
    challenger: Reading = field(default_factory=Reading)
    strata: tuple[Stratum, ...] = ()
    agreement: Agreement | None = None
    unpaired: Mapping[str, list[Any]] = field(default_factory=dict)
    split: Split | None = None
    pairs: Pairs | None = None
    labels: Mapping[str, int] = field(default_factory=dict)
    estimated: Mapping[str, list[float]] = field(default_factory=dict)
    recorded: frozenset[str] = frozenset()
    history: tuple[Mapping[str, Any], ...] = ()
    looked_at: str = ""

    @classmethod
    def of(cls, document: Mapping[str, Any] | None, execution: str) -> Self:
        """Read what `as_dict` wrote; nothing is remembered of another execution's release."""
        if document is None or document["execution"] != execution:
            return cls(execution)
        made = {
            "champion": Reading.from_dict(document["champion"]),
            "challenger": Reading.from_dict(document["challenger"]),
            "strata": tuple(map(Stratum.from_dict, document["strata"])),
            "agreement": document["agreement"] and Agreement.from_dict(document["agreement"]),
            "split": document["split"] and Split.from_dict(document["split"]),
            "pairs": document["pairs"] and Pairs.from_dict(document["pairs"]),
            "recorded": frozenset(document["recorded"]),
            "history": tuple(document["history"]),
        }
        return cls(**{**document, **made})

    def as_dict(self) -> dict[str, Any]:
        """Return it as JSON has it."""
        return {
            "execution": self.execution,
            "champion": self.champion.as_dict(),
            "challenger": self.challenger.as_dict(),
            "strata": [stratum.as_dict() for stratum in self.strata],
            "agreement": self.agreement and self.agreement.as_dict(),
            "unpaired": dict(self.unpaired),
            "split": self.split and self.split.as_dict(),
            "pairs": self.pairs and self.pairs.as_dict(),
            "labels": dict(self.labels),
            "estimated": dict(self.estimated),
            "recorded": sorted(self.recorded),
            "history": list(self.history),
            "looked_at": self.looked_at,
        }

    def from_share(self, since: datetime) -> Memory:
        """Return the memory once requests are shared as they are since `since`."""
        if self.strata and self.strata[-1].since == since.isoformat():
            return self
        return replace(self, strata=with_stratum(self.strata, since.isoformat()))

    def after_look(self, in_short: Mapping[str, Any], now: datetime) -> Memory:
        """Return the memory with one look more in its history."""
        return replace(self, history=(*self.history, in_short)[-_MOST_LOOKS:], looked_at=now.isoformat())

    @property
    def rows(self) -> tuple[int, int]:
        """Rows that the champion, and the challenger, have answered."""
        return self.champion.rows, self.challenger.rows

    def summary(self, variant: str) -> Floats | None:
        """Return the summary of a variant's recorded predictions."""
        values = self.estimated.get(variant)
        return None if values is None else np.array(values, dtype=np.float64)
