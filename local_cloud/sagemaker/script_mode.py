"""AWS's managed scikit-learn image in script mode: the user's script, fetched from S3, run by the environment's Python.

References
----------
.. [1] sagemaker-training toolkit, "ENVIRONMENT_VARIABLES.md"; sagemaker-inference toolkit, "README".
"""

from __future__ import annotations

import re

from local_cloud.sagemaker.errors import JobError
from local_cloud.sagemaker.images import Image
from local_cloud.sagemaker.jobs import Run

_MANAGED = re.compile(r"^\d{12}\.dkr\.ecr\.[a-z0-9-]+\.amazonaws\.com(\.cn)?/sagemaker-scikit-learn:[0-9].*$")


def is_managed(uri: str) -> bool:
    """Tell whether `uri` is AWS's scikit-learn image.

    Examples
    --------
    >>> is_managed("683313688378.dkr.ecr.us-east-1.amazonaws.com/sagemaker-scikit-learn:1.4-2-cpu-py3")
    True
    """
    return _MANAGED.match(uri) is not None


def managed_image(uri: str, run: Run) -> Image:
    """Return how the managed image would run this job's script."""
    raise JobError(f"ClientError: script mode of {uri} is not available here yet")
