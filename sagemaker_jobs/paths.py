"""Where SageMaker puts files into a container, and where it takes them from.

References
----------
.. [1] SageMaker developer guide, "How Amazon SageMaker AI Runs Your Training Image" and "Use Your Own Inference Code".
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True)
class MlPaths:
    """The folders below ``/opt/ml``.

    Parameters
    ----------
    base : Path
        ``/opt/ml`` in a container; anywhere else on a laptop.
    model : Path
        Where training leaves a model and serving finds it.
    """

    base: Path
    model: Path

    @classmethod
    def from_environ(cls, environ: Mapping[str, str]) -> MlPaths:
        """Read ``SAGEMAKER_BASE_DIR`` and ``SM_MODEL_DIR``; a container has neither.

        Examples
        --------
        >>> MlPaths.from_environ({}).model.as_posix()
        '/opt/ml/model'
        """
        base = Path(environ.get("SAGEMAKER_BASE_DIR", "/opt/ml"))
        return cls(base, Path(environ.get("SM_MODEL_DIR", base / "model")))

    def channel(self, name: str) -> Path:
        """Folder of a training job's input channel."""
        return self.base / "input" / "data" / name

    @property
    def hyperparameters(self) -> Path:
        """File with a training job's hyperparameters."""
        return self.base / "input" / "config" / "hyperparameters.json"

    @property
    def resources(self) -> Path:
        """File that names the hosts of a training job."""
        return self.base / "input" / "config" / "resourceconfig.json"

    @property
    def checkpoints(self) -> Path | None:
        """Folder that SageMaker keeps in S3 while a training job runs; None if the job was not asked to have one."""
        folder = self.base / "checkpoints"
        return folder if folder.is_dir() else None

    def processing_input(self, name: str) -> Path:
        """Folder of a processing job's input."""
        return self.base / "processing" / "input" / name

    @property
    def processing_output(self) -> Path:
        """Folder of a processing job's output."""
        return self.base / "processing" / "output"

    @property
    def failure(self) -> Path:
        """File whose text becomes a training job's FailureReason."""
        return self.base / "output" / "failure"

    @property
    def message(self) -> Path:
        """File whose text becomes a processing job's ExitMessage."""
        return self.base / "output" / "message"
