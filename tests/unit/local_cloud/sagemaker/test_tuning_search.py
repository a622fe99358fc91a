"""Searches, with objectives that are formulas."""

from math import log10

import pytest

from local_cloud.sagemaker.tuning_search import Knowledge, Plan, start_search
from local_cloud.sagemaker.tuning_space import CategoryRange, NumberRange, read_space

SPACE = [
    NumberRange("rate", 0.001, 1.0, "Logarithmic"),
    NumberRange("depth", 1, 12, whole=True),
    CategoryRange("kind", ("a", "b", "c")),
]

NOTHING = Knowledge()


def planted(point):
    """An error that is smallest, 0, at rate 0.03, depth 7, kind b."""
    kind = 0.0 if point["kind"] == "b" else 0.5
    return (log10(float(point["rate"])) - log10(0.03)) ** 2 + ((int(point["depth"]) - 7) / 12) ** 2 + kind


def searched(strategy, trials, seed=1, space=SPACE, known=NOTHING, parallel=1):
    """Return the points of a search that hears of each trial `parallel` trials later."""
    search = start_search(strategy, Plan(space, seed, False, trials, known))
    points = []
    for number in range(trials):
        if number >= parallel:
            search.tell(number - parallel, planted(points[number - parallel]))
        points.append(search.ask())
    return points


@pytest.mark.parametrize("seed", range(4))
def test_bayesian_search_finds_a_planted_optimum_better_than_random_search(seed):
    bayesian = min(map(planted, searched("Bayesian", 40, seed)))
    by_chance = min(map(planted, searched("Random", 40, seed)))

    assert bayesian < 0.02
    assert bayesian < by_chance


def test_random_search_comes_near_a_planted_optimum():
    assert min(map(planted, searched("Random", 200))) < 0.03


@pytest.mark.parametrize("strategy", ["Random", "Bayesian", "Hyperband"])
@pytest.mark.parametrize("parallel", [1, 3])
def test_the_same_seed_gives_the_same_search(strategy, parallel):
    once, again = (searched(strategy, 15, seed=5, parallel=parallel) for _ in range(2))

    assert once == again
    assert once != searched(strategy, 15, seed=6, parallel=parallel)


def test_random_search_tries_nothing_twice_as_long_as_there_is_something_else():
    space = [CategoryRange("kind", ("a", "b", "c")), NumberRange("depth", 1, 2, whole=True)]
    search = start_search("Random", Plan(space, 1, False, 6))

    points = [search.ask() for _ in range(6)]

    assert len({tuple(point.items()) for point in points}) == 6


def test_every_value_lies_within_its_range_and_integers_are_whole():
    for point in searched("Random", 100) + searched("Bayesian", 30):
        assert 0.001 <= float(point["rate"]) <= 1.0
        assert point["depth"] in map(str, range(1, 13))


@pytest.mark.parametrize(
    ("low", "high", "scale", "middle"),
    [
        ("0", "10", "Linear", 5.0),
        ("0.01", "100", "Logarithmic", 1.0),
        ("0.01", "100", "Auto", 1.0),
        ("1", "10", "Auto", 5.5),
        ("0", "0.9999", "ReverseLogarithmic", 0.99),
    ],
)
def test_the_middle_of_a_range_is_that_of_its_scale(low, high, scale, middle):
    item = {"Name": "x", "MinValue": low, "MaxValue": high, "ScalingType": scale}
    [range_] = read_space({"ContinuousParameterRanges": [item]})

    assert float(range_.text(0.5)) == pytest.approx(middle)
    assert range_.position(range_.text(0.3)) == pytest.approx(0.3)
    assert (float(range_.text(0)), float(range_.text(1))) == (float(low), pytest.approx(float(high)))


def test_integers_on_a_logarithmic_scale_are_rarer_the_larger_they_are():
    item = {"Name": "x", "MinValue": "1", "MaxValue": "1000", "ScalingType": "Logarithmic"}
    [range_] = read_space({"IntegerParameterRanges": [item]})

    values = [int(range_.text(i / 999)) for i in range(1000)]

    assert (min(values), max(values)) == (1, 1000)
    assert sum(value < 32 for value in values) == pytest.approx(500, abs=50)


def test_measurements_of_earlier_searches_lead_a_bayesian_search():
    measured = [(point, planted(point)) for point in searched("Bayesian", 60, seed=2)]

    cold = [planted(point) for point in searched("Bayesian", 6, seed=3)]
    warm = [planted(point) for point in searched("Bayesian", 6, seed=3, known=Knowledge(measured=measured))]

    assert sum(warm) < sum(cold) / 2


@pytest.mark.parametrize("strategy", ["Random", "Bayesian"])
def test_promising_points_are_tried_first_and_those_outside_the_ranges_not_at_all(strategy):
    good = {"rate": "0.03", "depth": "7", "kind": "b", "static": "1"}
    outside = {"rate": "5", "depth": "7", "kind": "b"}

    first, second = searched(strategy, 2, known=Knowledge(promising=[outside, good]))

    assert first == {"rate": "0.03", "depth": "7", "kind": "b"}
    assert second not in (first, outside)
