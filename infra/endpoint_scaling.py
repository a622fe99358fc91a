"""Lets the endpoint's instances follow the load."""

from __future__ import annotations

import json

from aws_cdk import ArnFormat, Aws, CustomResource, Stack
from aws_cdk import aws_iam as iam
from aws_cdk import aws_kms as kms
from constructs import Construct

from headrace.config.pipeline import Pipeline
from headrace.config.scaling import Scaling
from infra.narrow_grants import acknowledge_wildcards
from infra.pipeline_function import PipelineFunction
from infra.sagemaker_task import allow, sagemaker_arn

_SERVICE = "sagemaker.application-autoscaling.amazonaws.com"


class EndpointScaling(Construct):
    """The function that registers variants with Application Auto Scaling, and a custom resource that calls it.

    Deployments call it, because every model version is a variant of its own. The custom resource applies a change of the
    pipeline file at once, and stops scaling where the block, or the stack, is deleted.

    Attributes
    ----------
    function : PipelineFunction
        ``scale_endpoint``.
    resource : CustomResource
        Let it depend on what must be deleted after it.
    """

    def __init__(
        self,
        scope: Construct,
        id: str,
        *,
        pipeline: Pipeline,
        scaling: Scaling,
        key: kms.IKey,
        endpoint_name: str,
    ) -> None:
        super().__init__(scope, id)
        self.function = PipelineFunction(
            self, "Function", name="scale_endpoint", pipeline=pipeline, key=key, environment={}
        )
        self._allow_scaling()
        self._allow_sizes(endpoint_name)
        self._allow_alarms(endpoint_name, wakes=scaling.min == 0)
        acknowledge_wildcards(
            self.function.role,
            "AWS names scalable targets by random ids and their alarms by a random suffix: namespace, dimension and the "
            "endpoint's name are the scope. Describing has no resources.",
        )
        self.resource = CustomResource(
            self,
            "Resource",
            resource_type="Custom::EndpointScaling",
            service_token=self.function.function_arn,
            properties={"Scaling": json.dumps(scaling.model_dump(), sort_keys=True)},
        )

    def _allow_scaling(self) -> None:
        targets = Stack.of(self).format_arn(
            service="application-autoscaling", resource="scalable-target", resource_name="*"
        )
        verbs = ("RegisterScalableTarget", "DeregisterScalableTarget", "PutScalingPolicy")
        self.function.add_to_role_policy(
            iam.PolicyStatement(
                actions=[f"application-autoscaling:{verb}" for verb in verbs],
                resources=[targets],
                conditions={
                    "StringEquals": {
                        "application-autoscaling:service-namespace": "sagemaker",
                        "application-autoscaling:scalable-dimension": "sagemaker:variant:DesiredInstanceCount",
                    }
                },
            )
        )
        allow(self.function.role, ["application-autoscaling:DescribeScalableTargets"], ["*"])
        # The first scalable target of an account makes the role under which AWS scales its endpoints.
        self.function.add_to_role_policy(
            iam.PolicyStatement(
                actions=["iam:CreateServiceLinkedRole"],
                resources=[
                    f"arn:{Aws.PARTITION}:iam::{Aws.ACCOUNT_ID}:role/aws-service-role/{_SERVICE}/"
                    "AWSServiceRoleForApplicationAutoScaling_SageMakerEndpoint"
                ],
                conditions={"StringEquals": {"iam:AWSServiceName": _SERVICE}},
            )
        )

    def _allow_sizes(self, endpoint_name: str) -> None:
        """Allow what AWS asks of who lets an endpoint scale, on this one."""
        allow(
            self.function.role,
            ["sagemaker:DescribeEndpoint", "sagemaker:UpdateEndpointWeightsAndCapacities"],
            [sagemaker_arn(self, "endpoint", endpoint_name)],
        )
        configs = sagemaker_arn(self, "endpoint-config", f"{endpoint_name}-v*")
        allow(self.function.role, ["sagemaker:DescribeEndpointConfig"], [configs])

    def _allow_alarms(self, endpoint_name: str, *, wakes: bool) -> None:
        """Allow the alarms of target tracking, which AWS asks of the caller, and the one that wakes the first instance.

        That one is deleted by every pipeline: an earlier pipeline file may have let its endpoint go to sleep.
        """
        tracking = self._alarm(f"TargetTracking-endpoint/{endpoint_name}/variant/*")
        waking = self._alarm(f"{endpoint_name}-backlog-without-capacity")
        allow(self.function.role, ["cloudwatch:PutMetricAlarm"], [tracking, waking] if wakes else [tracking])
        allow(self.function.role, ["cloudwatch:DeleteAlarms"], [tracking, waking])
        allow(self.function.role, ["cloudwatch:DescribeAlarms"], ["*"])

    def _alarm(self, name: str) -> str:
        return Stack.of(self).format_arn(
            service="cloudwatch",
            resource="alarm",
            resource_name=name,
            arn_format=ArnFormat.COLON_RESOURCE_NAME,
        )
