"""What a window leaves to learn from, with plain frames."""

import numpy as np
import pandas as pd
import pyarrow as pa
import pytest

from headrace.ml.data_window import (
    AGE,
    UNKNOWN,
    Tally,
    Window,
    WindowRule,
    ages_by_time,
    ages_digest,
    ages_of,
    in_window,
    newest,
    part_rows,
)

DAY = 86_400_000_000
DEALT = np.array(["train", "validation", "test", "train", "train"])
TIMES = pd.Series(pd.to_datetime(["2026-01-01", "2026-01-02", "2026-03-01", "2026-01-31", None]))


def rule(use, unit, reach, min_rows=1):
    return WindowRule(use, unit, reach, min_rows)


def test_age_counts_from_the_newest_training_row_and_not_from_the_test_part():
    now = newest(TIMES[DEALT == "train"])

    ages = ages_of(TIMES, DEALT, rule("recent", "days", 30), now)

    assert ages.tolist() == [30 * DAY, 29 * DAY, -1, 0, UNKNOWN]


def test_a_validation_row_that_is_newer_than_all_training_rows_is_as_new_as_the_newest():
    later = pd.Series(pd.to_datetime(["2026-01-05", "2026-01-09"]))

    assert ages_by_time(later, np.datetime64("2026-01-05")).tolist() == [0, 0]


def test_age_by_acceptance_counts_the_training_rows_that_came_after():
    assert ages_of(None, DEALT, rule("recent", "rows", 2), later=10).tolist() == [12, 12, -1, 11, 10]


def test_thirty_days_hold_thirty_midnights():
    days = ages_by_time(pd.Series(pd.date_range("2026-01-01", periods=40)), np.datetime64("2026-02-09"))

    assert rule("recent", "days", 30).chosen(days).sum() == 30


def test_the_last_rows_are_as_many_as_asked_for():
    ages = ages_of(None, np.full(100, "train"), rule("recent", "rows", 7))

    assert np.flatnonzero(rule("recent", "rows", 7).chosen(ages)).tolist() == list(range(93, 100))


def test_what_is_outside_of_the_window_is_in_no_part_and_the_test_part_stays_whole():
    asked = rule("recent", "days", 30)
    ages = ages_of(TIMES, DEALT, asked, newest(TIMES[DEALT == "train"]))
    window = Window.judged(asked, Tally.of(ages[DEALT == "train"], asked))

    assert in_window(DEALT, ages, window).tolist() == ["outside", "validation", "test", "train", "outside"]


@pytest.mark.parametrize("use", ["recent", "weighted"])
def test_too_few_rows_fall_back_to_all_and_that_is_said(use):
    asked = rule(use, "rows", 10, min_rows=50)
    ages = ages_of(None, np.full(100, "train"), asked)

    window = Window.judged(asked, Tally.of(ages, asked))

    assert (window.applied, window.rows, window.weighted) == (False, 100, None)
    assert window.why.startswith("all 100 training rows are learned from")
    assert "50" in window.why
    assert (in_window(np.full(100, "train"), ages, window) == "train").all()


def test_one_row_from_the_future_does_not_make_all_others_weightless():
    times = pd.Series(pd.to_datetime(["2099-01-01", *["2026-01-01"] * 999]))
    asked = rule("weighted", "days", 30, min_rows=500)
    ages = ages_by_time(times, newest(times))

    window = Window.judged(asked, Tally.of(ages, asked))

    assert not window.applied
    assert "they are worth 1 " in window.why


def test_equal_weights_are_worth_their_number():
    assert Tally.of(np.full(700, 3), rule("weighted", "rows", 5)).worth == pytest.approx(700)


def test_sums_over_files_are_those_over_all_rows():
    asked, ages = rule("weighted", "rows", 5), np.arange(40)

    together = Tally.of(ages[:13], asked) + Tally.of(ages[13:], asked)

    assert together.rows == 40
    assert together.worth == pytest.approx(Tally.of(ages, asked).worth)


def test_only_rows_that_are_weighted_have_their_age_beside_them():
    rows, ages = pa.table({"x": range(5)}), np.array([3, 2, -1, 1, 0])
    weighted = Window(rule("weighted", "rows", 2), True, 3, 3.0, "")
    recent = Window(rule("recent", "rows", 9), True, 3, 3.0, "")

    assert part_rows(rows, DEALT, ages, weighted, "train")[AGE].to_pylist() == [3, 1, 0]
    assert part_rows(rows, DEALT, ages, weighted, "test").column_names == ["x"]
    assert part_rows(rows, DEALT, ages, recent, "train").column_names == ["x"]


def test_ages_in_other_arrays_have_the_same_digest_and_other_ages_another():
    ages = np.arange(10)

    assert ages_digest([ages]) == ages_digest([ages[:4], ages[4:]])
    assert ages_digest([ages]) != ages_digest([ages[::-1]])
