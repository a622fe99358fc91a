"""The training job in AWS's container."""

from __future__ import annotations

import shutil
from collections.abc import Mapping
from pathlib import Path

from sagemaker_jobs.entry import run
from sagemaker_jobs.paths import MlPaths

CODE = Path(__file__).parents[2]
_LEFTOVERS = shutil.ignore_patterns("__pycache__", "*.pyc")


def train(environ: Mapping[str, str], code: Path = CODE) -> int:
    """Train as our own image does, add the code to the model, and return the exit code.

    The server takes its code from the model: a model that is deployed again later meets the code it was trained with.
    """
    exit_code = run(["train"], environ)
    if exit_code == 0:
        shutil.copytree(code, MlPaths.from_environ(environ).model / "code", ignore=_LEFTOVERS)
    return exit_code
