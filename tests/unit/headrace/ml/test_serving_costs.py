"""Sums by hand, with round prices: a dollar a GB-second would be too simple to find a factor that is missing."""

import pytest

from headrace.ml.serving_costs import (
    HOURS,
    MONTH_S,
    Load,
    Prices,
    Size,
    asynchronous_usd,
    batch_usd,
    break_even,
    instances_for,
    provisioned_usd,
    realtime_usd,
    scaled_usd,
    serverless_usd,
)

PRICES = Prices(0.00002, 0.000005, 0.00001, 0.1, 0.02, 0.000005, 0.0000004)
SMALL = Size(memory_gb=2, vcpus=2, least=1)


def load(requests=1_000_000, peak=10, answer=0.1, **more):
    return Load(requests, peak, answer, **more)


def test_serverless_bills_seconds_times_gb_and_data():
    # 1e6 x 0.1 s x 2 GB x $0.00002 = $4, and 1e6 x 0.05 MB = 50 GB x $0.02 = $1.
    assert serverless_usd(load(payload_mb=0.05), SMALL, PRICES) == pytest.approx(5)


def test_what_is_kept_warm_bills_around_the_clock_and_less_for_answers():
    # 10 a second x 0.1 s = one at the same time: 2 GB x 2,628,000 s x $0.000005 = $26.28; answers $2; data 10 GB, $0.20.
    assert provisioned_usd(load(), SMALL, PRICES) == pytest.approx(28.48)


def test_as_many_requests_are_at_work_as_come_while_one_is_answered():
    assert [load(peak=peak).at_once for peak in (0.1, 10, 10.1, 40)] == [1, 1, 2, 4]


def test_instances_are_planned_to_be_busy_for_seven_tenths():
    # Two processors at 70 % are 1.4 at work: 14 answers of 0.1 s a second.
    assert [instances_for(rps, load(), SMALL) for rps in (0.001, 14, 14.1, 140)] == [1, 1, 2, 10]


def test_instances_bill_by_the_hour_whatever_comes():
    # Three for 40 a second: 3 x 730 h x $0.1 = $219; data $0.20.
    assert realtime_usd(load(peak=40), SMALL, PRICES) == pytest.approx(219.2)
    assert realtime_usd(load(peak=1), Size(least=2), PRICES) == pytest.approx(146.2)


def test_what_follows_the_load_has_the_means_instances_in_busy_hours_and_the_least_number_else():
    # 30 a second for eight hours are three instances; one for the other sixteen: 5/3 on average.
    requests = 30 * MONTH_S / 3

    usd = scaled_usd(load(requests, peak=90, busy_h=8), SMALL, PRICES)

    data = requests * 0.01 / 1000 * 0.02
    assert usd == pytest.approx(5 / 3 * HOURS * 0.1 + data)


def test_an_asynchronous_endpoint_is_there_for_a_quarter_of_an_hour_longer_than_there_are_requests():
    # 730 h x 6 / 24 x $0.1 = $18.25; 4 requests to S3 for each answer, $10.80; data $0.20.
    assert asynchronous_usd(load(busy_h=5.75), SMALL, PRICES, least=0) == pytest.approx(29.25)
    assert asynchronous_usd(load(), SMALL, PRICES, least=0) == pytest.approx(73 + 10.8 + 0.2)


def test_batches_bill_their_start_and_their_answers():
    # 30 x 2 minutes = 1 h; 1e6 x 0.1 s on two processors = 13.89 h; 60 objects are put and got.
    assert batch_usd(load(), SMALL, PRICES) == pytest.approx((1 + 100_000 / 7200) * 0.1 + 60 * 0.0000054)


@pytest.mark.parametrize("answer", [0.005, 0.1, 3])
@pytest.mark.parametrize("busy", [24, 8, 1])
@pytest.mark.parametrize(
    "size", [SMALL, Size(memory_gb=2, vcpus=2, least=2), Size(memory_gb=6, vcpus=8, least=1)]
)
def test_below_the_break_even_serverless_costs_less_there_the_same_and_far_above_it_more(answer, busy, size):
    volume = break_even(load(answer=answer, busy_h=busy), size, PRICES)

    below, there, far_above = (
        load(times * volume, peak=1, answer=answer, busy_h=busy) for times in (0.9, 1 - 1e-9, 50)
    )
    assert serverless_usd(below, size, PRICES) < scaled_usd(below, size, PRICES)
    assert serverless_usd(there, size, PRICES) == pytest.approx(scaled_usd(there, size, PRICES))
    assert serverless_usd(far_above, size, PRICES) > scaled_usd(far_above, size, PRICES)


def test_little_memory_is_cheaper_than_any_instance():
    # 1 GB is $0.00002 a second; a processor at 70 % of $0.1 an hour for two is $0.0000198: just not. At $0.11 it is.
    dearer = Prices(0.00002, 0, 0, 0.11, 0, 0, 0)

    assert break_even(load(), Size(memory_gb=1, vcpus=2), dearer) is None
    assert break_even(load(), Size(memory_gb=1, vcpus=2), PRICES) is not None
