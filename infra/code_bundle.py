"""Stages what a Lambda function or a SageMaker image is built from, file by file."""

from __future__ import annotations

import atexit
import shutil
import tempfile
from pathlib import Path

from headrace.config.pipeline import Pipeline

REPO = Path(__file__).parents[1]
_NOT_CODE = shutil.ignore_patterns("__pycache__", "*.pyc")


def lambda_bundle(pipeline: Pipeline) -> Path:
    """Copy the functions' code and the pipeline to one folder, and return it.

    The folder holds ``lambdas/``, ``headrace/`` without the command line, and ``pipeline.json``: what every
    function of this pipeline is deployed with, and nothing else.
    """
    stage = _empty_stage()
    shutil.copytree(REPO / "lambdas", stage / "lambdas", ignore=_NOT_CODE)
    shutil.copytree(
        REPO / "headrace", stage / "headrace", ignore=shutil.ignore_patterns("__pycache__", "*.pyc", "cli")
    )
    (stage / "pipeline.json").write_text(pipeline.model_dump_json(indent=1))
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
    shutil.move(stage / "sagemaker_jobs" / "Dockerfile", stage / "Dockerfile")
    return stage


def _empty_stage() -> Path:
    stage = Path(tempfile.mkdtemp(prefix="headrace-bundle-"))
    atexit.register(shutil.rmtree, stage, ignore_errors=True)
    return stage
