"""Synthesises the stacks of a pipeline, each set of options once."""

import json
from functools import cache
from pathlib import Path

import aws_cdk as cdk
from aws_cdk.assertions import Template

from headrace.config.pipeline import Pipeline
from infra.data_stack import DataStack
from infra.serving_stack import ServingStack
from infra.training_stack import TrainingStack

CDK_JSON = json.loads((Path(__file__).parents[2] / "cdk.json").read_text())["context"]
CONTEXT = {**CDK_JSON, "aws:cdk:disable-asset-staging": True}


def template_app():
    """Return an app of which only the templates are looked at, each by a test: the CDK copies no code, and validates nothing."""
    return cdk.App(context=CONTEXT, builtin_cloud_formation_validation=False)


@cache
def stacks(options="{}"):
    """Return (data, training, serving) of the pipeline `bike`; `options` is JSON for the pipeline's fields."""
    app = template_app()
    fields = {"name": "bike", "problem": "regression", "target": "cnt", "id": "instant", "time": "dteday"}
    pipeline = Pipeline.model_validate({**fields, **json.loads(options)})
    data = DataStack(app, "bike-data", pipeline=pipeline)
    training = TrainingStack(app, "bike-training", pipeline=pipeline, data=data)
    return data, training, ServingStack(app, "bike-serving", pipeline=pipeline, data=data, training=training)


@cache
def templates(options="{}"):
    """Return the templates of training and serving."""
    _, training, serving = stacks(options)
    return Template.from_stack(training), Template.from_stack(serving)
