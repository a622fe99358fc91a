"""Snapshots that are too large for a function on their way through the Spark job."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass, replace
from typing import Any, Literal

from headrace.aws.json_folder import JsonFolder
from headrace.ml.contract import Contract
from headrace.ml.data_window import WindowRule
from headrace.ml.recency import Earlier, rule_identity
from headrace.ml.snapshot_rows import contract_kinds
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
    window : WindowRule or None
        Which of them are learned from; None means all alike.
    earlier : Earlier or None
        What the model in service was made from; None without one.
    """

    files: tuple[Mapping[str, Any], ...]
    contract: Contract
    rule: SplitRule
    same_id: Literal["newest", "oldest"] = "newest"
    window: WindowRule | None = None
    earlier: Earlier | None = None

    @property
    def curated(self) -> list[str]:
        """URIs of the curated files, oldest first."""
        return [uri for item in self.files for uri in item["curated_paths"]]

    @property
    def had(self) -> list[bool]:
        """Whether the model in service was made from each of them."""
        accepted = self.earlier.accepted if self.earlier else frozenset()
        return [item["sk"] in accepted for item in self.files for _ in item["curated_paths"]]

    @property
    def identity(self) -> dict[str, Any]:
        """How rows are dealt, as far as two test parts must agree on it."""
        return rule_identity(self.rule, contract_kinds(self.contract))

    def dealt_with(self, salt: int | None) -> SnapshotOrder:
        """Return the order with the salt of a stratified split."""
        return replace(self, rule=replace(self.rule, salt=salt))

    def as_dict(self) -> dict[str, Any]:
        """Return it as JSON has it."""
        return {
            "files": self.files,
            "contract": self.contract.as_dict(),
            "rule": asdict(self.rule),
            "same_id": self.same_id,
            "window": self.window and asdict(self.window),
            "earlier": self.earlier and self.earlier.as_dict(),
        }

    @classmethod
    def from_dict(cls, document: Mapping[str, Any]) -> SnapshotOrder:
        """Read what `as_dict` wrote."""
        contract, rule = Contract.from_dict(document["contract"]), SplitRule(**document["rule"])
        window, earlier = document["window"], document["earlier"]
        return cls(
            tuple(document["files"]),
            contract,
            rule,
            document["same_id"],
            WindowRule(**window) if window else None,
            Earlier.from_dict(earlier) if earlier else None,
        )


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
    learned_upto : str, float or None
        Dealt by time: the last moment of training and validation rows.
    window : mapping or None
        How the window turned out, as `Window` writes it.
    refused : str or None
        Why there is no snapshot.
    salt : int or None
        Of a stratified split.
    """

    content_hash: str = ""
    parts: Mapping[str, Mapping[str, Any]] | None = None
    replaced: int = 0
    sources: tuple[Mapping[str, Any], ...] = ()
    learned_upto: str | float | None = None
    window: Mapping[str, Any] | None = None
    refused: str | None = None
    salt: int | None = None


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
