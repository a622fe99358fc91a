"""Stages what a Lambda function or a SageMaker image is built from, file by file."""

from __future__ import annotations

import atexit
import gzip
import shutil
import tarfile
import tempfile
from functools import cache
from importlib import util
from pathlib import Path

from headrace.config.pipeline import Pipeline

REPO = Path(__file__).parents[1]
_PURE_PACKAGES = ("openpyxl", "et_xmlfile")
"""What reads workbooks, in Python alone."""

_OWN_STEPS = Path("pipelines") / "steps"
_NOT_CODE = shutil.ignore_patterns("__pycache__", "*.pyc")


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
    shutil.copytree(repo / "lambdas", stage / "lambdas", ignore=_NOT_CODE)
    shutil.copytree(
        repo / "headrace", stage / "headrace", ignore=shutil.ignore_patterns("__pycache__", "*.pyc", "cli")
    )
    _copy_own_steps(stage)
    (stage / "pipeline.json").write_text(pipeline)
    return stage


def glue_bundle() -> Path:
    """Copy what the Spark jobs import and Glue does not have, the user's own steps among it, and return the folder."""
    stage = _empty_stage()
    shutil.copytree(REPO / "glue_jobs", stage / "glue_jobs", ignore=_NOT_CODE)
    shutil.copytree(
        REPO / "headrace",
        stage / "headrace",
        ignore=shutil.ignore_patterns("__pycache__", "*.pyc", "cli", "config"),
    )
    _copy_own_steps(stage)
    for name in _PURE_PACKAGES:
        found = util.find_spec(name)
        if found is None or not found.submodule_search_locations:
            raise ModuleNotFoundError(f"{name} is not installed: run make setup")
        shutil.copytree(found.submodule_search_locations[0], stage / name, ignore=_NOT_CODE)
    return stage


def image_bundle() -> Path:
    """Copy what the SageMaker image is built from to one folder, and return it."""
    stage = _empty_stage()
    shutil.copytree(REPO / "sagemaker_jobs", stage / "sagemaker_jobs", ignore=_NOT_CODE)
    shutil.copytree(
        REPO / "headrace",
        stage / "headrace",
        ignore=shutil.ignore_patterns("__pycache__", "*.pyc", "cli", "aws"),
    )
    _copy_own_steps(stage)
    shutil.move(stage / "sagemaker_jobs" / "Dockerfile", stage / "Dockerfile")
    return stage


def source_archive() -> Path:
    """Pack the code of the jobs as AWS's managed containers take it, and return the ``sourcedir.tar.gz``.

    The entry script and ``requirements.txt`` lie at the root, as script mode demands. The same code gives the same bytes,
    so the hash of the archive is that of the code.
    """
    stage = image_bundle()
    (stage / "Dockerfile").unlink()
    for name in ("script.py", "requirements.txt"):
        shutil.move(stage / "sagemaker_jobs" / "managed" / name, stage / name)
    archive = _empty_stage() / "sourcedir.tar.gz"
    with gzip.GzipFile(archive, "wb", mtime=0) as file, tarfile.open(fileobj=file, mode="w") as tar:
        for path in sorted(stage.rglob("*")):
            tar.add(path, str(path.relative_to(stage)), recursive=False, filter=_without_origin)
    return archive


def _copy_own_steps(stage: Path) -> None:
    """Copy ``pipelines/steps``, in which a user's steps are found by their names."""
    shutil.copytree(REPO / _OWN_STEPS, stage / _OWN_STEPS, ignore=_NOT_CODE)


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
