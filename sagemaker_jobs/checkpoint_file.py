"""A file that is there whole or not at all: plain arrays in NumPy's archive, read without pickle, so that nothing in it can run."""

from __future__ import annotations

import os
import zipfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np


def write_arrays(file: Path, arrays: Mapping[str, Any]) -> None:
    """Write to a file of its own, and let that take the place of the last one: SageMaker may upload at any moment."""
    file.parent.mkdir(parents=True, exist_ok=True)
    unfinished = file.with_name(f".{file.name}.unfinished")
    with unfinished.open("wb") as stream:
        np.savez(stream, **arrays)
        stream.flush()
        os.fsync(stream.fileno())
    unfinished.replace(file)


def read_arrays(file: Path) -> dict[str, Any]:
    """Return the arrays by name; none if there is no file, or a damaged one."""
    try:
        with np.load(file, allow_pickle=False) as archive:
            return {name: archive[name] for name in archive.files}
    except (OSError, ValueError, EOFError, zipfile.BadZipFile):
        return {}
