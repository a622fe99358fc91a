"""Personal data: which columns hold it, who it is about, and how long it is kept."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field, StringConstraints

from headrace.config.block import Block, Column


class Privacy(Block):
    """What becomes of personal data before anything is stored outside of what was dropped.

    Examples
    --------
    >>> Privacy(personal={"email": "drop", "customer": "hash"}, subject="customer").hashed
    ('customer',)
    """

    personal: dict[Column, Literal["drop", "hash", "encrypt"]] = Field(
        default_factory=dict,
        description="Columns that hold personal data: drop leaves them out, hash stores a keyed HMAC-SHA-256 in their "
        "place, encrypt what `headrace decrypt` can read. No model ever sees them.",
    )
    subject: Column | None = Field(
        None,
        description="The column that identifies a person, by which `headrace erase` and `headrace export` find them.",
    )
    undeclared: Literal["warn", "quarantine", "off"] = Field(
        "warn",
        description="What happens if other columns look like e-mail addresses, telephone, card, bank account or social "
        "security numbers, or IP addresses: an alarm, or an alarm and the file goes to quarantine, or nobody looks.",
    )
    not_personal: tuple[Column, ...] = Field(
        (), description="Columns that are not looked at: what is found in them is no personal data."
    )
    raw_days: int | None = Field(
        None,
        ge=1,
        le=3650,
        description="Dropped files, `incoming/`, `batch/` and `feedback/`, are deleted after so many days; none keeps them.",
    )
    captured_days: int | None = Field(
        None,
        ge=1,
        le=3650,
        description="Captured requests, recorded predictions, batch predictions and labels are deleted after so many days; "
        "none keeps them. Not fewer than `feedback.within_days`.",
    )
    legal_hold: Annotated[str, StringConstraints(min_length=3, max_length=200)] | None = Field(
        None,
        description="Why nothing may be deleted, such as a lawsuit: `headrace erase` refuses, and nothing is deleted by its age: not by `raw_days` and `captured_days`, "
        "nor in quarantine, nor what asynchronous requests leave, nor older versions.",
    )

    @property
    def hashed(self) -> tuple[str, ...]:
        """Columns that are stored as a keyed hash."""
        return tuple(name for name, treatment in self.personal.items() if treatment == "hash")

    @property
    def encrypted(self) -> tuple[str, ...]:
        """Columns that are stored encrypted."""
        return tuple(name for name, treatment in self.personal.items() if treatment == "encrypt")

    @property
    def needs_key(self) -> bool:
        """Whether anything is hashed: cells, or the names of people who were erased."""
        return bool(self.hashed) or self.subject is not None
