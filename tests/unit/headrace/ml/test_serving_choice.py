import pytest

from headrace.ml.serving_choice import Needs, options, recommend
from headrace.ml.serving_costs import MONTH_S, Load, Prices, Size

PRICES = Prices(0.00002, 0.000005, 0.0000116667, 0.1152, 0.016, 0.000005, 0.0000004)
AN_HOUR, A_WEEK = 3600, 7 * 24 * 3600
SLEEPS = "the first request after a pause waits for seconds"


def found(load, needs=None, size=None):
    return options(load, needs or Needs(), size or Size(), PRICES, "ml.m5.large")


def taken(load, needs=None, size=None):
    best = recommend(found(load, needs, size))
    return best and best.option.name


def rps(rate, answer=0.02, **more):
    return Load(rate * MONTH_S, 3 * rate, answer, **more)


@pytest.mark.parametrize(
    ("load", "needs", "name"),
    [
        (rps(0.4), Needs(), "serverless"),
        (rps(0.4), Needs(never_cold=True), "serverless, kept warm"),
        (rps(200), Needs(), "realtime, following the load"),
        (rps(70), Needs(never_cold=True), "realtime, following the load"),
        (rps(0.1), Needs(latency_s=A_WEEK), "batch"),
        (rps(0.001, answer=300, busy_h=2), Needs(latency_s=AN_HOUR), "asynchronous"),
        (rps(0.001, payload_mb=50, busy_h=2), Needs(latency_s=AN_HOUR), "asynchronous"),
        (rps(0.01, payload_mb=5), Needs(), "realtime"),
        (rps(0.01, payload_mb=50), Needs(), None),
        (rps(0.01, answer=2), Needs(latency_s=1), None),
    ],
)
def test_what_suits_is_taken(load, needs, name):
    assert taken(load, needs) == name


@pytest.mark.parametrize(
    ("load", "needs", "kind", "why"),
    [
        (rps(1), Needs(never_cold=True), "serverless", SLEEPS),
        (rps(1, payload_mb=4.1), Needs(), "serverless", "4 MB at most"),
        (rps(1, answer=61), Needs(latency_s=100), "serverless", "60 seconds at most"),
        (rps(100, answer=1), Needs(), "serverless", "200 requests at the same time, and the peak has 300"),
        (rps(1, payload_mb=6.1), Needs(), "realtime", "6 MB at most"),
        (rps(2000, answer=1), Needs(), "realtime", "it takes 4286 such instances"),
        (rps(1), Needs(latency_s=1), "asynchronous", "by way of S3"),
        (rps(1, payload_mb=201), Needs(latency_s=AN_HOUR), "asynchronous", "200 MB at most"),
        (rps(1, answer=3601), Needs(latency_s=A_WEEK), "asynchronous", "3600 seconds at most"),
        (rps(1, batches=730), Needs(latency_s=AN_HOUR - 1), "batch", "answered once in 1 hour only"),
        (rps(1), Needs(latency_s=AN_HOUR), "batch", "answered once in 24.3 hours only"),
        (rps(1, batches=43800), Needs(latency_s=30), "batch", "answered once in 1 minute only"),
        (rps(1, batches=43800), Needs(latency_s=100), "batch", "two minutes to begin"),
        (rps(1, payload_mb=6.1), Needs(latency_s=A_WEEK), "batch", "6 MB at most"),
    ],
)
def test_what_does_not_suit_says_why(load, needs, kind, why):
    (option,) = (option for option in found(load, needs) if option.name == kind)

    assert why in option.why_not


def test_an_asynchronous_endpoint_sleeps_only_where_minutes_do_not_matter():
    patient, quick = (
        {option.name: option for option in found(rps(0.1), Needs(latency_s=latency))}["asynchronous"]
        for latency in (AN_HOUR, 60)
    )

    assert (patient.endpoint["scaling"]["min"], quick.endpoint["scaling"]["min"]) == (0, 1)


def test_the_reason_names_the_next_and_what_would_be_cheaper():
    why = recommend(found(rps(0.4), Needs(never_cold=True))).why

    assert why.startswith("The cheapest that suits, at $")
    assert "; realtime takes $" in why
    assert "batch would take $" in why


def test_one_that_is_left_is_said_to_be_the_only_one():
    why = recommend(found(rps(0.01, payload_mb=5))).why

    assert why.startswith("The only one that suits, at $")


def test_instances_follow_the_load_only_where_the_peak_takes_more_than_the_least_number():
    assert "realtime, following the load" not in [option.name for option in found(rps(1))]

    (option,) = (option for option in found(rps(200)) if option.name == "realtime, following the load")
    # 600 a second of 20 ms are 12 processors; at 70 % of two, 9 instances of 4,200 requests a minute.
    assert option.endpoint["scaling"] == {"min": 2, "max": 9, "by": "invocations", "target": 4200}


def test_answers_that_take_long_are_scaled_by_how_many_are_at_work():
    (option,) = (
        option for option in found(rps(2, answer=3)) if option.name == "realtime, following the load"
    )

    assert (option.endpoint["scaling"]["by"], option.endpoint["scaling"]["target"]) == ("concurrency", 1)
