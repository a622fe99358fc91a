import numpy as np
import pytest
from scipy import stats

from headrace.ml.drift_numbers import TERMS, moved_shares, numbers_p_values, score_functions


def compare(first, second):
    columns = len(first)
    rows = [np.array([float(counts.sum()) for counts in side]) for side in (first, second)]
    terms = [np.tile(each[:, None], TERMS) for each in rows]
    assert len(second) == columns
    return numbers_p_values(first, second, tuple(rows), tuple(terms)), moved_shares(
        first, second, tuple(rows)
    )


EDGES = np.linspace(-3, 3, 200)


def histogram(values):
    return np.bincount(np.searchsorted(EDGES, values), minlength=len(EDGES) + 1)


def test_the_scores_are_orthonormal():
    shares = np.random.default_rng(0).dirichlet(np.ones(40), 3)

    functions = score_functions(shares)

    products = np.einsum("ick,jck,ck->cij", functions, functions, shares)
    assert products == pytest.approx(np.tile(np.eye(TERMS), (3, 1, 1)), abs=1e-8)


@pytest.mark.parametrize("rows", [(200, 200), (2000, 200), (1000, 1000)])
@pytest.mark.parametrize(
    "shares", [np.full(257, 1 / 257), np.array([0.7, *[0.3 / 100] * 100]), np.array([0.97, 0.03])]
)
def test_false_alarms_are_as_rare_as_said(rows, shares):
    rng = np.random.default_rng(0)
    first, second = (list(rng.multinomial(n, shares, 3000)) for n in rows)

    p_values, _ = compare(first, second)

    assert np.mean(p_values < 0.05) == pytest.approx(0.04, abs=0.015)
    assert np.mean(p_values < 0.0025) < 0.006


def test_a_shift_is_found_more_surely_than_by_kolmogorov_and_smirnov():
    rng = np.random.default_rng(1)
    samples = [(rng.normal(size=2000), rng.normal(0.25, 1, 200)) for _ in range(200)]

    p_values, _ = compare([histogram(a) for a, _ in samples], [histogram(b) for _, b in samples])

    by_scipy = np.array([stats.ks_2samp(a, b, method="asymp").pvalue for a, b in samples])
    assert np.mean(p_values < 0.0025) > np.mean(by_scipy < 0.0025) + 0.05


def test_a_local_move_is_found_too():
    rng = np.random.default_rng(2)
    before, after = rng.normal(size=(2, 2000))
    after[(after > 0) & (after < 0.4)] = 0.0

    p_values, _ = compare([histogram(before)], [histogram(after)])

    assert p_values[0] < 1e-6


def test_the_share_that_moved_is_that_of_two_normal_variables_and_nothing_by_chance():
    rng = np.random.default_rng(3)
    same, other, moved = rng.normal(size=(3, 10_000))

    _, shares = compare([histogram(same)] * 2, [histogram(other), histogram(moved + 0.5)])

    assert shares[0] < 0.015
    assert shares[1] == pytest.approx(2 * stats.norm.cdf(0.25) - 1, abs=0.02)
