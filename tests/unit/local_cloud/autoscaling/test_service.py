import re

import pytest

from local_cloud.sagemaker.errors import ApiError
from tests.unit.local_cloud.autoscaling.cloud import FIRST_INSTANCE, TARGET, Scaling


@pytest.fixture
def scaling():
    return Scaling(v1=2, v2=1)


def code_of(refused):
    return refused.value.code, str(refused.value)


def test_a_target_is_registered_described_and_deregistered(scaling):
    scaling.register(1, 8)

    (target,) = scaling.list("DescribeScalableTargets")
    assert (target["ResourceId"], target["MinCapacity"], target["MaxCapacity"]) == (
        "endpoint/e/variant/v1",
        1,
        8,
    )
    assert target["RoleARN"].endswith("/AWSServiceRoleForApplicationAutoScaling_SageMakerEndpoint")
    scaling.call("DeregisterScalableTarget")
    assert scaling.list("DescribeScalableTargets") == []


def test_what_is_registered_again_keeps_what_is_not_said_anew(scaling):
    first = scaling.register(1, 8)

    second = scaling.call("RegisterScalableTarget", MaxCapacity=9)

    assert second == first
    (target,) = scaling.list("DescribeScalableTargets")
    assert (target["MinCapacity"], target["MaxCapacity"]) == (1, 9)


def test_targets_are_listed_in_pages_and_by_name(scaling):
    scaling.register()
    scaling.register(ResourceId="endpoint/e/variant/v2")

    page = scaling.service.call("DescribeScalableTargets", {"ServiceNamespace": "sagemaker", "MaxResults": 1})
    rest = scaling.service.call(
        "DescribeScalableTargets", {"ServiceNamespace": "sagemaker", "NextToken": page["NextToken"]}
    )
    (named,) = scaling.list("DescribeScalableTargets", ResourceIds=["endpoint/e/variant/v2"])
    assert [each["ScalableTargets"][0]["ResourceId"][-2:] for each in (page, rest)] == ["v1", "v2"]
    assert named["ResourceId"].endswith("v2")
    assert scaling.list("DescribeScalableTargets", ServiceNamespace="ecs") == []


@pytest.mark.parametrize(
    ("request_", "says"),
    [
        ({"MinCapacity": 3, "MaxCapacity": 1}, "Maximum capacity cannot be less than minimum capacity"),
        ({"MinCapacity": -1, "MaxCapacity": 1}, "Minimum capacity cannot be less than 0"),
        ({"MinCapacity": 1}, "MinCapacity and MaxCapacity are required"),
        ({"MinCapacity": 1, "MaxCapacity": 2, "ResourceId": "endpoint/e/variant/gone"}, "does not exist"),
        ({"MinCapacity": 1, "MaxCapacity": 2, "ResourceId": "table/t"}, "Unsupported service namespace"),
        (
            {"MinCapacity": 1, "MaxCapacity": 2, "ScalableDimension": "ecs:service:DesiredCount"},
            "Unsupported",
        ),
        (
            {"MinCapacity": 1, "MaxCapacity": 2, "ScalableDimension": "nonsense"},
            "failed to satisfy constraint",
        ),
        ({"MinCapacity": "one", "MaxCapacity": 2}, "Invalid type for parameter MinCapacity"),
    ],
)
def test_a_target_that_cannot_be_is_refused(scaling, request_, says):
    with pytest.raises(ApiError, match=says) as refused:
        scaling.call("RegisterScalableTarget", **request_)

    assert refused.value.code == "ValidationException"


def test_a_policy_needs_a_target(scaling):
    with pytest.raises(ApiError) as refused:
        scaling.track()

    assert code_of(refused) == (
        "ObjectNotFoundException",
        "No scalable target registered for service namespace: sagemaker, resource ID: endpoint/e/variant/v1, "
        "scalable dimension: sagemaker:variant:DesiredInstanceCount",
    )


@pytest.mark.parametrize(
    ("policy", "says"),
    [
        ({"PolicyType": "StepScaling"}, "StepScalingPolicyConfiguration is required"),
        (
            {
                "PolicyType": "StepScaling",
                "StepScalingPolicyConfiguration": {"AdjustmentType": "ExactCapacity"},
            },
            "At least one step adjustment",
        ),
        ({"PolicyType": "PredictiveScaling"}, "not supported"),
        (
            {
                "PolicyType": "TargetTrackingScaling",
                "TargetTrackingScalingPolicyConfiguration": {"TargetValue": 1.0},
            },
            "Exactly one of",
        ),
        (
            {
                "PolicyType": "TargetTrackingScaling",
                "TargetTrackingScalingPolicyConfiguration": {
                    "TargetValue": 1.0,
                    "PredefinedMetricSpecification": {
                        "PredefinedMetricType": "ECSServiceAverageCPUUtilization"
                    },
                },
            },
            "Invalid predefined metric type",
        ),
    ],
)
def test_a_policy_that_cannot_be_is_refused(scaling, policy, says):
    scaling.register()

    with pytest.raises(ApiError, match=says):
        scaling.call("PutScalingPolicy", PolicyName="p", **policy)


def test_target_tracking_makes_the_alarms_that_watch_its_metric(scaling):
    scaling.register()

    policy = scaling.track()

    high, low = (scaling.cloud.alarms[alarm["AlarmName"]] for alarm in policy["Alarms"])
    assert re.fullmatch(r"TargetTracking-endpoint/e/variant/v1-AlarmHigh-[0-9a-f-]{36}", high["AlarmName"])
    assert (high["MetricName"], high["Statistic"], high["Threshold"]) == (
        "InvocationsPerInstance",
        "Sum",
        600,
    )
    assert (high["Period"], high["EvaluationPeriods"]) == (60, 3)
    assert (low["Threshold"], low["Period"], low["EvaluationPeriods"]) == (540, 60, 15)
    assert high["AlarmActions"] == low["AlarmActions"] == [policy["PolicyARN"]]


def test_a_policy_that_is_put_again_has_one_pair_of_alarms(scaling):
    scaling.register()
    first = scaling.track(600)

    second = scaling.track(300, DisableScaleIn=True)

    assert second["PolicyARN"] == first["PolicyARN"]
    assert [alarm["Threshold"] for alarm in scaling.cloud.alarms.values()] == [300]
    (policy,) = scaling.list("DescribeScalingPolicies", PolicyNames=["load"])
    assert policy["TargetTrackingScalingPolicyConfiguration"]["TargetValue"] == 300


def test_policies_and_alarms_go_with_their_target(scaling):
    scaling.register()
    scaling.track()

    scaling.call("DeregisterScalableTarget")

    assert scaling.list("DescribeScalingPolicies") == []
    assert scaling.cloud.alarms == {}


def test_a_policy_is_deleted_once(scaling):
    scaling.register()
    scaling.track()

    scaling.call("DeleteScalingPolicy", PolicyName="load")

    with pytest.raises(ApiError, match="No scaling policy found for") as refused:
        scaling.call("DeleteScalingPolicy", PolicyName="load")
    assert refused.value.code == "ObjectNotFoundException"


def test_an_endpoint_that_is_deleted_takes_its_targets_along(scaling):
    scaling.register()
    scaling.register(ResourceId="endpoint/e/variant/v2")
    scaling.track()

    scaling.service.forget("e")

    assert scaling.service.variants("e") == []
    assert scaling.cloud.alarms == {}


def test_what_is_not_built_is_said(scaling):
    with pytest.raises(ApiError, match="not available in the local cloud") as refused:
        scaling.call("PutScheduledAction", ScheduledActionName="night")

    assert refused.value.status == 501


def test_targets_and_policies_survive_a_restart(scaling):
    scaling.register()
    policy = scaling.call(
        "PutScalingPolicy",
        PolicyName="first",
        PolicyType="StepScaling",
        StepScalingPolicyConfiguration=FIRST_INSTANCE,
    )
    later = Scaling(v1=2)

    later.service.load(scaling.service.dump())

    assert later.list("DescribeScalableTargets")[0]["ResourceId"] == TARGET["ResourceId"]
    assert later.alarm(policy, metric=1, threshold=1) == 3
