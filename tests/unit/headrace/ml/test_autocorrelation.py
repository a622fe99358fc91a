import numpy as np
import pytest

from headrace.ml.autocorrelation import variance_inflation


def test_independent_rows_count_in_full():
    inflations = [variance_inflation(np.random.default_rng(seed).normal(size=2000)) for seed in range(20)]

    assert np.mean(inflations) == pytest.approx(1.0, abs=0.05)


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
