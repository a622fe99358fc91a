"""Imports what only some learners need, and says how to install it."""

from __future__ import annotations

import importlib
from typing import Any

from sagemaker_jobs.failures import JobError


def need(module: str, *, extra: str, asked_by: str) -> Any:
    """Import a module of an extra.

    Parameters
    ----------
    module : str
        As `import` names it.
    extra : str
        Name of the file in ``sagemaker_jobs/extras``.
    asked_by : str
        What of the pipeline file needs it, for the error.

    Raises
    ------
    JobError
        If it is not installed, with what to run.

    Examples
    --------
    >>> need("json", extra="none", asked_by="nobody").dumps(1)
    '1'
    """
    package = module.partition(".")[0]
    try:
        return importlib.import_module(module)
    except ModuleNotFoundError as error:
        if error.name != package:
            raise
    raise JobError(
        f"{asked_by} needs {package}, which is not installed: run `make frameworks` on this machine, or "
        f"`.venv/bin/uv pip install -r sagemaker_jobs/extras/{extra}.txt`; an image has it after the next `cdk deploy`"
    )
