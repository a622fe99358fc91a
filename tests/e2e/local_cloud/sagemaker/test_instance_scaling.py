"""Instances that follow the load: alarms call policies, policies start and end servers, and IAM says who may ask for it."""

import pytest
from botocore.exceptions import ClientError

from tests.e2e.cloud import eventually

DIMENSION = "sagemaker:variant:DesiredInstanceCount"
SCOPE = {
    "application-autoscaling:service-namespace": "sagemaker",
    "application-autoscaling:scalable-dimension": DIMENSION,
}
ROLE = "sagemaker.application-autoscaling.amazonaws.com"
STEP = {
    "AdjustmentType": "ChangeInCapacity",
    "StepAdjustments": [{"MetricIntervalLowerBound": 0, "ScalingAdjustment": 1}],
    "Cooldown": 300,
}


def test_an_alarm_on_the_load_starts_another_instance_for_whoever_may_ask_for_it(cloud, serve, invoke, name):
    serve(name)
    target = {
        "ServiceNamespace": "sagemaker",
        "ScalableDimension": DIMENSION,
        "ResourceId": f"endpoint/{name}/variant/main",
    }
    actions = ["RegisterScalableTarget", "PutScalingPolicy", "DeregisterScalableTarget"]
    scaling = {
        "Action": [f"application-autoscaling:{action}" for action in actions],
        "Resource": "arn:aws:application-autoscaling:us-east-1:123456789012:scalable-target/*",
        "Condition": {"StringEquals": SCOPE},
    }
    made = {
        "Action": "iam:CreateServiceLinkedRole",
        "Resource": f"arn:aws:iam::123456789012:role/aws-service-role/{ROLE}/*",
        "Condition": {"StringEquals": {"iam:AWSServiceName": ROLE}},
    }
    beside = {
        "Action": [
            "sagemaker:DescribeEndpoint",
            "sagemaker:DescribeEndpointConfig",
            "sagemaker:UpdateEndpointWeightsAndCapacities",
            "cloudwatch:DescribeAlarms",
            "cloudwatch:PutMetricAlarm",
        ],
        "Resource": "*",
    }
    alarms = {
        "Action": "cloudwatch:DeleteAlarms",
        "Resource": f"arn:aws:cloudwatch:us-east-1:123456789012:alarm:TargetTracking-endpoint/{name}/variant/*",
    }
    other = {**scaling, "Condition": {"StringEquals": {**SCOPE, f"{next(iter(SCOPE))}": "ecs"}}}
    stranger = cloud.as_role(other, made)("application-autoscaling")
    careless = cloud.as_role(scaling, made, beside)("application-autoscaling")
    client = cloud.as_role(scaling, made, beside, alarms)("application-autoscaling")

    with pytest.raises(ClientError, match=r"AccessDenied.*RegisterScalableTarget"):
        stranger.register_scalable_target(**target, MinCapacity=1, MaxCapacity=2)
    with pytest.raises(ClientError, match=r"ValidationException.*cloudwatch:DeleteAlarms"):
        careless.register_scalable_target(**target, MinCapacity=1, MaxCapacity=2)
    client.register_scalable_target(**target, MinCapacity=1, MaxCapacity=2)
    policy = client.put_scaling_policy(
        **target, PolicyName="p", PolicyType="StepScaling", StepScalingPolicyConfiguration=STEP
    )
    dimensions = [{"Name": "EndpointName", "Value": name}, {"Name": "VariantName", "Value": "main"}]
    cloud.client("cloudwatch").put_metric_alarm(
        AlarmName=name,
        Namespace="AWS/SageMaker",
        MetricName="InvocationsPerInstance",
        Dimensions=dimensions,
        Statistic="Sum",
        Period=60,
        EvaluationPeriods=1,
        Threshold=30,
        ComparisonOperator="GreaterThanThreshold",
        AlarmActions=[policy["PolicyARN"]],
    )
    for _ in range(10):
        invoke(name, b"1")

    def instances():
        [variant] = cloud.client("sagemaker").describe_endpoint(EndpointName=name)["ProductionVariants"]
        return variant["CurrentInstanceCount"]

    assert eventually(instances, lambda count: count == 2) == 2
    client.deregister_scalable_target(**target)
    deletes = {
        "Action": "cloudwatch:DeleteAlarms",
        "Resource": f"arn:aws:cloudwatch:us-east-1:123456789012:alarm:{name}",
    }
    owner = cloud.as_role(deletes)("cloudwatch")
    with pytest.raises(ClientError, match=r"AccessDenied.*DeleteAlarms"):
        owner.delete_alarms(AlarmNames=[name, "another"])
    owner.delete_alarms(AlarmNames=[name])
