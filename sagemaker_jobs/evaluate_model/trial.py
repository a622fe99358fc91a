"""Says whether a model is the one that a search has found."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from sagemaker_jobs.engines import ONNX_FILE
from sagemaker_jobs.evaluate_model.unpacked import unpack
from sagemaker_jobs.model_folder import MODEL, sha256_of


def compared_with_trial(model: Path, trial: Path) -> dict[str, Any]:
    """Return ``trial`` with ``same_bytes``: whether a model, trained with the hyperparameters of the best trial, has that one's bytes.

    Parameters
    ----------
    model, trial : Path
        Folders of the new model and of the trial's archive. Without a search there is no such folder, and nothing is returned.
    """
    if not trial.is_dir() or not any(trial.iterdir()):
        return {}
    return {"trial": {"same_bytes": _checksums(model) == _checksums(unpack(trial).folder)}}


def _checksums(folder: Path) -> dict[str, str]:
    return {name: sha256_of(folder / name) for name in (MODEL, ONNX_FILE) if (folder / name).is_file()}
