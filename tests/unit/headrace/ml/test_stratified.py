"""A stratified split gives a label its share, and every row its part for ever."""

import numpy as np
import pandas as pd
import pytest

from headrace.ml.split import SplitRule, assign_parts
from headrace.ml.stratified import Strata

RULE = SplitRule("stratified", test_share=0.2, validation_share=0.1, seed=7, id="id", target="y")


def rows(seed, often=950, rare=50):
    ids = np.random.default_rng(seed).permutation(10**6)[: often + rare].astype(str)
    return pd.DataFrame({"id": ids, "y": ["often"] * often + ["rare"] * rare})


def miss(frame, salt):
    """Return how far the share of the rare label in the test part is from what it should be."""
    parts = assign_parts(frame, SplitRule(**{**RULE.__dict__, "salt": salt}))
    return abs((parts[frame["y"] == "rare"] == "test").mean() - 0.2)


def test_a_rare_label_has_its_share_more_exactly_than_by_luck():
    frames = [rows(seed) for seed in range(20)]

    chosen = np.mean([miss(frame, Strata.of(frame, RULE).best(RULE)) for frame in frames])
    by_luck = np.mean([miss(frame, None) for frame in frames])

    assert chosen < by_luck / 2


def test_blocks_of_rows_are_counted_as_all_at_once():
    frame = rows(1)
    blocks = Strata.of(frame[:300], RULE) + Strata.of(frame[300:970], RULE) + Strata.of(frame[970:], RULE)

    assert blocks.best(RULE) == Strata.of(frame, RULE).best(RULE)


def test_a_corrected_label_does_not_move_a_row_once_the_salt_is_chosen():
    frame, salted = rows(2), SplitRule(**{**RULE.__dict__, "salt": 12})

    assert (assign_parts(frame, salted) == assign_parts(frame.assign(y="often"), salted)).all()


def test_without_a_salt_rows_lie_where_a_random_split_has_them():
    frame = rows(3)
    random = SplitRule(**{**RULE.__dict__, "by": "random"})

    assert (assign_parts(frame, RULE) == assign_parts(frame, random)).all()


def test_a_salted_part_is_frozen_for_ever():
    frame = pd.DataFrame({"id": [str(n) for n in range(12)], "y": ["a", "b"] * 6})

    parts = assign_parts(frame, SplitRule(**{**RULE.__dict__, "salt": 5}))

    assert "".join(part[1] for part in parts) == "reearrereeae"


def test_a_stratified_split_needs_a_target():
    with pytest.raises(ValueError, match="needs the name of the target"):
        Strata.of(rows(4), SplitRule(**{**RULE.__dict__, "target": None}))
