"""Stages what a Lambda function or a SageMaker image is built from, file by file."""

from __future__ import annotations

import atexit
import gzip
import os
import re
import shutil
import tarfile
import tempfile
from collections.abc import Sequence
from functools import cache
from importlib import util
from pathlib import Path

from headrace.config.pipeline import Pipeline
from infra.bill_of_materials import functions_bom, image_bom, managed_bom

REPO = Path(__file__).parents[1]
_PURE_PACKAGES = ("openpyxl", "et_xmlfile")
"""What reads workbooks, in Python alone."""

_OWN_STEPS = Path("pipelines") / "steps"
_OWN_ESTIMATORS = Path("pipelines") / "estimators"
_NOT_CODE = ("__pycache__", "*.pyc")


def lambda_bundle(pipeline: Pipeline) -> Path:
    """Copy the functions' code and the pipeline to one folder, and return it.

    The folder holds ``lambdas/``, ``headrace/`` without the command line, the user's own steps and ``pipeline.json``: what
    every function of this pipeline is deployed with, and nothing else. All stacks of a pipeline are given the same folder,
    which the CDK then hashes and copies once; nobody may write to it.
    """
    return _lambda_bundle(REPO, pipeline.model_dump_json(indent=1))


@cache
def _lambda_bundle(repo: Path, pipeline: str) -> Path:
    stage = _empty_stage()
    _add_code(stage, repo, "lambdas")
    _add_code(stage, repo, "headrace", without=("cli",))
    _add_code(stage, repo, _OWN_STEPS)
    (stage / "pipeline.json").write_text(pipeline)
    _write_bill(stage, "functions", functions_bom())
    return stage


def glue_bundle() -> Path:
    """Copy what the Spark jobs import and Glue does not have, the user's own steps among it, and return the folder."""
    stage = _empty_stage()
    _add_code(stage, REPO, "glue_jobs")
    _add_code(stage, REPO, "headrace", without=("cli", "config"))
    _add_code(stage, REPO, _OWN_STEPS)
    for name in _PURE_PACKAGES:
        found = util.find_spec(name)
        if found is None or not found.submodule_search_locations:
            raise ModuleNotFoundError(f"{name} is not installed: run make setup")
        _add_code(stage, Path(found.submodule_search_locations[0]).parent, name)
    return stage


def image_bundle(extras: Sequence[str] = ()) -> Path:
    """Copy what the SageMaker images are built from to one folder, and return it.

    Parameters
    ----------
    extras : sequence of str
        Names of files in ``sagemaker_jobs/extras``, of which ``extras.txt`` is made.
    """
    stage = _empty_stage()
    _add_code(stage, REPO, "sagemaker_jobs", without=("extras",))
    (stage / "extras.txt").write_text(_merged_locks(extras))
    _add_code(stage, REPO, "headrace", without=("cli", "aws"))
    _add_code(stage, REPO, _OWN_STEPS)
    _add_code(stage, REPO, _OWN_ESTIMATORS)
    shutil.move(stage / "sagemaker_jobs" / "Dockerfile", stage / "Dockerfile")
    _write_bill(stage, "image", image_bom((), REPO))
    if extras:
        _write_bill(stage, "training-image", image_bom(extras, REPO))
    return stage


def source_archive() -> Path:
    """Pack the code of the jobs as AWS's managed containers take it, and return the ``sourcedir.tar.gz``.

    The entry script and ``requirements.txt`` lie at the root, as script mode demands. The same code gives the same bytes,
    so the hash of the archive is that of the code.
    """
    stage = image_bundle()
    for name in ("Dockerfile", "extras.txt"):
        (stage / name).unlink()
    (stage / "sbom" / "image.cdx.json").unlink()
    _write_bill(stage, "managed-image", managed_bom())
    for name in ("script.py", "requirements.txt"):
        shutil.move(stage / "sagemaker_jobs" / "managed" / name, stage / name)
    archive = _empty_stage() / "sourcedir.tar.gz"
    with gzip.GzipFile(archive, "wb", mtime=0) as file, tarfile.open(fileobj=file, mode="w") as tar:
        for path in sorted(stage.rglob("*")):
            tar.add(path, str(path.relative_to(stage)), recursive=False, filter=_without_origin)
    return archive


def _merged_locks(extras: Sequence[str]) -> str:
    """Return what all these extras pin, each package once: they are locked together."""
    pinned: dict[str, str] = {}
    for extra in extras:
        text = (REPO / "sagemaker_jobs" / "extras" / f"{extra}.txt").read_text()
        for entry in re.split(r"^(?=[A-Za-z0-9])", text, flags=re.MULTILINE)[1:]:
            lines = [line for line in entry.splitlines() if not line.lstrip().startswith("#")]
            pinned[lines[0]] = "\n".join(lines) + "\n"
    return "".join(pinned[pin] for pin in sorted(pinned))


def _add_code(stage: Path, root: Path, folder: str | Path, without: tuple[str, ...] = ()) -> None:
    """Lay out a folder in the stage as it lies below `root`, without what is no code and without these names.

    The files are links to a copy that all stages of this process share: the CDK knows a file that it has hashed by its inode.
    """
    copied = _copied(root / folder, (*_NOT_CODE, *without))
    shutil.copytree(copied, stage / folder, copy_function=os.link)


@cache
def _copied(folder: Path, left_out: tuple[str, ...]) -> Path:
    copied = _empty_stage() / folder.name
    shutil.copytree(folder, copied, ignore=shutil.ignore_patterns(*left_out))
    return copied


def _write_bill(stage: Path, name: str, bill: bytes) -> None:
    """Write a bill of materials to where what it is about can be asked for it."""
    folder = stage / "sbom"
    folder.mkdir(exist_ok=True)
    (folder / f"{name}.cdx.json").write_bytes(bill)


def _without_origin(member: tarfile.TarInfo) -> tarfile.TarInfo:
    """Leave out when the file was written, and by whom."""
    member.mtime = member.uid = member.gid = 0
    member.uname = member.gname = ""
    member.mode = 0o755 if member.isdir() else 0o644
    return member


def _empty_stage() -> Path:
    stage = Path(tempfile.mkdtemp(prefix="headrace-bundle-"))
    atexit.register(shutil.rmtree, stage, ignore_errors=True)
    return stage
