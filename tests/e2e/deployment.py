"""Pipelines that CDK deploys to a local cloud."""

import json
import os
import sys
from pathlib import Path

from tests.infra.every_stack import Synthesised

_CDK = Path(sys.executable).parent / "cdk"
_BOOTSTRAP = Path(__file__).parents[2] / "node_modules/aws-cdk/lib/api/bootstrap/bootstrap-template.yaml"
# How stacks come into being is AWS's matter, and tested with CDK itself: no change sets, two stacks at a time.
_HOW = ("--exclusively", "--require-approval", "never", "--method", "direct", "--concurrency", "2")
_TOOLKIT = "CDKToolkit"


def deployed(cloud, folder, pipeline, *kinds, **context):
    """Deploy the stacks of these kinds and no other ones, and return the outputs of all by their names.

    The pipeline is a dictionary of its fields; the context is what `-c` would give. All that CDK reads and writes is in the folder. The templates are made
    here, because a process of their own would start Python, Node and their libraries anew; the README's walk runs `app.py`.
    """
    name, outputs, assembly = pipeline["name"], folder / "outputs.json", folder / "cdk.out"
    Synthesised(pipeline, assembly, validate=False, **context)
    _note(pipeline)
    _bootstrap(cloud)
    stacks = [f"{name}-{kind}" for kind in kinds]
    _cdk(cloud, "deploy", *stacks, *_HOW, "--app", assembly, "--outputs-file", outputs)
    return {key: value for stack in json.loads(outputs.read_text()).values() for key, value in stack.items()}


def _note(pipeline):
    """Say beside the calls that are recorded, if any are, of which pipeline they are."""
    if path := os.environ.get("HEADRACE_LOCAL_RECORD_IAM"):
        with Path(path).open("a") as file:
            file.write(json.dumps({"pipeline": pipeline}) + "\n")


def _bootstrap(cloud):
    """Make the stack that `cdk bootstrap` makes, without Node, unless it is there."""
    formation = cloud.client("cloudformation")
    if _TOOLKIT in {stack["StackName"] for stack in formation.describe_stacks()["Stacks"]}:
        return
    formation.create_stack(
        StackName=_TOOLKIT,
        TemplateBody=_BOOTSTRAP.read_text(),
        Parameters=[{"ParameterKey": "FileAssetsBucketKmsKeyId", "ParameterValue": "AWS_MANAGED_KEY"}],
        Capabilities=["CAPABILITY_NAMED_IAM"],
    )
    formation.get_waiter("stack_create_complete").wait(StackName=_TOOLKIT)


def _cdk(cloud, *arguments):
    # With the user's home: CDK's libraries are unpacked there, once.
    variables = {name: os.environ[name] for name in ("PATH", "HOME")} | {"CI": "true"}
    done = cloud.run(_CDK, *arguments, "--no-notices", timeout_s=300, **variables)
    assert done.returncode == 0, done.stdout[-3000:] + done.stderr[-3000:]
