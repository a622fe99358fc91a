import io

import pandas as pd
import pytest

from demo.months import LEAKS, TARGET, as_file, as_requests, hold_back, load_months, with_broken_rows
from demo.story import FIRST, LATER, NEXT


@pytest.fixture(scope="module")
def months():
    return load_months()


def test_two_years_of_months_are_there_in_their_order(months):
    assert len(months) == 24
    assert sum(map(len, months.values())) == 17_379
    assert list(months) == sorted(months)
    assert {*FIRST, *LATER, NEXT} <= months.keys()


def test_what_is_held_back_is_of_the_same_season_and_shares_no_day(months):
    rest, kept_out = hold_back(pd.concat([months[month] for month in FIRST]))

    assert not set(rest["dteday"]) & set(kept_out["dteday"])
    assert len(kept_out) / (len(rest) + len(kept_out)) == pytest.approx(0.2, abs=0.02)
    for month in FIRST:
        assert any(day.startswith(month) for day in kept_out["dteday"])


def test_traffic_carries_nothing_that_only_the_future_knows(months):
    body, truth = as_requests(months["2011-04"])[0]
    asked = pd.read_csv(io.StringIO(body))

    assert not {TARGET, *LEAKS} & set(asked.columns)
    assert len(asked) == len(truth) == 24


def test_a_request_is_a_day_and_no_row_is_lost(months):
    requests = as_requests(months["2011-04"])

    assert len(requests) == 30
    assert sum(len(truth) for _, truth in requests) == len(months["2011-04"])


def test_a_file_with_broken_rows_holds_all_good_ones_and_three_more(months):
    file = with_broken_rows(as_file(months["2011-03"]))

    assert len(file.splitlines()) == 1 + len(months["2011-03"]) + 3
