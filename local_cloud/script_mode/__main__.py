"""The container's entry point: ``train`` or ``serve``, as SageMaker calls it."""

from __future__ import annotations

import os
import sys

from local_cloud.script_mode.serving import serve
from local_cloud.script_mode.training import train

_VERBS = {"train": train, "serve": serve}

if __name__ == "__main__":
    sys.exit(_VERBS[sys.argv[1]](os.environ))
