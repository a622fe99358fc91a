import json

import numpy as np
import pytest

from headrace.ml.quality.concept import ConceptWatch
from headrace.ml.quality.evidence import Expectation, Mistakes

START = np.datetime64("2026-01-31T00:00:00")
KNOWN = Expectation(0.2, 1e6)


def stream(rng, rates, expected=0.2):
    """Return mistakes at the rates of each prediction, one a second."""
    rates = np.asarray(rates, dtype=float)
    wrong = (rng.random(len(rates)) < rates).astype(float)
    return Mistakes(wrong, np.broadcast_to(expected, len(rates)), START + np.arange(len(rates)))


def alarm_after(mistakes, expectation=KNOWN, piece=50):
    """Return after how many predictions the alarm goes off, or None."""
    watch = ConceptWatch()
    for start in range(0, len(mistakes), piece):
        watch = watch.following(expectation, mistakes[start : start + piece])
        if watch.drifted:
            return start + piece
    return None


@pytest.mark.parametrize("rate", [0.05, 0.2])
def test_no_alarm_in_ten_thousand_predictions_that_are_as_expected(rate):
    rng = np.random.default_rng(0)
    known = Expectation(rate, 1e6)

    alarms = [alarm_after(stream(rng, np.full(10_000, rate), rate), known, piece=10_000) for _ in range(100)]

    assert sum(alarm is not None for alarm in alarms) <= 1


@pytest.mark.parametrize(("rate", "adwin"), [(0.25, 1671), (0.3, 439), (0.4, 151)])
def test_a_rise_is_found_sooner_than_by_adwin(rate, adwin):
    rng = np.random.default_rng(1)
    delays = []
    for _ in range(9):
        found = alarm_after(stream(rng, np.repeat([0.2, rate], [2000, 5000])))
        delays.append(np.inf if found is None else found - 2000)

    assert np.median(delays) < adwin


@pytest.mark.parametrize("rows", [500, 2000])
def test_a_reference_of_few_rows_makes_it_careful(rows):
    rng = np.random.default_rng(2)
    alarms = 0
    for _ in range(40):
        guessed = rng.binomial(rows, 0.2) / rows
        expectation = Expectation(guessed, rows * guessed * (1 - guessed))
        alarms += (
            alarm_after(stream(rng, np.full(10_000, 0.2), guessed), expectation, piece=10_000) is not None
        )

    assert alarms <= 2


def test_harder_rows_of_which_more_mistakes_were_expected_are_no_drift():
    rng = np.random.default_rng(3)
    rates = np.repeat([0.1, 0.4], 3000)

    assert alarm_after(stream(rng, rates, expected=rates), Expectation(0.2, 1e6)) is None
    assert alarm_after(stream(rng, rates, expected=0.1), Expectation(0.1, 1e6)) is not None


def test_a_slow_rise_is_not_taken_for_usual():
    rng = np.random.default_rng(4)

    assert alarm_after(stream(rng, np.linspace(0.2, 0.35, 20_000)), Expectation(0.2, 320.0)) is not None


def test_it_says_since_when_and_how_many():
    rng = np.random.default_rng(5)

    watch = ConceptWatch().following(KNOWN, stream(rng, np.repeat([0.2, 0.4], [3000, 400])))

    found = watch.finding(KNOWN)
    assert found.drifted
    assert abs(np.datetime64(found.since) - START - np.timedelta64(3000, "s")) < np.timedelta64(120, "s")
    assert found.wrong_share == pytest.approx(0.4, abs=0.1)
    assert found.expected_share == pytest.approx(0.2)
    assert found.rows_seen == 3400


def test_the_alarm_ends_when_mistakes_are_as_expected_again():
    rng = np.random.default_rng(6)
    watch = ConceptWatch().following(KNOWN, stream(rng, np.full(5000, 0.5)))
    assert watch.drifted

    watch = watch.following(KNOWN, stream(rng, np.full(3000, 0.2)))

    assert not watch.drifted


def test_between_two_checks_it_is_kept_as_a_few_numbers():
    rng = np.random.default_rng(7)
    mistakes = stream(rng, np.repeat([0.2, 0.3], 1000))
    whole = ConceptWatch().following(KNOWN, mistakes)

    half = json.dumps(ConceptWatch().following(KNOWN, mistakes[:1000]).as_dict())
    rest = ConceptWatch.from_dict(json.loads(half)).following(KNOWN, mistakes[1000:])

    assert rest.rows == whole.rows == 2000
    for one, other in zip(rest.sums, whole.sums, strict=True):
        assert (one.since, one.evidence.wrong) == (other.since, other.evidence.wrong)
        assert one.value == pytest.approx(other.value)
    assert len(half) < 2000


def test_rows_that_depend_on_each_other_weigh_less():
    rng = np.random.default_rng(8)
    told = Expectation(0.2, 1e6, inflation=8.0)
    blind, aware = 0, 0
    for _ in range(20):
        wrong = np.repeat((rng.random(1250) < 0.2).astype(float), 8)
        mistakes = Mistakes(wrong, np.full(10_000, 0.2), START + np.arange(10_000))
        blind += alarm_after(mistakes, KNOWN, piece=1000) is not None
        aware += alarm_after(mistakes, told, piece=1000) is not None

    assert blind > 10
    assert aware <= 1


def test_the_limit_grows_with_the_predictions_so_that_false_alarms_stay_few():
    rng = np.random.default_rng(9)
    before = ConceptWatch().limits(KNOWN)

    after = ConceptWatch().following(KNOWN, stream(rng, np.full(200_000, 0.2))).limits(KNOWN)

    assert np.allclose(after - before, np.log(2.0), atol=0.01)
