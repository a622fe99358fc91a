"""Rules that stop trials, and criteria that end tuning jobs, by hand-made curves."""

import math

import pytest

from local_cloud.sagemaker.tuning_criteria import fulfilled, not_improving
from local_cloud.sagemaker.tuning_stopping import Hyperband, MedianRule, Stop


def test_a_trial_below_the_median_of_running_averages_is_stopped_at_that_epoch():
    # Running averages after two epochs: 0.5, 0.6, 0.9; their median is 0.6.
    earlier = {0: [0.4, 0.6], 1: [0.5, 0.7], 2: [0.8, 1.0]}

    assert MedianRule(maximize=True).verdict(3, [0.6, 0.59], earlier) == Stop(2)
    assert MedianRule(maximize=True).verdict(3, [0.6, 0.61], earlier) is None


def test_the_first_trial_is_never_stopped():
    assert MedianRule(maximize=True).verdict(0, [0.0, 0.0], {}) is None


def test_epochs_that_no_earlier_trial_has_reached_decide_nothing():
    assert MedianRule(maximize=True).verdict(1, [0.9, 0.0], {0: [0.5]}) is None


def test_a_trial_whose_objective_is_no_number_is_stopped():
    assert MedianRule(maximize=False).verdict(1, [math.nan], {0: [0.5]}) == Stop(1)
    assert Hyperband(1, 9, maximize=False).verdict(0, [math.nan], {}) == Stop(1)


def test_hyperband_keeps_the_best_third_at_each_rung():
    band = Hyperband(1, 9, maximize=True)
    rivals = {number: [0.1 * number] * 9 for number in range(30) if band.bracket(number) == 0}
    number = max(rivals) + 1
    while band.bracket(number) != 0:
        number += 1

    assert band.verdict(number, [9.0], rivals) is None
    assert band.verdict(number, [9.0, 9.0, 0.0], rivals) == Stop(3)
    assert band.verdict(number, [0.0], rivals) == Stop(1)


def test_hyperband_compares_within_a_bracket_only():
    band = Hyperband(1, 9, maximize=True)
    [first_of_second] = [number for number in range(3) if band.bracket(number) == 1]

    assert band.verdict(first_of_second, [0.0], {0: [1.0]}) is None


def test_hyperband_stops_no_trial_before_its_least_and_every_one_at_its_most():
    band = Hyperband(4, 16, maximize=False)

    assert band.rungs(0) == [4, 12]
    assert band.verdict(3, [9.0] * 3, {0: [0.0] * 16, 2: [0.0] * 16}) is None
    assert band.verdict(0, [1.0] * 16, {}) == Stop(16, trained=True)


def test_improvements_below_a_hundredth_do_not_count():
    assert not_improving([1.0, 0.995, 0.992], maximize=False) == 2
    assert not_improving([1.0, 0.98], maximize=False) == 0
    assert not_improving([None, math.nan, 0.5], maximize=True) == 0


@pytest.mark.parametrize(
    ("criteria", "objectives", "met"),
    [
        ({"TargetObjectiveMetricValue": 0.9}, [0.5, 0.95, None], True),
        ({"TargetObjectiveMetricValue": 0.9}, [0.5, 0.8], False),
        (
            {"BestObjectiveNotImproving": {"MaxNumberOfTrainingJobsNotImproving": 3}},
            [0.9, 0.5, 0.5, 0.9],
            True,
        ),
        ({"BestObjectiveNotImproving": {"MaxNumberOfTrainingJobsNotImproving": 3}}, [0.9, 0.5, 0.5], False),
        ({"ConvergenceDetected": {"CompleteOnConvergence": "Enabled"}}, [0.9] * 11, True),
        ({"ConvergenceDetected": {"CompleteOnConvergence": "Enabled"}}, [0.9] * 10, False),
        ({"ConvergenceDetected": {"CompleteOnConvergence": "Disabled"}}, [0.9] * 30, False),
        ({}, [0.9] * 30, False),
    ],
)
def test_a_criterion_is_met_by_what_the_trials_reached(criteria, objectives, met):
    assert fulfilled(criteria, objectives, maximize=True) is met
