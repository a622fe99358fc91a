"""The demo, and the deletion of all that it has deployed, on the local cloud that the environment names."""

from __future__ import annotations

import os
import sys

from demo.__main__ import PIPELINE, cdk, main
from local_cloud.launcher import LocalCloud
from local_cloud.settings import Settings


def run() -> int:
    """Run the demo, then `cdk destroy`; the local cloud is stopped whatever happens."""
    local = LocalCloud(Settings.from_environ(os.environ))
    try:
        failed = main(["--reset"])
        environment = {**os.environ, **local.environment()}
        cdk(["destroy", "--all", "--force", "-c", f"pipeline={PIPELINE}"], environment)
    finally:
        local.stop()
    return failed


if __name__ == "__main__":
    sys.exit(run())
