import math

import numpy as np
import pytest

from headrace.ml.release.confidence import Reach, Sums, log_evidence, mean_interval


def test_nothing_is_evidence_of_nothing():
    assert log_evidence(Sums(), 0.0, 1.0) == 0.0

    found = mean_interval(Sums(), Reach(2.0, 3.0), 0.05)

    assert (found.low, found.high) == pytest.approx((-2.0, 3.0))


def test_the_evidence_of_one_value_is_what_eight_gamblers_own():
    bets = [0.5**power for power in range(1, 9)]
    penalties = [-math.log1p(-bet) - bet for bet in bets]
    owned = [math.exp(bet * 1.0 - penalty * 1.0) for bet, penalty in zip(bets, penalties, strict=True)]

    assert log_evidence(Sums.of(np.array([1.0])), 0.0, 1.0) == pytest.approx(math.log(sum(owned) / 8))


def test_a_fair_bet_on_one_value_gains_nothing_on_average():
    # At -1 a gambler's bet is settled exactly, at 1 he owns a little less than 1 + bet.
    up, down = (math.exp(log_evidence(Sums.of(np.array([value])), 0.0, 1.0)) for value in (1.0, -1.0))

    assert 0.97 < (up + down) / 2 <= 1.0


def test_the_unit_does_not_matter():
    plain, scaled = Sums(50, 20.0, 40.0), Sums(50, 20.0, 40.0).scaled(1000.0)

    assert log_evidence(scaled, 0.0, 1000.0) == pytest.approx(log_evidence(plain, 0.0, 1.0))


def test_sums_of_parts_are_the_sums_of_the_whole():
    values = np.array([0.5, -0.25, 1.0, 0.0])

    assert Sums.of(values[:1]) + Sums.of(values[1:]) == Sums.of(values) == Sums(4, 1.25, 1.3125)
    assert Sums.from_dict(Sums.of(values).as_dict()) == Sums.of(values)


def test_an_interval_ends_where_the_evidence_decides():
    sums, reach = Sums(400, 60.0, 380.0), Reach(1.0, 1.5)

    found = mean_interval(sums, reach, 0.05)

    assert log_evidence(sums, found.low, reach.below) == pytest.approx(math.log(40))
    assert log_evidence(sums.scaled(-1.0), -found.high, reach.above) == pytest.approx(math.log(40))
    assert found.low < 0.15 < found.high


def test_an_interval_hardly_ever_misses_however_often_one_looks():
    rng = np.random.default_rng(1)
    misses = 0
    for _ in range(300):
        values = rng.choice([-0.1, 0.9], size=1000, p=[0.9, 0.1])
        totals, squares = np.cumsum(values), np.cumsum(np.square(values))
        looks = (Sums(n, totals[n - 1], squares[n - 1]) for n in range(20, 1001, 20))
        ever = max(max(log_evidence(s, 0.0, 0.1), log_evidence(s.scaled(-1.0), 0.0, 0.9)) for s in looks)
        misses += ever > math.log(2 / 0.05)

    assert misses <= 15
