"""The script that AWS's container runs to train, and imports to serve. It lies at the root of the code's archive."""

from __future__ import annotations

import os
import sys

# OpenMP reads this when scikit-learn is imported, which is later; sagemaker_jobs.__main__ says why.
os.environ.setdefault("OMP_NUM_THREADS", "1")

from sagemaker_jobs.managed.serving import model_fn, transform_fn
from sagemaker_jobs.managed.training import train

__all__ = ["model_fn", "transform_fn"]

if __name__ == "__main__":
    sys.exit(train(os.environ))
