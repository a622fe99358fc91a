"""The folder of a model: its files' names, JSON that is the same for the same document, and a checksum for every file."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from headrace.ml.supply_chain.contents import HEAD_BYTES, check_content
from headrace.ml.supply_chain.refusal import ModelRefusedError
from sagemaker_jobs.failures import JobError

MODEL, SCHEMA, MANIFEST = "model.skops", "schema.json", "manifest.json"
THRESHOLD = "threshold.json"
"""How the threshold of a model between two labels was chosen, if it has one."""


def write_manifest(folder: Path, facts: Mapping[str, Any]) -> None:
    """Write ``manifest.json``: `facts`, and the SHA-256 of every other file of the folder."""
    files = {path.name: sha256_of(path) for path in sorted(folder.iterdir()) if path.name != MANIFEST}
    write_json(folder / MANIFEST, {**facts, "files": files})


def verify(folder: Path) -> dict[str, Any]:
    """Compare every file with its checksum and with what its name says it is, and return the manifest.

    Raises
    ------
    JobError
        Naming the first file that is not as it was written.
    """
    manifest = read_json(folder / MANIFEST)
    files = manifest.get("files", {})
    if not isinstance(files, dict):
        raise JobError("foreign_format: the model's manifest lists no files")
    for needed in (MODEL, SCHEMA):
        if needed not in files:
            raise JobError(f"the model's manifest does not list {needed}")
    for name, checksum in files.items():
        path = folder / name
        if Path(name).name != name or not path.is_file():
            raise JobError(f"missing_file: the model has no file {name}, which its manifest lists")
        if sha256_of(path) != checksum:
            raise JobError(f"changed: the model's file {name} is not what was written: its checksum differs")
        _check_content(path)
    if unlisted := sorted(_names(folder) - files.keys()):
        raise JobError(f"unlisted_file: the model has a file {unlisted[0]}, which its manifest does not list")
    return manifest


def _check_content(path: Path) -> None:
    with path.open("rb") as file:
        head = file.read(HEAD_BYTES)
    try:
        check_content(path.name, head)
    except ModelRefusedError as error:
        raise JobError(f"the model is refused: {error}") from None


def _names(folder: Path) -> set[str]:
    """Return the files beside the manifest; what is hidden is the system's, and nobody reads it."""
    found = {path.name for path in folder.iterdir() if path.is_file() and not path.name.startswith(".")}
    return found - {MANIFEST}


def sha256_of(path: Path) -> str:
    """Return the SHA-256 of a file, in hexadecimal digits."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def write_json(path: Path, document: Any) -> None:
    """Write JSON that is the same for the same document."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps(document, indent=1, ensure_ascii=False, allow_nan=False) + "\n")


def read_json(path: Path) -> dict[str, Any]:
    """Read a JSON object.

    Raises
    ------
    JobError
        If the file is missing or is none.
    """
    try:
        document = json.loads(path.read_text())
    except (OSError, ValueError):
        raise JobError(f"{path.name} is missing or is no JSON") from None
    if not isinstance(document, dict):
        raise JobError(f"{path.name} is no JSON object")
    return document
