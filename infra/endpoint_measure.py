"""Measures the endpoint every five minutes, where an alarm of the pipeline file needs it."""

from __future__ import annotations

from aws_cdk import aws_kms as kms
from aws_cdk import aws_scheduler as scheduler
from constructs import Construct

from headrace.config.pipeline import Pipeline
from infra.narrow_grants import acknowledge_wildcards
from infra.pipeline_function import PipelineFunction
from infra.sagemaker_task import allow, sagemaker_arn
from infra.schedules import CallOnSchedule

# Two minutes after each period of five: SageMaker takes up to two to count.
_EVERY_FIVE_MINUTES = "cron(2/5 * * * ? *)"


class EndpointMeasure(Construct):
    """Schedule → ``measure_endpoint``: reads what SageMaker counted by variant, writes metrics of the whole endpoint."""

    def __init__(
        self, scope: Construct, id: str, *, pipeline: Pipeline, endpoint: str, key: kms.IKey
    ) -> None:
        super().__init__(scope, id)
        self.function = PipelineFunction(
            self,
            "MeasureEndpoint",
            name="measure_endpoint",
            pipeline=pipeline,
            key=key,
            environment={"ENDPOINT_NAME": endpoint},
        )
        role = self.function.role
        allow(role, ["sagemaker:DescribeEndpoint"], [sagemaker_arn(self, "endpoint", endpoint)])
        allow(role, ["cloudwatch:GetMetricData"], ["*"])
        acknowledge_wildcards(role, "GetMetricData knows no resources; it only reads.")
        CallOnSchedule(
            self,
            "EveryFiveMinutes",
            description=f"Headrace {pipeline.name}: measure the endpoint",
            schedule=scheduler.ScheduleExpression.expression(_EVERY_FIVE_MINUTES),
            function=self.function,
            key=key,
        )
