"""A network of the pipeline's own that has no way to the internet."""

from __future__ import annotations

from aws_cdk import Aws, CustomResource, Stack
from aws_cdk import aws_ec2 as ec2
from aws_cdk import aws_iam as iam
from aws_cdk import aws_kms as kms
from constructs import Construct

from headrace.config.pipeline import Pipeline
from infra.narrow_grants import acknowledge_wildcards
from infra.pipeline_function import PipelineFunction
from infra.pipeline_logs import PipelineLogs
from infra.placement import Placement
from infra.private_endpoints import add_endpoints
from infra.sagemaker_task import allow

_ADDRESSES = "10.72.0.0/20"  # any will do: it is connected with no other network
_SUBNET_BITS = 22  # 1,024 addresses; each instance and each set of functions takes one
_ZONES = 2
_HTTPS = ec2.Port.tcp(443)


class PrivateNetwork(Construct):
    """Subnets in two zones without a gateway, endpoints, flow logs, and security groups that lead to the endpoints alone.

    Attributes
    ----------
    placement : Placement
        For whatever is to run in it.
    """

    def __init__(self, scope: Construct, id: str, *, pipeline: Pipeline, key: kms.IKey) -> None:
        super().__init__(scope, id)
        self._vpc = ec2.Vpc(
            self,
            "Vpc",
            ip_addresses=ec2.IpAddresses.cidr(_ADDRESSES),
            max_azs=_ZONES,
            nat_gateways=0,
            restrict_default_security_group=False,  # ours does it, without a function in another language
            subnet_configuration=[
                ec2.SubnetConfiguration(
                    name="Private", subnet_type=ec2.SubnetType.PRIVATE_ISOLATED, cidr_mask=_SUBNET_BITS
                )
            ],
        )
        self._add_flow_log(key)
        prepared = self._prepare(pipeline, key)
        endpoints = self._security_group("Endpoints", "endpoints of services")
        workload = self._security_group("Workload", "functions, jobs and models")
        endpoints.add_ingress_rule(workload, _HTTPS, "calls of functions, jobs and models")
        workload.add_egress_rule(endpoints, _HTTPS, "services of AWS")
        _lead_to_gateways(workload, prepared)
        # The hosts of one training speak with each other at ports of their own choice.
        for add in (workload.add_ingress_rule, workload.add_egress_rule):
            add(workload, ec2.Port.all_tcp(), "hosts of one job")
        add_endpoints(self, self._vpc, pipeline, endpoints)
        self.placement = Placement(
            [subnet.subnet_id for subnet in self._vpc.isolated_subnets], [workload.security_group_id]
        )

    def _security_group(self, id: str, what: str) -> ec2.SecurityGroup:
        return ec2.SecurityGroup(
            self, id, vpc=self._vpc, allow_all_outbound=False, description=f"Headrace: {what}"
        )

    def _add_flow_log(self, key: kms.IKey) -> None:
        """Note who spoke with whom, and who was refused."""
        logs = PipelineLogs(self, "FlowLogs", key=key)
        role = iam.Role(
            self,
            "FlowLogRole",
            assumed_by=iam.ServicePrincipal(
                "vpc-flow-logs.amazonaws.com",
                conditions={"StringEquals": {"aws:SourceAccount": Aws.ACCOUNT_ID}},
            ),
        )
        actions = ["logs:CreateLogStream", "logs:DescribeLogStreams", "logs:PutLogEvents"]
        allow(role, actions, [logs.log_group_arn])
        acknowledge_wildcards(role, "Log streams are named by the service: the group is the scope.")
        # The L2 would let the role pass itself on.
        flow_log = ec2.CfnFlowLog(
            self,
            "FlowLog",
            resource_id=self._vpc.vpc_id,
            resource_type="VPC",
            traffic_type="ALL",
            log_destination_type="cloud-watch-logs",
            log_group_name=logs.log_group_name,
            deliver_logs_permission_arn=role.role_arn,
        )
        flow_log.node.add_dependency(role)

    def _prepare(self, pipeline: Pipeline, key: kms.IKey) -> CustomResource:
        """Close the default security group, and find the prefix lists, which no template can name in every region."""
        stack = Stack.of(self)
        # Outside of the network, which is not ready yet. It sees no data.
        function = PipelineFunction(
            self, "Prepare", name="prepare_network", pipeline=pipeline, key=key, environment={}
        )
        group_id = self._vpc.vpc_default_security_group
        group = stack.format_arn(service="ec2", resource="security-group", resource_name=group_id)
        allow(
            function.role,
            ["ec2:RevokeSecurityGroupEgress", "ec2:RevokeSecurityGroupIngress"],
            [group],
        )
        # Describing has no resources.
        allow(function.role, ["ec2:DescribePrefixLists", "ec2:DescribeSecurityGroups"], ["*"])
        acknowledge_wildcards(function.role, "Describing security groups and prefix lists has no resources.")
        return CustomResource(
            self,
            "Prepared",
            resource_type="Custom::PreparedNetwork",
            service_token=function.function_arn,
            properties={"DefaultSecurityGroupId": group_id, "Region": stack.region},
        )


def _lead_to_gateways(group: ec2.SecurityGroup, prepared: CustomResource) -> None:
    """Let `group` reach S3 and DynamoDB.

    The rules stand in the group itself: a group without any gets a rule of EC2's own that leads everywhere.
    """
    resource = group.node.default_child
    assert isinstance(resource, ec2.CfnSecurityGroup)
    rules = [
        {
            "IpProtocol": "tcp",
            "FromPort": 443,
            "ToPort": 443,
            "DestinationPrefixListId": prepared.get_att_string(f"{service}PrefixListId"),
            "Description": service,
        }
        for service in ("S3", "DynamoDb")
    ]
    resource.add_property_override("SecurityGroupEgress", rules)
