import boto3
import pytest
from moto import mock_aws

from headrace.aws.instance_scaling import InstanceScaling, waking_alarm
from headrace.config.scaling import Scaling

LOAD = Scaling(min=2, max=8, target=600)
QUEUE = Scaling(min=0, max=4, by="backlog", target=5)
ALARM = waking_alarm("headrace-bike")


@pytest.fixture
def clients():
    with mock_aws():
        yield [
            boto3.client(name, region_name="us-east-1") for name in ("application-autoscaling", "cloudwatch")
        ]


def targets(clients):
    found = clients[0].describe_scalable_targets(ServiceNamespace="sagemaker")["ScalableTargets"]
    return {target["ResourceId"]: (target["MinCapacity"], target["MaxCapacity"]) for target in found}


def policies(clients):
    found = clients[0].describe_scaling_policies(ServiceNamespace="sagemaker")["ScalingPolicies"]
    return {policy["PolicyName"]: policy for policy in found}


def alarms(clients):
    return {alarm["AlarmName"]: alarm for alarm in clients[1].describe_alarms()["MetricAlarms"]}


def test_a_variant_is_kept_between_two_counts_and_its_load_at_the_target(clients):
    InstanceScaling(*clients).start("headrace-bike", "v3", LOAD)

    assert targets(clients) == {"endpoint/headrace-bike/variant/v3": (2, 8)}
    tracked = policies(clients)["headrace-bike-target"]["TargetTrackingScalingPolicyConfiguration"]
    assert tracked == {
        "TargetValue": 600.0,
        "PredefinedMetricSpecification": {"PredefinedMetricType": "SageMakerVariantInvocationsPerInstance"},
        "ScaleOutCooldown": 60,
        "ScaleInCooldown": 300,
    }
    assert ALARM not in alarms(clients)


def test_starting_again_changes_what_is_other(clients):
    scaling = InstanceScaling(*clients)
    scaling.start("headrace-bike", "v3", LOAD)

    scaling.start("headrace-bike", "v3", Scaling(min=1, max=9, by="concurrency", target=4))

    assert targets(clients) == {"endpoint/headrace-bike/variant/v3": (1, 9)}
    (policy,) = policies(clients).values()
    tracked = policy["TargetTrackingScalingPolicyConfiguration"]
    assert tracked["PredefinedMetricSpecification"]["PredefinedMetricType"] == (
        "SageMakerVariantConcurrentRequestsPerModelHighResolution"
    )


def test_a_queue_without_an_instance_wakes_one(clients):
    InstanceScaling(*clients).start("headrace-bike", "v3", QUEUE)

    assert targets(clients) == {"endpoint/headrace-bike/variant/v3": (0, 4)}
    first, tracked = (
        policies(clients)["headrace-bike-first-instance"],
        policies(clients)["headrace-bike-target"],
    )
    metric = tracked["TargetTrackingScalingPolicyConfiguration"]["CustomizedMetricSpecification"]
    assert metric["MetricName"] == "ApproximateBacklogSizePerInstance"
    assert alarms(clients)[ALARM]["AlarmActions"] == [first["PolicyARN"]]
    assert first["StepScalingPolicyConfiguration"]["StepAdjustments"] == [
        {"MetricIntervalLowerBound": 0.0, "ScalingAdjustment": 1}
    ]


def test_what_no_longer_goes_down_to_nothing_needs_nobody_to_wake_it(clients):
    scaling = InstanceScaling(*clients)
    scaling.start("headrace-bike", "v3", QUEUE)

    scaling.start("headrace-bike", "v3", Scaling(min=1, max=4, by="backlog", target=5))

    assert ALARM not in alarms(clients)


def test_all_variants_but_those_to_keep_stop_scaling_and_another_endpoints_go_on(clients):
    scaling = InstanceScaling(*clients)
    for endpoint, variant in [("headrace-bike", "v3"), ("headrace-bike", "v4"), ("headrace-bike-2", "v3")]:
        scaling.start(endpoint, variant, LOAD)

    assert scaling.stop("headrace-bike", keep={"v4"}) == ["v3"]
    assert set(targets(clients)) == {
        "endpoint/headrace-bike/variant/v4",
        "endpoint/headrace-bike-2/variant/v3",
    }


def test_when_all_stop_nobody_is_woken_any_more(clients):
    scaling = InstanceScaling(*clients)
    scaling.start("headrace-bike", "v3", QUEUE)

    assert scaling.stop("headrace-bike") == ["v3"]
    assert scaling.stop("headrace-bike") == []
    assert targets(clients) == {}
    assert ALARM not in alarms(clients)
