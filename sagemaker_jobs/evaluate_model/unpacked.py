"""Unpacks a model's archive."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from headrace.ml.supply_chain.archive import Archive, sha256_of
from headrace.ml.supply_chain.model_archive import extract_model
from headrace.ml.supply_chain.refusal import ModelRefusedError
from sagemaker_jobs.failures import JobError
from sagemaker_jobs.model_folder import MANIFEST
from sagemaker_jobs.signature import refused

ARCHIVE = "model.tar.gz"


@dataclass(frozen=True)
class Unpacked:
    """A model in a folder.

    Parameters
    ----------
    folder : Path
        Of its files.
    archive : Archive or None
        What was unpacked; None if it was a folder before.
    """

    folder: Path
    archive: Archive | None = None


def unpack(folder: Path) -> Unpacked:
    """Unpack ``model.tar.gz`` beside itself.

    Raises
    ------
    JobError
        With the reason if it is missing, damaged or too large, leads elsewhere, or has a file that no model consists of.
        Nothing of it is left then.
    """
    if (folder / MANIFEST).is_file():
        return Unpacked(folder)
    model = folder / "model"
    try:
        with (folder / ARCHIVE).open("rb") as stream:
            return Unpacked(model, extract_model(stream, model))
    except OSError as error:
        raise JobError(f"the {folder.name} cannot be unpacked: {error}") from None
    except ModelRefusedError as error:
        raise refused(error) from None


def checksum(folder: Path) -> str:
    """Return the SHA-256 of ``model.tar.gz``, of which nothing is unpacked."""
    try:
        with (folder / ARCHIVE).open("rb") as stream:
            return sha256_of(stream)[0]
    except OSError as error:
        raise JobError(f"the {folder.name} cannot be read: {error}") from None
