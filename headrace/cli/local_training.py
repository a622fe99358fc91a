"""Runs the training job's own entry point on this machine, in a private folder, as a container would."""

from __future__ import annotations

import contextlib
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


def instances_of(base: Path) -> int:
    """Return on how many instances the training whose channels lie below `base` has run, as its specification says."""
    spec = json.loads((channels_of(base) / "spec" / "spec.json").read_text())
    return int(spec["pipeline"].get("training", {}).get("instances", 1))


def train_here(base: Path, hyperparameters: Mapping[str, Any], *, instances: int = 1) -> dict[str, bytes]:
    """Train on the channels below `base`, which stands for ``/opt/ml``, and return the files of the model.

    The code is what the image would be built from, so that nothing else of this checkout can be imported; no variable of AWS
    reaches it. Each instance is a process, and all of them meet on the loopback.

    Raises
    ------
    TrainingFailedError
        With the last words of the job.
    """
    code, hosts = image_bundle(), [f"algo-{number}" for number in range(1, instances + 1)]
    # As text, which is how SageMaker passes them.
    given = {name: json.dumps(value) for name, value in hyperparameters.items()}
    folders = {host: base if host == hosts[0] else base / "hosts" / host for host in hosts}
    for host, folder in folders.items():
        _lay_out(folder, channels_of(base), given, {"hosts": hosts, "current_host": host})
    with contextlib.ExitStack() as running:
        others = [
            running.enter_context(_started(folders[host], code, hosts, subprocess.DEVNULL))
            for host in hosts[1:]
        ]
        first = running.enter_context(_started(base, code, hosts, subprocess.PIPE))
        _, said = first.communicate()
        if first.returncode:
            for other in others:
                other.kill()
            raise TrainingFailedError(_last_words(said) or f"exit code {first.returncode}")
    model = base / "model"
    return {
        path.relative_to(model).as_posix(): path.read_bytes() for path in model.rglob("*") if path.is_file()
    }


def _lay_out(folder: Path, channels: Path, given: Mapping[str, str], resources: Mapping[str, Any]) -> None:
    config = folder / "input" / "config"
    for needed in (config, folder / "model", folder / "output" / "data"):
        needed.mkdir(parents=True, exist_ok=True)
    (config / "hyperparameters.json").write_text(json.dumps(given))
    (config / "resourceconfig.json").write_text(json.dumps({**resources, "network_interface_name": "lo"}))
    if channels_of(folder) != channels:
        channels_of(folder).symlink_to(channels)


def _started(folder: Path, code: Path, hosts: list[str], words: int) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [sys.executable, "-m", "sagemaker_jobs", "train"],
        cwd=code,
        env={
            **_environment(folder, code),
            "TRAINING_JOB_NAME": f"here-{os.getpid()}",
            "HEADRACE_LOCAL_HOST_ADDRESSES": json.dumps(dict.fromkeys(hosts, "127.0.0.1")),
        },
        stdout=subprocess.DEVNULL,
        stderr=words,
        text=True,
    )


def _last_words(said: str) -> str:
    return " ".join(said.strip().splitlines()[-_LINES_TOLD:])


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
