"""The image's entry point: ``train``, ``serve`` or ``job <name>``, as SageMaker calls it."""

from __future__ import annotations

import os
import sys

from sagemaker_jobs.entry import run

# Threads that wait for each other cost more than they bring, but in fitting many rows, which asks for them. OpenMP reads
# this when scikit-learn is imported, which is later.
os.environ.setdefault("OMP_NUM_THREADS", "1")

if __name__ == "__main__":
    sys.exit(run(sys.argv[1:], os.environ))
