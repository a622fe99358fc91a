"""Pipelines that CDK deploys to a local cloud."""

import json
import os
import sys
from pathlib import Path

from tests.e2e.cloud import ACCOUNT, REGION

_CDK = Path(sys.executable).parent / "cdk"
# How stacks come into being is AWS's matter, and tested with CDK itself: no change sets, two stacks at a time.
_HOW = ("--exclusively", "--require-approval", "never", "--method", "direct", "--concurrency", "2")


def deployed(cloud, folder, pipeline, *kinds):
    """Deploy the stacks of these kinds and no other ones, and return the outputs of all by their names.

    The pipeline is a dictionary of its fields. All that CDK reads and writes is in the folder.
    """
    name, outputs = pipeline["name"], folder / "outputs.json"
    (folder / f"{name}.yaml").write_text(json.dumps(pipeline))
    options = ("--output", folder / "cdk.out", "-c", f"pipeline={folder / f'{name}.yaml'}", "--no-notices")
    stacks = [f"{name}-{kind}" for kind in kinds]
    # With the user's home: CDK's libraries are unpacked there, once.
    variables = {name: os.environ[name] for name in ("PATH", "HOME")} | {"CI": "true"}
    for arguments in (
        ("bootstrap", f"aws://{ACCOUNT}/{REGION}", "--app", ""),
        ("deploy", *stacks, *_HOW, "--outputs-file", outputs),
    ):
        done = cloud.run(_CDK, *arguments, *options, timeout_s=300, **variables)
        assert done.returncode == 0, done.stdout[-3000:] + done.stderr[-3000:]
    return {key: value for stack in json.loads(outputs.read_text()).values() for key, value in stack.items()}
