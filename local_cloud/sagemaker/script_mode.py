"""Recognises AWS's managed scikit-learn image, whose containers run the user's script."""

from __future__ import annotations

import re
import sys

_MANAGED = re.compile(r"^\d{12}\.dkr\.ecr\.[a-z0-9-]+\.amazonaws\.com(\.cn)?/sagemaker-scikit-learn:[0-9].*$")

ENTRYPOINT = (sys.executable, "-m", "local_cloud.script_mode")
"""What a container of that image starts, here with this environment's Python and packages, whatever version the image has."""


def is_managed(uri: str) -> bool:
    """Tell whether `uri` is AWS's scikit-learn image.

    Examples
    --------
    >>> is_managed("683313688378.dkr.ecr.us-east-1.amazonaws.com/sagemaker-scikit-learn:1.9-0-cpu-py3")
    True
    >>> is_managed("123456789012.dkr.ecr.us-east-1.amazonaws.com/mine:1")
    False
    """
    return _MANAGED.match(uri) is not None
