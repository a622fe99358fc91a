"""Tail probabilities are SciPy's, which Lambda does not have."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import special, stats

from headrace.ml.statistics import (
    chi_square_survival,
    kolmogorov_survival,
    two_sample_ks_p_value,
    variance_inflation,
)


@given(st.floats(0.2, 8))
def test_kolmogorovs_law(statistic):
    assert kolmogorov_survival(statistic) == pytest.approx(special.kolmogorov(statistic), rel=1e-9, abs=1e-15)


@given(st.floats(0, 500), st.integers(1, 200))
def test_the_chi_square_law(statistic, degrees):
    expected = stats.chi2.sf(statistic, degrees)
    assert chi_square_survival(statistic, degrees) == pytest.approx(expected, rel=1e-8, abs=1e-13)


@pytest.mark.parametrize(("n_first", "n_second"), [(200, 300), (1000, 80), (5000, 5000)])
def test_the_two_sample_test_agrees_with_the_exact_one(n_first, n_second):
    rng = np.random.default_rng(0)
    for shift in (0.0, 0.1, 0.3):
        exact = stats.ks_2samp(rng.normal(size=n_first), rng.normal(shift, size=n_second), method="exact")
        ours = two_sample_ks_p_value(exact.statistic, n_first, n_second)
        assert ours == pytest.approx(exact.pvalue, rel=0.15, abs=1e-3)


def test_without_rows_nothing_is_sure():
    assert two_sample_ks_p_value(1.0, 0, 100) == 1.0


def test_independent_rows_count_in_full():
    inflations = [variance_inflation(np.random.default_rng(seed).normal(size=2000)) for seed in range(20)]

    assert np.mean(inflations) == pytest.approx(1.1, abs=0.15)


@pytest.mark.parametrize("correlation", [0.5, 0.8, 0.95])
def test_rows_that_follow_their_neighbours_count_for_less(correlation):
    rng = np.random.default_rng(1)
    noise, values = rng.normal(size=50_000), np.empty(50_000)
    values[0] = 0.0
    for n in range(1, len(values)):
        values[n] = correlation * values[n - 1] + noise[n]

    # The variance of a mean of AR(1) rows is (1 + r) / (1 - r) times that of independent ones.
    assert variance_inflation(values) == pytest.approx((1 + correlation) / (1 - correlation), rel=0.15)


@pytest.mark.parametrize("values", [[], [1.0], [1.0] * 500])
def test_what_does_not_vary_counts_in_full(values):
    assert variance_inflation(np.array(values)) == 1.0
