"""What the code is that is deployed: its commit, whether it was changed since, its content, and the locks of its packages."""

from __future__ import annotations

import hashlib
import subprocess
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from functools import cache
from pathlib import Path
from typing import Any

from infra.code_bundle import REPO, image_bundle

_CODE = ("app.py", "glue_jobs", "headrace", "infra", "lambdas", "pipelines", "sagemaker_jobs")
_LOCKS = ("requirements.txt", "sagemaker_jobs/requirements.txt", "sagemaker_jobs/managed/requirements.txt")
_EXTRAS = "sagemaker_jobs/extras"
_GIT_LIMIT_S = 20


@dataclass(frozen=True)
class CodeOrigin:
    """The code of the jobs, as it was when the templates were written.

    Parameters
    ----------
    content_sha256 : str
        Of all files that the jobs' image is built from, by name and content.
    commit : str or None
        Of git; None if git does not know the folder.
    dirty : bool or None
        Whether files of the project were changed since that commit, or are not part of it; None if there is none.
    git_says : str
        Why there is no commit; empty if there is one.
    locks : mapping of str to str
        SHA-256 of each file that pins packages, by its path.
    lock_sha256 : str
        Of all of them.
    """

    content_sha256: str
    commit: str | None
    dirty: bool | None
    git_says: str
    locks: Mapping[str, str]
    lock_sha256: str

    def as_dict(self) -> dict[str, Any]:
        """Return plain values, for JSON."""
        return {**asdict(self), "locks": dict(self.locks)}


@cache
def code_origin(repo: Path = REPO) -> CodeOrigin:
    """Return where the code of this checkout comes from. Where git is missing, or knows nothing of it, that is said."""
    locks = _locks(repo)
    commit, dirty, git_says = _commit(repo)
    return CodeOrigin(
        content_sha256=content_sha256(image_bundle()),
        commit=commit,
        dirty=dirty,
        git_says=git_says,
        locks=locks,
        lock_sha256=_digest(locks),
    )


def content_sha256(folder: Path) -> str:
    """Return one hash for the names and contents of all files of a folder; when they were written does not matter."""
    files = sorted(path for path in folder.rglob("*") if path.is_file())
    return _digest({path.relative_to(folder).as_posix(): _sha256(path) for path in files})


def changed_files(commit: str, repo: Path = REPO) -> list[str]:
    """Return the files of the jobs that differ between a commit and this checkout; none if git cannot tell."""
    try:
        names = _git(
            repo, "diff", "--name-only", commit, "--", "headrace", "sagemaker_jobs", "pipelines/steps"
        )
    except _GitError:
        return []
    return names.splitlines()


def _locks(repo: Path) -> dict[str, str]:
    files = [repo / name for name in _LOCKS] + sorted((repo / _EXTRAS).glob("*.txt"))
    return {file.relative_to(repo).as_posix(): _sha256(file) for file in files if file.is_file()}


def _commit(repo: Path) -> tuple[str | None, bool | None, str]:
    try:
        commit = _git(repo, "rev-parse", "--verify", "HEAD").strip()
        return commit, bool(_git(repo, "status", "--porcelain", "--", *_CODE).strip()), ""
    except _GitError as error:
        return None, None, str(error)


class _GitError(Exception):
    """Git is not here, or does not know the folder; the text says which."""


def _git(repo: Path, *arguments: str) -> str:
    command = ["git", "-C", str(repo), *arguments]
    try:
        ended = subprocess.run(command, capture_output=True, text=True, timeout=_GIT_LIMIT_S, check=False)
    except (OSError, subprocess.TimeoutExpired) as error:
        raise _GitError(f"git cannot be run: {type(error).__name__}") from None
    if ended.returncode:
        said = (ended.stderr.strip().splitlines() or ["it does not say why"])[0]
        raise _GitError(f"git has no commit: {said.replace(str(repo), '.')}")
    return ended.stdout


def _digest(hashes: Mapping[str, str]) -> str:
    lines = "".join(f"{digest}  {name}\n" for name, digest in sorted(hashes.items()))
    return hashlib.sha256(lines.encode()).hexdigest()


def _sha256(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
