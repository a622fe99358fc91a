"""Why a model is refused."""

from __future__ import annotations

from enum import StrEnum


class ModelReason(StrEnum):
    """Why a model's archive, or what is signed about it, is refused; `text` says it in words."""

    UNSIGNED = "unsigned"
    NOT_CANONICAL = "not_canonical"
    BAD_SIGNATURE = "bad_signature"
    WRONG_KEY = "wrong_key"
    KEY_UNUSABLE = "key_unusable"
    FOREIGN_PIPELINE = "foreign_pipeline"
    OTHER_VERSION = "other_version"
    REPLAYED = "replayed"
    CHANGED = "changed"
    MISSING_FILE = "missing_file"
    UNLISTED_FILE = "unlisted_file"
    PICKLE = "pickle"
    FOREIGN_FORMAT = "foreign_format"
    BROKEN_ARCHIVE = "broken_archive"
    LEADS_ELSEWHERE = "leads_elsewhere"
    NO_FILE = "no_file"
    DUPLICATE = "duplicate"
    TOO_MANY = "too_many"
    TOO_LARGE = "too_large"
    BOMB = "bomb"

    @property
    def text(self) -> str:
        """What is wrong, as the end of a sentence about the model."""
        return _TEXTS[self]


_TEXTS = {
    ModelReason.UNSIGNED: "has no signed manifest",
    ModelReason.NOT_CANONICAL: "has a signed manifest that is not written as this project writes it",
    ModelReason.BAD_SIGNATURE: "has a manifest that the pipeline's key has not signed",
    ModelReason.WRONG_KEY: "has a manifest that names another key than the pipeline's",
    ModelReason.KEY_UNUSABLE: "cannot be verified, because the pipeline's key is disabled, deleted or refused",
    ModelReason.FOREIGN_PIPELINE: "was signed for another pipeline",
    ModelReason.OTHER_VERSION: "was signed as another version than the one it is registered as",
    ModelReason.REPLAYED: "is older than a version that was deployed already, and nobody decided to roll back to it",
    ModelReason.CHANGED: "is not what was signed, or not what its training wrote: a checksum differs",
    ModelReason.MISSING_FILE: "lacks a file that was signed, or that its manifest lists",
    ModelReason.UNLISTED_FILE: "has a file that was not signed, or that its manifest does not list",
    ModelReason.PICKLE: "has a file that is a pickle, which could run anything when it is loaded",
    ModelReason.FOREIGN_FORMAT: "has a file of a kind that no model of this project consists of",
    ModelReason.BROKEN_ARCHIVE: "is cut or damaged",
    ModelReason.LEADS_ELSEWHERE: "has a member whose name leads out of it, or is no name",
    ModelReason.NO_FILE: "has a member that is a link, a device or anything but a file",
    ModelReason.DUPLICATE: "has two members of one name",
    ModelReason.TOO_MANY: "has more members than a model can have",
    ModelReason.TOO_LARGE: "is larger than a model can be, as it is or unpacked",
    ModelReason.BOMB: "unpacks to so much more than it is that no model would",
}


class ModelRefusedError(Exception):
    """A model is refused.

    Parameters
    ----------
    reason : ModelReason
        The code by which it is counted.
    why : str
        What and where, in one clause.
    """

    def __init__(self, reason: ModelReason, why: str) -> None:
        super().__init__(f"{reason}: {why}")
        self.reason, self.why = reason, why
