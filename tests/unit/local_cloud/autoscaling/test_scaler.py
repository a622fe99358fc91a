import pytest

from tests.unit.local_cloud.autoscaling.cloud import FIRST_INSTANCE, Scaling

COOLDOWNS = {"ScaleOutCooldown": 60, "ScaleInCooldown": 300}


@pytest.fixture
def scaling():
    scaling = Scaling(v1=2)
    scaling.register(1, 8)
    return scaling


@pytest.mark.parametrize(
    ("load", "instances"),
    [(900, 3), (601, 3), (1200, 4), (90_000, 8), (500, 2), (299, 1), (0, 1)],
)
def test_so_many_instances_as_bring_the_load_of_each_to_the_target(scaling, load, instances):
    # 900 requests a minute on each of two instances are 1800: three of 600.
    assert scaling.alarm(scaling.track(600), load) == instances


def test_instances_that_were_added_have_their_time_before_more_are(scaling):
    policy = scaling.track(600, **COOLDOWNS)

    assert scaling.alarm(policy, 900) == 3
    scaling.now += 59
    assert scaling.alarm(policy, 900) == 3
    scaling.now += 1
    assert scaling.alarm(policy, 900) == 5  # 4.5, rounded up


def test_a_still_larger_load_does_not_wait(scaling):
    policy = scaling.track(600, **COOLDOWNS)
    scaling.alarm(policy, 900)

    # As many as if the third were not there yet: 2 x 1500 / 600.
    assert scaling.alarm(policy, 1500) == 5


def test_instances_go_one_change_in_five_minutes(scaling):
    scaling.cloud.counts["v1"] = 8
    policy = scaling.track(600, **COOLDOWNS)

    assert scaling.alarm(policy, 300) == 4
    scaling.now += 299
    assert scaling.alarm(policy, 300) == 4
    scaling.now += 1
    assert scaling.alarm(policy, 300) == 2


def test_a_load_that_comes_back_does_not_wait_for_the_end_of_the_pause(scaling):
    scaling.cloud.counts["v1"] = 4
    policy = scaling.track(600, **COOLDOWNS)
    scaling.alarm(policy, 300)

    scaling.now += 1

    assert scaling.alarm(policy, 900) == 3


def test_the_first_instance_of_a_queue_comes_by_a_step():
    scaling = Scaling(v1=0)
    scaling.register(0, 4)
    policy = scaling.call(
        "PutScalingPolicy",
        PolicyName="first",
        PolicyType="StepScaling",
        StepScalingPolicyConfiguration=FIRST_INSTANCE,
    )

    assert scaling.alarm(policy, metric=1, threshold=1) == 1
    assert scaling.alarm(policy, metric=1, threshold=1) == 1  # it is on its way


def test_what_a_step_has_added_is_not_taken_away_before_it_had_its_time(scaling):
    # With no instance nothing tells the backlog of each, so the alarm on a small one may still be on.
    scaling.register(0, 8)
    scaling.cloud.counts["v1"] = 0
    first = scaling.call(
        "PutScalingPolicy",
        PolicyName="first",
        PolicyType="StepScaling",
        StepScalingPolicyConfiguration=FIRST_INSTANCE,
    )
    tracking = scaling.track(600, **COOLDOWNS)
    scaling.alarm(first, metric=1, threshold=1)

    scaling.now += 299
    assert scaling.alarm(tracking, 0) == 1
    scaling.now += 1
    assert scaling.alarm(tracking, 0) == 0


def test_what_was_done_and_why_can_be_read(scaling):
    scaling.alarm(scaling.track(600), 900)

    (activity,) = scaling.list("DescribeScalingActivities")
    assert activity["Description"] == "Setting desired instance count to 3."
    assert activity["Cause"] == "monitor alarm the-alarm in state ALARM triggered policy load"
    assert activity["StatusCode"] == "Successful"


def test_an_endpoint_that_is_being_changed_is_asked_again_later(scaling):
    policy = scaling.track(600)
    scaling.cloud.busy = True
    scaling.alarm(policy, 900)

    scaling.cloud.busy = False

    assert scaling.list("DescribeScalingActivities") == []
    assert scaling.alarm(policy, 900) == 3


def test_a_change_that_is_refused_is_a_failed_activity(scaling):
    scaling.register(0, 8)
    scaling.cloud.refusal = 0

    assert scaling.alarm(scaling.track(600), 0) == 2
    (activity,) = scaling.list("DescribeScalingActivities")
    assert (activity["StatusCode"], "at least 1" in activity["StatusMessage"]) == ("Failed", True)


def test_what_is_suspended_rests(scaling):
    scaling.call("RegisterScalableTarget", SuspendedState={"DynamicScalingOutSuspended": True})
    policy = scaling.track(600)

    assert scaling.alarm(policy, 900) == 2
    assert scaling.alarm(policy, 200) == 1


def test_a_policy_that_is_gone_and_a_variant_that_is_gone_are_left_alone(scaling):
    policy = scaling.track(600)
    del scaling.cloud.counts["v1"]
    scaling.service.scaler.invoke(policy["PolicyARN"], "a", 900, 600)
    scaling.cloud.counts["v1"] = 2
    scaling.call("DeleteScalingPolicy", PolicyName="load")

    assert scaling.alarm(policy, 900) == 2
