"""Snapshots that are too large for a function on their way through the Spark job."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any, Literal

from headrace.aws.json_folder import JsonFolder
from headrace.ml.contract import Contract
from headrace.ml.split import SplitRule

ORDERS = "snapshots/orders/"
"""Prefix, in the artifacts bucket, of what lies between a function and the job."""


@dataclass(frozen=True)
class SnapshotOrder:
    """What the job is to do.

    Parameters
    ----------
    files : tuple of mapping
        The ledger's items of the accepted files, oldest first, with their ``curated_paths``.
    contract : Contract
        What their rows are.
    rule : SplitRule
        How they are dealt.
    same_id : {"newest", "oldest"}
        Which of several rows with the same id stays.
    """

    files: tuple[Mapping[str, Any], ...]
    contract: Contract
    rule: SplitRule
    same_id: Literal["newest", "oldest"] = "newest"

    @property
    def curated(self) -> list[str]:
        """URIs of the curated files, oldest first."""
        return [uri for item in self.files for uri in item["curated_paths"]]

    def as_dict(self) -> dict[str, Any]:
        """Return it as JSON has it."""
        return {
            "files": self.files,
            "contract": self.contract.as_dict(),
            "rule": asdict(self.rule),
            "same_id": self.same_id,
        }

    @classmethod
    def from_dict(cls, document: Mapping[str, Any]) -> SnapshotOrder:
        """Read what `as_dict` wrote."""
        contract, rule = Contract.from_dict(document["contract"]), SplitRule(**document["rule"])
        return cls(tuple(document["files"]), contract, rule, document["same_id"])


@dataclass(frozen=True)
class SnapshotOutcome:
    """What the job has written.

    Parameters
    ----------
    content_hash : str
        As that of a snapshot which a function makes of the same rows.
    parts : mapping
        By part, its rows and its files.
    replaced : int
        Rows that a newer row with the same id has replaced.
    sources : tuple of mapping
        Of each curated file, in order: ``uri``, ``version_id``, ``sha256``, ``rows``.
    refused : str or None
        Why there is no snapshot.
    """

    content_hash: str = ""
    parts: Mapping[str, Mapping[str, Any]] | None = None
    replaced: int = 0
    sources: tuple[Mapping[str, Any], ...] = ()
    refused: str | None = None


class SnapshotFolder(JsonFolder):
    """What lies below ``snapshots/orders/<run>/`` of the artifacts bucket."""

    def order(self) -> SnapshotOrder:
        """Return the order."""
        return SnapshotOrder.from_dict(self._read("order.json"))

    def write_order(self, order: SnapshotOrder) -> None:
        """Write the order, replacing one of an earlier attempt."""
        self._write("order.json", order.as_dict())

    def outcome(self) -> SnapshotOutcome:
        """Return the outcome."""
        document = self._read("outcome.json")
        return SnapshotOutcome(**{**document, "sources": tuple(document["sources"])})

    def write_outcome(self, outcome: SnapshotOutcome) -> None:
        """Write the outcome."""
        self._write("outcome.json", asdict(outcome))
