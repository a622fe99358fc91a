"""Reads a Dockerfile and lays out what it copies; what it installs is here already.

Only what an image of Python code needs is understood: ``FROM``, ``ARG``, ``ENV``, ``WORKDIR``, ``COPY``, ``ENTRYPOINT``, ``CMD``,
``USER``, ``EXPOSE``, ``LABEL``. ``RUN`` is skipped, because the packages are those of this environment, from the same lock.
"""

from __future__ import annotations

import json
import re
import shutil
from collections.abc import Callable, Iterator
from pathlib import Path, PurePosixPath

from local_cloud.sagemaker.errors import JobError
from local_cloud.sagemaker.images import Image

_IGNORED = ("RUN", "FROM", "ARG", "CMD", "USER", "EXPOSE", "LABEL", "HEALTHCHECK", "STOPSIGNAL", "SHELL")


def build_image(context: Path, folder: Path, log: Callable[[str], None]) -> Image:
    """Lay out the image of ``<context>/Dockerfile`` in ``<folder>/root`` and return how it is run.

    Raises
    ------
    JobError
        For an instruction that is not understood, a file that is not there, or no ``ENTRYPOINT``.
    """
    dockerfile = context / "Dockerfile"
    if not dockerfile.is_file():
        raise JobError("there is no Dockerfile in the source")
    root = folder / "root"
    shutil.rmtree(folder, ignore_errors=True)
    root.mkdir(parents=True)
    build = _Build(context, root)
    for word, rest in _instructions(dockerfile.read_text()):
        log(f"{word} {rest}")
        build.follow(word, rest)
    if not build.entrypoint:
        raise JobError("the Dockerfile has no ENTRYPOINT")
    return Image(root, str(build.workdir), build.entrypoint, build.environment)


class _Build:
    """An image on its way: follows one instruction after the other."""

    def __init__(self, context: Path, root: Path) -> None:
        self._context, self._root = context, root
        self.environment: dict[str, str] = {}
        self.workdir = PurePosixPath("/")
        self.entrypoint: tuple[str, ...] = ()

    def follow(self, word: str, rest: str) -> None:
        if word in _IGNORED:
            return
        instructions = {
            "ENV": self._env,
            "WORKDIR": self._workdir,
            "COPY": self._copy,
            "ENTRYPOINT": self._entrypoint,
        }
        if word not in instructions:
            raise JobError(f"{word} is not understood here")
        instructions[word](rest)

    def _env(self, rest: str) -> None:
        self.environment |= _variables(rest)

    def _workdir(self, rest: str) -> None:
        self.workdir = self.workdir / rest
        _inside(self._root, self.workdir).mkdir(parents=True, exist_ok=True)

    def _copy(self, rest: str) -> None:
        _copy(rest, self._context, self._root, self.workdir)

    def _entrypoint(self, rest: str) -> None:
        self.entrypoint = _command(rest)


def _instructions(text: str) -> Iterator[tuple[str, str]]:
    joined = re.sub(r"\\\n", " ", re.sub(r"(?m)^\s*#.*\n?", "", text))
    for line in joined.splitlines():
        if line.strip():
            word, _, rest = line.strip().partition(" ")
            yield word.upper(), re.sub(r"\s+", " ", rest).strip()


def _variables(rest: str) -> dict[str, str]:
    pairs = re.findall(r'(\w+)=("[^"]*"|\S+)', rest)
    if not pairs:
        name, _, value = rest.partition(" ")
        return {name: value}
    return {name: value.strip('"') for name, value in pairs}


def _command(rest: str) -> tuple[str, ...]:
    return tuple(json.loads(rest)) if rest.startswith("[") else ("/bin/sh", "-c", rest)


def _copy(rest: str, context: Path, root: Path, workdir: PurePosixPath) -> None:
    words = [word for word in rest.split() if not word.startswith("--")]
    *sources, target = words
    into_folder = target.endswith("/") or target == "." or len(sources) > 1
    destination = _inside(root, workdir / target)
    for source in sources:
        path = _inside(context, PurePosixPath("/") / source)
        if not path.exists():
            raise JobError(f"COPY {source}: there is no such file in the source")
        if path.is_dir():
            shutil.copytree(path, destination, dirs_exist_ok=True)
        else:
            file = destination / path.name if into_folder else destination
            file.parent.mkdir(parents=True, exist_ok=True)
            shutil.copy2(path, file)


def _inside(folder: Path, path: PurePosixPath) -> Path:
    found = (folder / str(path).lstrip("/")).resolve()
    if not found.is_relative_to(folder.resolve()):
        raise JobError(f"{path} leaves the image")
    return found
