"""Synthesise the stacks of one pipeline: `cdk deploy --all -c pipeline=<name>`."""

import aws_cdk as cdk

from infra.pipeline_app import add_pipeline

app = cdk.App()
add_pipeline(app)
app.synth()
