"""Unpacks a model's archive."""

from __future__ import annotations

import tarfile
from pathlib import Path

from sagemaker_jobs.failures import JobError
from sagemaker_jobs.model_folder import MANIFEST


def unpack(folder: Path) -> Path:
    """Unpack ``model.tar.gz`` beside itself and return the folder with the model.

    Raises
    ------
    JobError
        If it is missing or damaged. Links, devices and paths that lead elsewhere are refused.
    """
    archive = folder / "model.tar.gz"
    if (folder / MANIFEST).is_file():
        return folder
    model = folder / "model"
    try:
        with tarfile.open(archive) as tar:
            tar.extractall(model, filter="data")
    except (OSError, tarfile.TarError) as error:
        raise JobError(f"the {folder.name} cannot be unpacked: {error}") from None
    return model
