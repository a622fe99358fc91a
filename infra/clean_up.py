"""Deletes with the stack what the state machines have made beside it."""

from __future__ import annotations

from typing import Literal

from aws_cdk import CustomResource
from aws_cdk import aws_iam as iam
from aws_cdk import aws_kms as kms
from constructs import Construct

from headrace.config.pipeline import Pipeline
from infra.narrow_grants import acknowledge_unbounded, acknowledge_wildcards
from infra.pipeline_function import PipelineFunction
from infra.release_alarms import release_alarm_arns
from infra.sagemaker_task import sagemaker_arn

What = Literal["deployment", "model_packages", "nothing"]


class CleanUp(Construct):
    """Custom resource whose deletion deletes an endpoint with its configurations, models and release alarms, or a group's packages.

    Where packages are kept it is there for ``nothing``: if it were not, CloudFormation would delete it when `on_destroy` becomes ``retain``,
    and it the packages.

    Attributes
    ----------
    resource : CustomResource
        Let it depend on what must be deleted after it.
    """

    def __init__(self, scope: Construct, id: str, *, pipeline: Pipeline, key: kms.IKey, what: What) -> None:
        super().__init__(scope, id)
        name = f"headrace-{pipeline.name}"
        function = PipelineFunction(
            self, "Function", name="clean_up", pipeline=pipeline, key=key, environment={}, timeout_s=900
        )
        for statement in _statements(self, what, name):
            function.add_to_role_policy(statement)
        if what != "nothing":
            acknowledge_wildcards(
                function.role,
                "What it deletes is named at run time: the pipeline's prefix is the scope. Listing has no resources.",
            )
        if what == "model_packages":
            acknowledge_unbounded(
                function.role,
                "ListModelPackages is asked for a group; AWS's reference names packages, and not whether the group's are meant.",
            )
        self.resource = CustomResource(
            self,
            "Resource",
            resource_type="Custom::CleanUp",
            service_token=function.function_arn,
            properties={"What": what, "Name": name},
        )


def _statements(scope: Construct, what: What, name: str) -> list[iam.PolicyStatement]:
    if what == "nothing":
        return []
    if what == "model_packages":
        return [
            _allow(["sagemaker:DeleteModelPackage"], [sagemaker_arn(scope, "model-package", f"{name}/*")]),
            # AWS's reference names model packages as the resource of listing them, and no group to which one could narrow it.
            _allow(["sagemaker:ListModelPackages"], ["*"]),
        ]
    return [
        _allow(
            ["sagemaker:DescribeEndpoint", "sagemaker:DeleteEndpoint"],
            [sagemaker_arn(scope, "endpoint", name)],
        ),
        _allow(["sagemaker:DeleteEndpointConfig"], [sagemaker_arn(scope, "endpoint-config", f"{name}-v*")]),
        _allow(["sagemaker:DeleteModel"], [sagemaker_arn(scope, "model", f"{name}-v*")]),
        _allow(["sagemaker:ListEndpointConfigs", "sagemaker:ListModels"], ["*"]),
        _allow(["cloudwatch:DeleteAlarms"], release_alarm_arns(scope, name)),
    ]


def _allow(actions: list[str], resources: list[str]) -> iam.PolicyStatement:
    return iam.PolicyStatement(actions=actions, resources=resources)
