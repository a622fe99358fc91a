"""Rows that are dealt by cuts in time, file by file, get the parts that they get together."""

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from glue_jobs.snapshot_data.work import _dealt_by_time
from headrace.ml.split import SplitRule, assign_parts, time_cuts


@settings(deadline=None)
@given(
    st.lists(st.one_of(st.none(), st.integers(0, 20)), min_size=1, max_size=60),
    st.sampled_from([(0.2, 0.1), (0.5, 0.1), (0.1, 0.5), (0.3, 0.3)]),
)
def test_every_row_gets_the_part_that_it_gets_among_all(days, shares):
    rule = SplitRule("time", test_share=shares[0], validation_share=shares[1], seed=7, time="at")
    times = pd.Series(pd.to_datetime(["NaT" if day is None else f"2026-01-{day + 1:02d}" for day in days]))
    known = times.dropna().to_numpy()
    cuts = time_cuts(*np.unique(known, return_counts=True), rule) if len(known) else (None, None)

    dealt = _dealt_by_time(times, cuts)

    assert dealt.tolist() == assign_parts(pd.DataFrame({"at": times}), rule).tolist()


def test_a_rule_with_one_moment_has_no_cut_before_it():
    rule = SplitRule("time", test_share=0.2, validation_share=0.1, seed=7, time="at")

    assert time_cuts(np.array([5.0]), np.array([3]), rule) == (None, None)


@pytest.mark.parametrize("upto", [0.25, 0.5, 0.75])
def test_a_moment_that_ends_at_its_share_belongs_to_it(upto):
    rule = SplitRule("time", test_share=1 - upto, validation_share=0.0, seed=7, time="at")

    last, _ = time_cuts(np.arange(4.0), np.ones(4, dtype=np.int64), rule)

    assert last == 4 * upto - 1
