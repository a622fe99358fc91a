"""Which rows of the test part are fair to compare two models on."""

import numpy as np
import pandas as pd
import pytest

from headrace.ml.recency import HELD_OUT, LEARNED, RECENT, Earlier, last_moment, mark, rule_identity
from headrace.ml.split import SplitRule

RANDOM = SplitRule("random", test_share=0.2, validation_share=0.1, seed=7, id="n", time="at", target="y")
KINDS = {"n": "category", "at": "datetime", "x": "number", "y": "number", "g": "category"}
HAD = np.array([True, True, False])


def identity(**changes):
    return rule_identity(SplitRule(**{**RANDOM.__dict__, **changes}), KINDS)


def earlier(learned_upto=None, **changes):
    return Earlier(frozenset(), identity(**changes), learned_upto)


def test_without_a_model_in_service_all_rows_are_held_out():
    assert mark(HAD, None, None, identity()).tolist() == [HELD_OUT] * 3


def test_rows_that_came_since_are_recent():
    assert mark(HAD, None, earlier(), identity()).tolist() == [HELD_OUT, HELD_OUT, RECENT]


@pytest.mark.parametrize(
    "change", [{"seed": 8}, {"test_share": 0.3}, {"id": None}, {"by": "group", "group": "g"}]
)
def test_after_another_deal_only_what_came_since_is_fair(change):
    assert mark(HAD, None, earlier(**change), identity()).tolist() == [LEARNED, LEARNED, RECENT]


def test_another_validation_share_leaves_the_test_part_as_it_was():
    assert mark(HAD, None, earlier(validation_share=0.3), identity()).tolist() == [HELD_OUT, HELD_OUT, RECENT]


def test_a_column_more_moves_rows_that_are_dealt_by_their_content():
    before = rule_identity(SplitRule("random", 0.2, 0.1, 7, target="y"), {"x": "number", "y": "number"})
    after = rule_identity(SplitRule("random", 0.2, 0.1, 7, target="y"), KINDS)

    assert mark(HAD, None, Earlier(frozenset(), before), after).tolist() == [LEARNED, LEARNED, RECENT]


@pytest.mark.parametrize(
    ("upto", "times"),
    [
        ("2026-01-02T00:00:00", pd.Series(pd.to_datetime(["2026-01-02", "2026-01-03", "2026-01-01"]))),
        (2.0, pd.Series([2.0, 3.0, 1.0])),
    ],
)
def test_by_time_what_is_no_later_than_what_was_learned_is_not_fair_unless_it_came_since(upto, times):
    found = mark(HAD, times, earlier(upto, by="time"), identity(by="time"))

    assert found.tolist() == [LEARNED, HELD_OUT, RECENT]


def test_moments_go_through_json():
    assert last_moment(pd.Series(pd.to_datetime(["2026-01-02", None]))) == "2026-01-02T00:00:00"
    assert last_moment(pd.Series([1.0, np.nan])) == 1.0
    assert last_moment(pd.Series([np.nan])) is None


def test_what_is_known_of_a_model_is_read_from_the_manifest_of_its_snapshot():
    manifest = {"files": [{"accepted": "f1"}, {"accepted": "f2"}], "rule": identity(), "learned_upto": None}

    found = Earlier.of_manifest(manifest)

    assert found.accepted == {"f1", "f2"}
    assert Earlier.from_dict(found.as_dict()) == found
