"""A filter never says no of an id that it has, and seldom says perhaps of one that it has not."""

import numpy as np
import pytest

from headrace.ml.id_filter import IdFilter


@pytest.mark.parametrize("count", [0, 1, 7, 1000, 50_000])
def test_every_id_is_found(count):
    ids = [f"ask-{number}" for number in range(count)]

    known = IdFilter.of(ids)

    assert all(known.may_have(id) for id in ids)
    assert len(known.bits) == max(8, -(-10 * count // 8))


def test_about_one_in_eighty_others_may_be_there():
    known = IdFilter.of(f"ask-{number}" for number in range(20_000))

    share = np.mean([known.may_have(f"other-{number}") for number in range(20_000)])

    assert share == pytest.approx(
        (1 - np.exp(-4 / 10)) ** 4, abs=0.003
    )  # Bloom (1970): k = 4, ten bits an id


def test_an_empty_filter_has_nothing():
    assert not IdFilter.of([]).may_have("ask-1")


def test_the_order_of_ids_and_ids_that_come_twice_change_nothing():
    assert IdFilter.of(["b", "a", "b"]) == IdFilter.of(["a", "b"])
