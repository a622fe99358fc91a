"""Imports every module of the jobs: the image's build fails if one is missing, and what is imported is compiled by it.

A container writes nothing when it runs, so packages that nobody has compiled would be compiled again at every start.
"""

from __future__ import annotations

import importlib
import pkgutil

import sagemaker_jobs


def module_names() -> list[str]:
    """Return the names of all modules but the one that runs a job."""
    found = pkgutil.walk_packages(sagemaker_jobs.__path__, "sagemaker_jobs.")
    return [module.name for module in found if not module.name.endswith("__main__")]


if __name__ == "__main__":
    for name in module_names():
        importlib.import_module(name)
