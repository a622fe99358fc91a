"""Runs the training job's own entry point on this machine, in a private folder, as a container would."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from infra.code_bundle import image_bundle

_KEPT = ("PATH", "LANG", "LC_ALL", "TMPDIR", "LD_LIBRARY_PATH")
_LINES_TOLD = 5


class TrainingFailedError(Exception):
    """The training has failed; the text is what it said last."""


def channels_of(base: Path) -> Path:
    """Return the folder below which a training finds its channels."""
    return base / "input" / "data"


def train_here(base: Path, hyperparameters: Mapping[str, Any]) -> dict[str, bytes]:
    """Train on the channels below `base`, which stands for ``/opt/ml``, and return the files of the model.

    The code is what the image would be built from, so that nothing else of this checkout can be imported; no variable of AWS
    reaches it.

    Raises
    ------
    TrainingFailedError
        With the last words of the job.
    """
    config, model = base / "input" / "config", base / "model"
    config.mkdir(parents=True, exist_ok=True)
    model.mkdir(parents=True, exist_ok=True)
    (base / "output" / "data").mkdir(parents=True, exist_ok=True)
    # As text, which is how SageMaker passes them.
    given = {name: json.dumps(value) for name, value in hyperparameters.items()}
    (config / "hyperparameters.json").write_text(json.dumps(given))
    code = image_bundle()
    ended = subprocess.run(
        [sys.executable, "-m", "sagemaker_jobs", "train"],
        cwd=code,
        env=_environment(base, code),
        capture_output=True,
        text=True,
        check=False,
    )
    if ended.returncode:
        lines = (ended.stderr.strip() or ended.stdout.strip()).splitlines()
        raise TrainingFailedError(" ".join(lines[-_LINES_TOLD:]) or f"exit code {ended.returncode}")
    return {
        path.relative_to(model).as_posix(): path.read_bytes() for path in model.rglob("*") if path.is_file()
    }


def _environment(base: Path, code: Path) -> dict[str, str]:
    kept = {name: os.environ[name] for name in _KEPT if name in os.environ}
    return {
        **kept,
        "HOME": str(base),
        "PYTHONPATH": str(code),
        "SAGEMAKER_BASE_DIR": str(base),
        "SM_MODEL_DIR": str(base / "model"),
        "SM_OUTPUT_DATA_DIR": str(base / "output" / "data"),
    }
