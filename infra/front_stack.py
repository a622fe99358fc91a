"""An API before the endpoint; part of a pipeline with the block `endpoint.front`."""

from __future__ import annotations

import json

from aws_cdk import Acknowledgment, CfnOutput, Duration, Validations
from aws_cdk import aws_apigateway as apigateway
from aws_cdk import aws_cloudwatch as cloudwatch
from aws_cdk import aws_iam as iam
from aws_cdk import aws_wafv2 as wafv2
from constructs import Construct

from headrace.config.front import Front
from headrace.config.pipeline import Pipeline
from infra.data_stack import DataStack
from infra.front_messages import BINARY, PASSED_ON, integration_responses, method_responses, question
from infra.operation_alarms import OperationAlarms, Words
from infra.pipeline_logs import PipelineLogs
from infra.pipeline_stack import PipelineStack
from infra.sagemaker_task import allow, sagemaker_arn
from infra.serving_stack import ServingStack

_LONGEST = Duration.seconds(29)
_STAGE = "live"
_LOGGED = {
    "requestId": "$context.requestId",
    "time": "$context.requestTimeEpoch",
    "caller": "$context.identity.userArn",
    "ip": "$context.identity.sourceIp",
    "apiKeyId": "$context.identity.apiKeyId",
    "method": "$context.httpMethod",
    "path": "$context.resourcePath",
    "status": "$context.status",
    "bytes": "$context.responseLength",
    "latencyMs": "$context.responseLatency",
    "endpointStatus": "$context.integration.status",
    "endpointLatencyMs": "$context.integration.latency",
    "refused": "$context.error.responseType",
}
"""What is known of a request without a look at what it holds: messages of the validation would repeat values."""


class FrontStack(PipelineStack):
    """IAM-signed ``POST /predictions`` → checks, key and limits → SageMaker's InvokeEndpoint, with no function between.

    Attributes
    ----------
    api : RestApi
        Regional; its one stage is ``live``.
    """

    def __init__(
        self,
        scope: Construct,
        id: str,
        *,
        pipeline: Pipeline,
        front: Front,
        data: DataStack,
        serving: ServingStack,
    ) -> None:
        super().__init__(
            scope, id, pipeline=pipeline, description="API before the endpoint", hardening=data.hardening
        )
        self._front, self._data, self._endpoint_name = front, data, serving.endpoint_name
        # Deleted in the reverse order: nothing asks an endpoint that is gone.
        self.add_stack_dependency(serving)
        self.api = self._add_api()
        self._add_method()
        self._add_firewall()
        key = self._add_usage_plan()
        self._watch()
        CfnOutput(self, "FrontUrl", value=self.api.url_for_path("/predictions"))
        CfnOutput(self, "FrontApiKeyId", value=key.key_id)

    def _add_api(self) -> apigateway.RestApi:
        front, access_log = self._front, self._add_access_log()
        api = apigateway.RestApi(
            self,
            "Api",
            rest_api_name=self._endpoint_name,
            description=f"Headrace {self.pipeline.name}: predictions",
            endpoint_types=[apigateway.EndpointType.REGIONAL],
            binary_media_types=list(BINARY),
            policy=_policy_of(front.principals) if front.principals else None,
            # An account has one role for the logs of all its APIs, which is not this stack's to exchange: docs/front.md.
            cloud_watch_role=False,
            deploy_options=apigateway.StageOptions(
                stage_name=_STAGE,
                throttling_rate_limit=front.requests_per_second,
                throttling_burst_limit=front.burst,
                access_log_destination=apigateway.LogGroupLogDestination(access_log),
                access_log_format=apigateway.AccessLogFormat.custom(json.dumps(_LOGGED)),
                tracing_enabled=self.strict,
            ),
        )
        _acknowledge(api, _REASONS)
        return api

    def _add_firewall(self) -> None:
        """Put the web ACL before the stage, if there is one: it is its owner's, who says what it lets through."""
        stage = self.api.deployment_stage
        if self._front.web_acl is None:
            _acknowledge(stage, _WITHOUT_FIREWALL)
            return
        wafv2.CfnWebACLAssociation(
            self, "Firewall", resource_arn=stage.stage_arn, web_acl_arn=self._front.web_acl
        )

    def _add_access_log(self) -> PipelineLogs:
        return PipelineLogs(self, "AccessLog", key=self._data.key)

    def _add_method(self) -> None:
        method = self.api.root.add_resource("predictions").add_method(
            "POST",
            self._integration(),
            authorization_type=apigateway.AuthorizationType.IAM,
            api_key_required=True,
            request_validator=self.api.add_request_validator(
                "Validator", validate_request_body=True, validate_request_parameters=True
            ),
            request_models={
                "application/json": self.api.add_model(
                    "Question", content_type="application/json", schema=question()
                )
            },
            request_parameters={
                f"method.request.header.{name}": name == "Content-Type" for name in PASSED_ON
            },
            method_responses=method_responses(),
        )
        _acknowledge(
            method, {"AwsSolutions-COG4": "Callers are programs with roles of IAM, not people with accounts."}
        )

    def _integration(self) -> apigateway.AwsIntegration:
        role = iam.Role(self, "InvokeRole", assumed_by=iam.ServicePrincipal("apigateway.amazonaws.com"))
        allow(role, ["sagemaker:InvokeEndpoint"], [sagemaker_arn(self, "endpoint", self._endpoint_name)])
        return apigateway.AwsIntegration(
            service="runtime.sagemaker",
            path=f"endpoints/{self._endpoint_name}/invocations",
            integration_http_method="POST",
            options=apigateway.IntegrationOptions(
                credentials_role=role,
                timeout=_LONGEST,
                passthrough_behavior=apigateway.PassthroughBehavior.WHEN_NO_MATCH,
                request_parameters={
                    f"integration.request.header.{name}": f"method.request.header.{name}"
                    for name in PASSED_ON
                },
                integration_responses=integration_responses(),
            ),
        )

    def _add_usage_plan(self) -> apigateway.ApiKey:
        front = self._front
        key = apigateway.ApiKey(
            self, "Key", description=f"Headrace {self.pipeline.name}: whom the limits are for"
        )
        plan = self.api.add_usage_plan(
            "UsagePlan",
            throttle=apigateway.ThrottleSettings(
                rate_limit=front.requests_per_second, burst_limit=front.burst
            ),
            quota=apigateway.QuotaSettings(limit=front.requests_per_day, period=apigateway.Period.DAY),
        )
        plan.add_api_key(key)
        plan.add_api_stage(stage=self.api.deployment_stage)
        return key

    def _watch(self) -> None:
        alarms = OperationAlarms(self, "OperationAlarms", pipeline=self.pipeline, topic=self._data.topic)
        alarms.watch_metric(
            "FrontErrors",
            self.api.metric_server_error(statistic=cloudwatch.Stats.SUM, period=Duration.minutes(5)),
            Words(
                "the API before the endpoint has answered with an error of the server's (5XX)",
                look="its access log says whether the endpoint failed or was not reached",
                then="callers get errors; `headrace status` says whether the endpoint is in service",
            ),
        )


def _policy_of(principals: tuple[str, ...]) -> iam.PolicyDocument:
    """Let these ask and nobody else, whatever their own policies allow."""
    everything = ["execute-api:/*"]
    return iam.PolicyDocument(
        statements=[
            iam.PolicyStatement(
                principals=[iam.ArnPrincipal(arn) for arn in principals],
                actions=["execute-api:Invoke"],
                resources=everything,
            ),
            iam.PolicyStatement(
                effect=iam.Effect.DENY,
                principals=[iam.AnyPrincipal()],
                actions=["execute-api:Invoke"],
                resources=everything,
                conditions={"ArnNotLike": {"aws:PrincipalArn": [_members(arn) for arn in principals]}},
            ),
        ]
    )


def _members(principal: str) -> str:
    """Return whom an ARN means: an account's root means everybody in it."""
    return f"{principal.removesuffix('root')}*" if principal.endswith(":root") else principal


_UNLOGGED = "Execution logs lie in an unencrypted group and may repeat what requests hold. The access log tells of every request without."
_REASONS = dict.fromkeys(
    ("AwsSolutions-APIG6", "APIGWExecutionLoggingEnabled", "CT.APIGATEWAY.PR.1"), _UNLOGGED
)
_WITHOUT_FIREWALL = {
    "AwsSolutions-APIG3": "Every call is signed with IAM; `endpoint.front.web_acl` puts a firewall before it."
}


def _acknowledge(construct: Construct, reasons: dict[str, str]) -> None:
    Validations.of(construct).acknowledge(
        *(Acknowledgment(id=rule, reason=reason) for rule, reason in reasons.items())
    )
