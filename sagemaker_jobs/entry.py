"""Chooses what a container does, and turns a failure into the one sentence that SageMaker shows."""

from __future__ import annotations

import importlib
import sys
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

from headrace.ml.privacy.redaction import redact_output, told, write_traced
from sagemaker_jobs.failures import JobError
from sagemaker_jobs.paths import MlPaths

Job = Callable[[MlPaths, Mapping[str, str]], None]

_VERBS = {
    ("train",): "train_model",
    ("serve",): "serve_model",
    ("job", "train_model"): "train_model",
    ("job", "evaluate_model"): "evaluate_model",
}
_USAGE = "usage: python -m sagemaker_jobs train | serve | job evaluate_model"
_LONGEST_REASON = 1024


def run(arguments: Sequence[str], environ: Mapping[str, str]) -> int:
    """Do what `arguments` ask for and return the exit code: 0, 1 if it failed, 2 if nothing like it is known."""
    name = _VERBS.get(tuple(arguments))
    if name is None:
        sys.stderr.write(f"{_USAGE}; not {' '.join(arguments) or 'nothing'}\n")
        return 2
    paths = MlPaths.from_environ(environ)
    redact_output()
    try:
        # Only the job that runs is imported: serving starts without what training needs.
        job: Job = importlib.import_module(f"sagemaker_jobs.{name}.main").main
        job(paths, environ)
    except JobError as error:
        return _fail(str(error), paths)
    except Exception as error:
        write_traced(error)
        return _fail(told(error), paths)
    return 0


def _fail(reason: str, paths: MlPaths) -> int:
    """Write the reason where SageMaker looks for it: `failure` of a training, `message` of a processing job."""
    sentence = " ".join(reason.split())[:_LONGEST_REASON]
    sys.stderr.write(f"{sentence}\n")
    for file in (paths.failure, paths.message):
        _write(file, sentence)
    return 1


def _write(file: Path, text: str) -> None:
    try:
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(text)
    except OSError as error:
        sys.stderr.write(f"{file} cannot be written: {told(error)}\n")
