"""Keeps a training's progress on disk, so that an interrupted one goes on where it was."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from sagemaker_jobs.checkpoint_file import read_arrays, write_arrays

if TYPE_CHECKING:
    from sagemaker_jobs.learners.networks.training import Engine, Examples, Progress

_FILE = "network.npz"
_STATE, _BEST = "state/", "best/"


@dataclass(frozen=True)
class Checkpoints:
    """One file that is replaced after each epoch.

    Parameters
    ----------
    folder : Path
        SageMaker keeps ``/opt/ml/checkpoints`` in S3, and puts it back when an interrupted job starts anew.
    fingerprint : str
        Of what is trained, by which: a checkpoint of anything else is not used.
    """

    folder: Path
    fingerprint: str

    def save(self, progress: Progress, engine: Engine) -> None:
        """Write the progress to a file of its own, and let that take the place of the last one."""
        arrays: dict[str, Any] = {
            "fingerprint": np.array(self.fingerprint),
            "epochs": np.array([progress.epochs, progress.best_epoch]),
            "best_loss": np.array(progress.best_loss),
        }
        arrays |= {f"{_STATE}{name}": array for name, array in engine.state().items()}
        arrays |= {f"{_BEST}{name}": array for name, array in (progress.best or {}).items()}
        write_arrays(self.folder / _FILE, arrays)

    def resume(self, engine: Engine) -> Progress:
        """Bring an engine to where it was, and return the progress; none if there is no checkpoint of this training."""
        from sagemaker_jobs.learners.networks.training import Progress  # noqa: PLC0415 - which needs this module

        arrays = read_arrays(self.folder / _FILE)
        if str(arrays.get("fingerprint")) != self.fingerprint:
            return Progress()
        engine.restore(_named(arrays, _STATE))
        epochs, best_epoch = arrays["epochs"].tolist()
        return Progress(epochs, best_epoch, float(arrays["best_loss"]), _named(arrays, _BEST))


def fingerprint(about: object, *parts: Examples | None) -> str:
    """Return a hash of what determines a training: its settings and every row."""
    digest = hashlib.sha256(repr(about).encode())
    for part in parts:
        arrays = [] if part is None else [*part.inputs.values(), part.aims, part.weights]
        for array in arrays:
            digest.update(b"-" if array is None else np.ascontiguousarray(array).tobytes())
    return digest.hexdigest()


def _named(arrays: dict[str, Any], prefix: str) -> dict[str, Any]:
    return {name.removeprefix(prefix): array for name, array in arrays.items() if name.startswith(prefix)}
