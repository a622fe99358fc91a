"""Composes the stacks of one pipeline."""

from __future__ import annotations

from pathlib import Path

import aws_cdk as cdk

from headrace.config.loading import PipelineError, find_pipeline
from headrace.config.pipeline import Pipeline
from infra.batches_stack import BatchesStack
from infra.code_bundle import REPO
from infra.data_stack import DataStack
from infra.database_stack import DatabaseStack
from infra.feedback_stack import FeedbackStack
from infra.front_stack import FrontStack
from infra.large_data_stack import LargeDataStack
from infra.managed_policies import manage_policies
from infra.monitoring_stack import MonitoringStack
from infra.operation_alarms import OperationAlarms
from infra.pipeline_stack import PipelineStack
from infra.predict_batch_stack import PredictBatchStack
from infra.serving_stack import ServingStack
from infra.stream_stack import StreamStack
from infra.tracking_stack import TrackingStack
from infra.training_stack import TrainingStack


def synthesise() -> None:
    """Write the templates of the pipeline that the CDK's command line names."""
    app = cdk.App()
    add_pipeline(app)
    app.synth()


def add_pipeline(app: cdk.App, *, root: Path = REPO) -> None:
    """Add the stacks of the pipeline that the context names (``-c pipeline=bike``).

    Raises
    ------
    SystemExit
        If no pipeline is named, or its file is missing or wrong; the text says what to do.
    """
    try:
        pipeline = find_pipeline(app.node.try_get_context("pipeline"), root)
    except PipelineError as error:
        raise SystemExit(str(error)) from None
    add_stacks(app, pipeline)


def add_stacks(app: cdk.App, pipeline: Pipeline) -> None:
    """Add the stacks of `pipeline`, in the order in which they need one another: four, and those of optional blocks."""
    name = pipeline.name
    data = DataStack(app, f"{name}-data", pipeline=pipeline)
    if pipeline.arrival.train == "batch":
        BatchesStack(app, f"{name}-batches", pipeline=pipeline, data=data)
    if pipeline.database:
        DatabaseStack(app, f"{name}-database", pipeline=pipeline, database=pipeline.database, data=data)
    large = None
    if pipeline.large_data:
        large = LargeDataStack(
            app, f"{name}-large-data", pipeline=pipeline, large_data=pipeline.large_data, data=data
        )
    training = TrainingStack(app, f"{name}-training", pipeline=pipeline, data=data, large=large)
    serving = ServingStack(app, f"{name}-serving", pipeline=pipeline, data=data, training=training)
    MonitoringStack(
        app, f"{name}-monitoring", pipeline=pipeline, data=data, training=training, serving=serving
    )
    _add_optional_stacks(app, pipeline, data, serving)
    _watch_undelivered(app, data)
    for stack in app.node.children:
        if isinstance(stack, PipelineStack):
            manage_policies(stack)


def _add_optional_stacks(app: cdk.App, pipeline: Pipeline, data: DataStack, serving: ServingStack) -> None:
    """Add the stacks of blocks that need a pipeline that serves, or nothing but its data."""
    name = pipeline.name
    if pipeline.tracking:
        TrackingStack(app, f"{name}-tracking", pipeline=pipeline, tracking=pipeline.tracking, data=data)
    if batch := pipeline.endpoint.batches:
        PredictBatchStack(app, f"{name}-batch", pipeline=pipeline, batch=batch, data=data, serving=serving)
    if pipeline.feedback:
        FeedbackStack(app, f"{name}-feedback", pipeline=pipeline, feedback=pipeline.feedback, data=data)
    if pipeline.stream:
        StreamStack(
            app, f"{name}-stream", pipeline=pipeline, stream=pipeline.stream, data=data, serving=serving
        )
    if pipeline.endpoint.front:
        FrontStack(
            app,
            f"{name}-front",
            pipeline=pipeline,
            front=pipeline.endpoint.front,
            data=data,
            serving=serving,
        )


def _watch_undelivered(app: cdk.App, data: DataStack) -> None:
    """Alarm when something lies in a stack's queue of what could not be delivered, where there are such queues."""
    for stack in app.node.children:
        if isinstance(stack, PipelineStack) and (queue := stack.undelivered_if_any):
            alarms = OperationAlarms(stack, "UndeliveredAlarm", pipeline=stack.pipeline, topic=data.topic)
            alarms.watch_queues({"Undelivered": queue})
