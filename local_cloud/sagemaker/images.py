"""Container images without containers: what an image URI runs, and in which folder."""

from __future__ import annotations

import hashlib
import json
import os
import sys
from dataclasses import dataclass
from pathlib import Path

from local_cloud.sagemaker.errors import JobError
from local_cloud.sagemaker.script_mode import ENTRYPOINT, is_managed


@dataclass(frozen=True)
class Image:
    """An image that can be run on this machine.

    Parameters
    ----------
    folder : Path
        Its file system, as far as its Dockerfile copied something.
    workdir : str
        Absolute path in it.
    entrypoint : tuple of str
        What a container starts; arguments such as ``train`` are appended.
    environment : dict of str to str
        Its ``ENV``.
    """

    folder: Path
    workdir: str
    entrypoint: tuple[str, ...]
    environment: dict[str, str]

    @property
    def cwd(self) -> Path:
        """Folder that a container starts in."""
        return self.folder / self.workdir.lstrip("/")

    def process_environment(self) -> dict[str, str]:
        """Return the variables every process of the image has: this environment's Python first on the path."""
        return {
            "PATH": f"{Path(sys.executable).parent}:{os.environ.get('PATH', '/usr/bin:/bin')}",
            "HOME": str(self.folder),
            "LANG": "C.UTF-8",
            "PYTHONUNBUFFERED": "1",
            **self.environment,
            "PYTHONPATH": str(self.cwd),
        }


class ImageStore:
    """The images that were built here, and those of AWS that can be stood in for."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def folder_of(self, repository: str, tag: str) -> Path:
        """Return where the image of this repository and tag lies, or would lie."""
        return self._folder / repository / tag

    def save(self, repository: str, tag: str, image: Image) -> None:
        """Remember how the image, whose files lie in place already, is run."""
        document = {
            "workdir": image.workdir,
            "entrypoint": list(image.entrypoint),
            "environment": image.environment,
        }
        (self.folder_of(repository, tag) / "image.json").write_text(json.dumps(document, indent=1))

    def digest(self, repository: str, tag: str) -> str:
        """Return a digest of all that the image consists of, as the layers of an image have one."""
        root, content = self.folder_of(repository, tag), hashlib.sha256()
        for path in sorted(path for path in root.rglob("*") if path.is_file()):
            content.update(f"{path.relative_to(root).as_posix()} {path.stat().st_size}\n".encode())
            content.update(path.read_bytes())
        return f"sha256:{content.hexdigest()}"

    def find(self, uri: str) -> Image:
        """Return the image of this URI.

        Raises
        ------
        JobError
            AWS's words for an image that is not there.
        """
        if is_managed(uri):
            return self._managed()
        repository, tag = split_image_uri(uri)
        folder = self.folder_of(repository, tag)
        try:
            document = json.loads((folder / "image.json").read_text())
        except OSError:
            raise JobError(
                f"ClientError: Cannot find image {uri}. Check that the image exists in the registry and that the "
                "role may pull it (ecr:BatchGetImage)."
            ) from None
        return Image(
            folder / "root", document["workdir"], tuple(document["entrypoint"]), document["environment"]
        )

    def _managed(self) -> Image:
        """Return AWS's managed image: no files, for the code comes with each job."""
        folder = self._folder / "managed"
        folder.mkdir(parents=True, exist_ok=True)
        return Image(folder, "/", ENTRYPOINT, {})


def split_image_uri(uri: str) -> tuple[str, str]:
    """Return repository and tag of an image URI.

    Examples
    --------
    >>> split_image_uri("123456789012.dkr.ecr.us-east-1.amazonaws.com/team/model:abc")
    ('team/model', 'abc')
    """
    path = uri.split("/", 1)[-1]
    repository, _, tag = path.partition(":")
    return repository.split("@")[0], tag or "latest"
