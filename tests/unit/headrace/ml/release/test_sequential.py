import json
import math
from itertools import pairwise

import numpy as np
import pytest

from headrace.ml.release.confidence import Sums, log_evidence
from headrace.ml.release.sequential import FIRST, Scale, Split

EQUAL = 0.5


def ever(losses, to_challenger, *, share, bounded=True, looks=12):
    """Return the first verdict of many looks that is not open, and how many requests it took."""
    split, ends = Split(share, bounded), np.linspace(0, len(losses), looks + 1).astype(int)
    for start, end in pairwise(ends):
        part, new = losses[start:end], to_challenger[start:end]
        split = split.add(part[~new], part[new])
        verdict = split.verdict(0.05)
        if verdict != "open":
            return verdict, end
    return "open", len(losses)


def test_before_a_hundred_losses_are_known_nothing_is_judged():
    split = Split(EQUAL, bounded=True).add(np.ones(50), np.zeros(FIRST - 51))

    found = split.judge(0.05)

    assert (found.verdict, found.requests) == ("open", (50, 49))
    assert math.isnan(found.champion)


def test_the_differences_are_weighted_by_the_inverse_of_the_share():
    # 75 requests of the champion, 15 of them wrong; 25 of the challenger, 10 of them wrong. The centre is 25 / 100.
    split = Split(0.25, bounded=True).add(np.repeat([1.0, 0.0], [15, 60]), np.repeat([1.0, 0.0], [10, 15]))

    found = split.judge(0.05)

    total = (10 * 0.75 - 15 * 0.25) / 0.25 - (15 * 0.75 - 60 * 0.25) / 0.75
    squares = (10 * 0.75**2 + 15 * 0.25**2) / 0.25**2 + (15 * 0.75**2 + 60 * 0.25**2) / 0.75**2
    assert (found.champion, found.challenger) == (pytest.approx(0.2), pytest.approx(0.4))
    assert found.difference.low < total / 100 < found.difference.high
    assert math.log(found.evidence[1]) == pytest.approx(log_evidence(Sums(100, total, squares), 0.0, 1.0))


def test_looking_in_between_changes_nothing_once_the_scale_is_known():
    rng = np.random.default_rng(3)
    old, new = rng.exponential(2.0, 900), rng.exponential(2.0, 900)

    at_once = Split(EQUAL, bounded=False).add(old[:100], new[:100]).add(old[100:], new[100:])
    often = Split(EQUAL, bounded=False).add(old[:100], new[:100])
    for start in range(100, 900, 100):
        often = often.add(old[start : start + 100], new[start : start + 100])

    assert often.judge(0.05).difference.low == pytest.approx(at_once.judge(0.05).difference.low)


def test_it_goes_on_from_what_was_written_down():
    rng = np.random.default_rng(4)
    young = Split(EQUAL, bounded=True).add(rng.random(10), rng.random(10))
    old = young.add(rng.random(200), rng.random(200))

    for split in (young, old):
        assert Split.from_dict(json.loads(json.dumps(split.as_dict()))) == split


def test_one_monstrous_error_does_not_hide_the_rest():
    usual = np.linspace(0.0, 1.0, 200)

    scale = Scale.of(np.append(usual, 1e9), bounded=False)

    assert scale.most == pytest.approx(0.99, abs=0.01)
    assert scale.centred(np.array([1e9]))[0] == pytest.approx(1.0 - scale.centre)


def test_errors_that_are_all_zero_are_no_difference():
    assert Split(EQUAL, bounded=False).add(np.zeros(500), np.zeros(500)).judge(0.05).verdict == "open"


def test_a_margin_has_to_be_beaten():
    rng = np.random.default_rng(5)
    split = Split(EQUAL, bounded=True).add(rng.random(20000) < 0.30, rng.random(20000) < 0.27)

    assert split.judge(0.05).verdict == "better"
    assert split.judge(0.05, margin=0.03).verdict == "open"
    assert split.judge(0.05, margin=0.1).verdict == "worse"


def test_requests_that_are_not_shared_as_they_should_be_decide_nothing():
    rng = np.random.default_rng(6)
    split = Split(EQUAL, bounded=True).add(rng.random(3000) < 0.3, rng.random(2000) < 0.1)

    assert split.judge(0.05).verdict == "wrong shares"


@pytest.mark.parametrize("share", [0.5, 0.1])
@pytest.mark.parametrize("kind", ["half", "rare", "heavy tails"])
def test_equal_models_are_hardly_ever_told_apart(share, kind):
    rng = np.random.default_rng(7)
    draw = {
        "half": lambda n: (rng.random(n) < 0.5).astype(float),
        "rare": lambda n: (rng.random(n) < 0.02).astype(float),
        "heavy tails": lambda n: np.abs(rng.standard_t(2, n)),
    }[kind]

    verdicts = [
        ever(draw(4000), rng.random(4000) < share, share=share, bounded=kind != "heavy tails")[0]
        for _ in range(100)
    ]

    assert sum(verdict != "open" for verdict in verdicts) <= 5


def test_users_who_come_back_make_equal_models_no_less_equal():
    # Forty requests of each user, who is easy or hard for both models.
    rng = np.random.default_rng(8)
    verdicts = []
    for _ in range(100):
        hard = np.repeat(rng.random(100) < 0.3, 40)
        verdicts.append(ever(hard.astype(float), rng.random(4000) < 0.5, share=EQUAL)[0])

    assert sum(verdict != "open" for verdict in verdicts) <= 5


@pytest.mark.parametrize(("share", "requests"), [(0.5, 12000), (0.1, 40000)])
def test_a_planted_winner_is_found(share, requests):
    rng = np.random.default_rng(9)
    found = []
    for _ in range(20):
        new = rng.random(requests) < share
        losses = rng.random(requests) < np.where(new, 0.16, 0.2)
        found.append(ever(losses.astype(float), new, share=share)[0])

    assert found.count("better") >= 18
    assert "worse" not in found
