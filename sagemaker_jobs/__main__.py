"""The image's entry point: ``train``, ``serve`` or ``job <name>``, as SageMaker calls it."""

from __future__ import annotations

import os
import sys

from sagemaker_jobs.entry import run

if __name__ == "__main__":
    sys.exit(run(sys.argv[1:], os.environ))
