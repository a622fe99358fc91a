import json

import numpy as np
import pytest

from headrace.ml.profile import profile_frame
from headrace.ml.release.shift import Stratum, answers_of, find_shift, profile_answers, shift_of, with_stratum

TRAINED = np.random.default_rng(0)
BINS = answers_of(profile_frame({}, [], predictions=TRAINED.normal(10, 2, 3000)))
LABELS = answers_of(
    profile_frame({}, [], predictions=["no"] * 80 + ["yes"] * 20, scores=TRAINED.beta(1, 4, 100))
)


def numbers(rng, mean, n):
    return profile_answers(BINS, rng.normal(mean, 2, n), [])


def labels(rng, share, n):
    yes = rng.random(n) < share
    scores = np.where(yes, rng.uniform(0.5, 1, n), rng.uniform(0, 0.5, n))
    return profile_answers(LABELS, np.where(yes, "yes", "no").tolist(), scores)


def stratum(champion, challenger):
    return Stratum("2026-01-31T10:00:00+00:00").add(champion, challenger)


@pytest.mark.parametrize(("moved", "shift"), [(0.0, 0.0), (0.3829, 1.0), (0.6827, 2.0), (1.0, 12.2)])
def test_a_share_of_rows_is_told_as_the_shift_that_moves_it(moved, shift):
    assert shift_of(moved) == pytest.approx(shift, abs=0.02)


def test_a_model_that_answers_higher_numbers_is_found_out():
    rng = np.random.default_rng(1)

    found = find_shift([stratum(numbers(rng, 12, 900), numbers(rng, 17, 120))], limit=1.0, looks=10)

    assert found.verdict == "shift"
    assert 2.0 < found.size < 3.0
    assert found.report.features[0].summary.startswith("mean 1")


def test_a_model_that_says_yes_far_too_often_is_found_out():
    rng = np.random.default_rng(2)

    found = find_shift([stratum(labels(rng, 0.1, 900), labels(rng, 0.8, 300))], limit=1.0, looks=10)

    assert found.verdict == "shift"
    assert {feature.name for feature in found.report.features if feature.drifted} == {"prediction", "score"}


def test_a_sure_difference_below_the_limit_is_told_and_is_no_shift():
    rng = np.random.default_rng(3)

    found = find_shift([stratum(numbers(rng, 10, 5000), numbers(rng, 11, 5000))], limit=1.0, looks=10)

    assert found.verdict == "no shift"
    assert found.size == pytest.approx(0.5, abs=0.05)


def test_callers_who_ask_otherwise_at_night_are_no_shift():
    # By day callers ask about larger things; the new model had a tenth of the requests at night and half of them by day.
    rng = np.random.default_rng(4)
    night = stratum(numbers(rng, 6, 1800), numbers(rng, 6, 200))
    day = stratum(numbers(rng, 14, 1000), numbers(rng, 14, 1000))

    apart = find_shift([night, day], limit=1.0, looks=10)
    together = find_shift([night.add(day.champion, day.challenger)], limit=1.0, looks=10)

    assert (apart.verdict, together.verdict) == ("no shift", "shift")


def test_too_few_rows_have_no_verdict():
    rng = np.random.default_rng(5)

    for profiles in ((None, numbers(rng, 10, 200)), (numbers(rng, 10, 200), numbers(rng, 30, 99))):
        found = find_shift([stratum(*profiles)], limit=1.0, looks=10)

        assert (found.verdict, found.size) == ("not enough data", 0.0)


def test_answers_that_come_late_still_count_where_they_belong():
    rng = np.random.default_rng(6)
    first, second = with_stratum(with_stratum((), "10:00"), "10:10")

    late = first.add(numbers(rng, 10, 500), None).add(None, numbers(rng, 16, 500))

    assert find_shift([late, second], limit=1.0, looks=10).verdict == "shift"


def test_it_goes_on_from_what_was_written_down():
    rng = np.random.default_rng(7)
    before = stratum(labels(rng, 0.2, 100), None)

    after = Stratum.from_dict(json.loads(json.dumps(before.as_dict())))

    assert after.rows == (100, 0)
    assert after.add(None, labels(rng, 0.2, 50)).rows == (100, 50)


def test_equal_models_are_hardly_ever_told_apart_at_ten_looks():
    # Even without a limit, and if rows come in requests of five that are much alike.
    rng = np.random.default_rng(8)
    found = 0
    for _ in range(30):
        growing, looks = stratum(None, None), []
        for _ in range(5):
            old, new = (np.repeat(rng.normal(12, 2, n), 5) + rng.normal(0, 0.2, 5 * n) for n in (90, 30))
            growing = growing.add(profile_answers(BINS, old, []), profile_answers(BINS, new, []))
            looks.append(find_shift([growing], limit=0.001, looks=5).verdict)
        found += "shift" in looks

    assert found <= 1
