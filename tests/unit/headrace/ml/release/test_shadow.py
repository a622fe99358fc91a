import json

import numpy as np
import pytest

from headrace.ml.release.shadow import MOST_CHANGES, Agreement, Pairs


def test_labels_that_differ_are_counted_with_what_became_of_them():
    old = (["no", "no", "yes", "yes"], np.array([0.1, 0.2, 0.8, 0.9]))
    new = (["no", "yes", "yes", "no"], np.array([0.1, 0.6, 0.8, 0.4]))

    found = Agreement().add(old, new, numbers=False)

    assert (found.rows, found.differing, found.share) == (4, 2, 0.5)
    assert found.changes == {"no → yes": 1, "yes → no": 1}
    assert found.differences.mean == pytest.approx((0.0 + 0.4 + 0.0 - 0.5) / 4)
    assert sum(found.counts) == 4


def test_numbers_differ_by_more_than_a_hundredth_of_their_unit():
    old, new = np.array([10.0, 20.0, 30.0]), np.array([10.05, 21.0, 25.0])

    found = Agreement(unit=10.0).add((["?"] * 3, old), (["?"] * 3, new), numbers=True)

    assert (found.differing, found.changes) == (2, {})
    assert found.largest == pytest.approx(0.5)


def test_the_share_that_agrees_has_an_interval():
    same = (["a"] * 1000, np.full(1000, 0.5))

    other = (["a"] * 900 + ["b"] * 100, np.full(1000, 0.5))

    always = Agreement().add(same, same, numbers=False).share_interval(0.05)
    mostly = Agreement().add(same, other, numbers=False).share_interval(0.05)

    assert 0.98 < always.low < always.high == 1.0
    assert 0.85 < mostly.low < 0.9 < mostly.high < 0.94


def test_many_labels_that_change_are_told_together():
    old = [f"{number:02}" for number in range(30)] * 2
    found = Agreement().add(
        (old, np.zeros(60)), ([f"new {label}" for label in old], np.zeros(60)), numbers=False
    )

    again = found.add((["z"], np.zeros(1)), (["y"], np.zeros(1)), numbers=False)

    assert len(found.changes) == MOST_CHANGES + 1
    assert found.changes["others"] == 20
    assert sum(again.changes.values()) == again.differing == 61


def test_pairs_need_far_fewer_labels_than_shared_requests():
    rng = np.random.default_rng(1)
    hard = rng.random(400) < 0.3
    saved = hard & (rng.random(400) < 0.3)

    found = Pairs(bounded=True).add(hard.astype(float), (hard & ~saved).astype(float)).judge(0.05)

    assert found.verdict == "better"
    assert found.champion == pytest.approx(hard.mean())
    assert found.difference.low < -saved.mean() < found.difference.high < 0


def test_what_is_tolerated_is_a_share_of_what_the_champion_loses():
    rng = np.random.default_rng(2)
    losses = rng.random(6000)
    same = Pairs(bounded=True).add(losses, np.clip(losses + rng.normal(0, 0.02, 6000), 0, 1))

    assert same.judge(0.05).verdict == "open"
    assert same.judge(0.05, tolerated=0.1).verdict == "better"


def test_a_worse_shadow_is_found_out():
    rng = np.random.default_rng(3)
    losses = rng.exponential(2.0, 3000)

    found = Pairs(bounded=False).add(losses, losses * 1.3).judge(0.05, tolerated=0.1)

    assert found.verdict == "worse"


def test_pairs_wait_for_a_scale_and_go_on_from_what_was_written_down():
    rng = np.random.default_rng(4)
    few = Pairs(bounded=True).add(rng.random(40), rng.random(40))
    many = few.add(rng.random(200), rng.random(200))

    assert few.judge(0.05).requests == (40, 40)
    assert many.judge(0.05).requests == (240, 240)
    for pairs in (few, many):
        assert Pairs.from_dict(json.loads(json.dumps(pairs.as_dict()))) == pairs
    agreement = Agreement().add((["a"], np.zeros(1)), (["b"], np.ones(1)), numbers=False)
    assert Agreement.from_dict(json.loads(json.dumps(agreement.as_dict()))) == agreement


def test_equal_shadows_are_hardly_ever_told_apart():
    rng = np.random.default_rng(5)
    found = 0
    for _ in range(60):
        pairs, verdicts = Pairs(bounded=True), []
        for _ in range(10):
            hard = rng.random(200)
            pairs = pairs.add(*((rng.random(200) < hard).astype(float) for _ in range(2)))
            verdicts.append(pairs.judge(0.05).verdict)
        found += {"better", "worse"} & set(verdicts) != set()

    assert found <= 3
