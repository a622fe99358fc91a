"""Synthesise the stacks of one pipeline: `cdk deploy --all -c pipeline=<name>`."""

from infra.pipeline_app import synthesise

synthesise()
