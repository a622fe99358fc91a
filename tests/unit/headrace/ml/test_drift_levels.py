import numpy as np
import pytest
from scipy import stats

from headrace.ml.drift_levels import exact_p_value, levels_p_value, total_variation, unseen_p_value


@pytest.mark.parametrize(
    ("first", "second"), [([500, 300, 200], [90, 70, 40]), ([4000, 6000], [520, 680]), ([50] * 9, [30] * 9)]
)
def test_frequent_levels_give_pearsons_p_value(first, second):
    expected = stats.chi2_contingency([first, second], correction=False).pvalue

    assert levels_p_value(np.array([*first, 0]), np.array([*second, 0])) == pytest.approx(expected, rel=0.06)


@pytest.mark.parametrize(
    ("found", "rows", "more", "more_rows"), [(2, 2000, 4, 200), (0, 5000, 3, 1000), (9, 80, 2, 90)]
)
def test_two_rare_levels_give_fishers_p_value(found, rows, more, more_rows):
    tails = stats.hypergeom(rows + more_rows, found + more, more_rows)

    ours = exact_p_value(found, rows, more, more_rows)

    assert ours == pytest.approx(min(1, 2 * min(tails.sf(more - 1), tails.cdf(more))))


@pytest.mark.parametrize("rows", [(200, 200), (2000, 200), (1000, 1000)])
def test_false_alarms_with_rare_levels_are_as_rare_as_said(rows):
    """Fifty levels, most of them rare: the usual law of chi-square gives twice as many at this ratio."""
    rng = np.random.default_rng(0)
    shares = np.arange(1, 51) ** -1.5 / np.sum(np.arange(1, 51) ** -1.5)
    first, second = (rng.multinomial(n, shares, 2000) for n in rows)

    p_values = np.array(
        [levels_p_value(np.append(a, 0), np.append(b, 0)) for a, b in zip(first, second, strict=True)]
    )

    assert np.mean(p_values < 0.05) == pytest.approx(0.05, abs=0.015)
    assert np.mean(p_values < 0.0025) < 0.006


def test_levels_that_hardly_occur_are_pooled():
    common, rare = np.array([500, 500, *[1] * 4, 0]), np.array([510, 490, *[0] * 4, 0])

    assert levels_p_value(common, rare) == pytest.approx(levels_p_value(common[:3], rare[:3]), abs=0.15)
    assert levels_p_value(np.array([10, 0, 0]), np.array([12, 0, 0])) == 1.0


def test_new_levels_are_expected_where_the_reference_has_some_once():
    ones = np.array([160, *[1] * 40, 0])

    assert unseen_p_value(ones, np.array([80, *[0] * 40, 20])) > 0.5
    assert unseen_p_value(np.array([200, 0]), np.array([180, 20])) < 1e-5


def test_many_levels_do_not_move_rows_by_chance():
    rng = np.random.default_rng(1)
    moved = [total_variation(*(rng.multinomial(500, np.full(50, 0.02)) for _ in "ab")) for _ in range(200)]

    assert np.median(moved) < 0.05


def test_dependent_rows_are_less_sure():
    first, second = np.array([600, 400, 0]), np.array([270, 230, 0])

    assert levels_p_value(first, second, 5.0) > 10 * levels_p_value(first, second)
