"""Tail probabilities are SciPy's, which Lambda does not have."""

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import special, stats

from headrace.ml.statistics import (
    chi_square_survival,
    kolmogorov_survival,
    normal_survival,
    student_p_value,
    weighted_chi_square_survival,
)


@given(st.floats(0.2, 8))
def test_kolmogorovs_law(statistic):
    ours = kolmogorov_survival(np.array([statistic]))[0]

    assert ours == pytest.approx(special.kolmogorov(statistic), rel=1e-9, abs=1e-12)


@given(st.floats(0, 500), st.floats(0.5, 200))
def test_the_chi_square_law(statistic, degrees):
    expected = stats.chi2.sf(statistic, degrees)
    assert chi_square_survival(statistic, degrees) == pytest.approx(expected, rel=1e-8, abs=1e-13)


@pytest.mark.parametrize("degrees", [1, 2, 8, 50])
def test_equal_weights_give_the_chi_square_law(degrees):
    expected = np.array([0.1, 0.01, 1e-4, 1e-6])
    statistics = stats.chi2.isf(expected, degrees) * 3.0

    ours = weighted_chi_square_survival(statistics, np.full((4, degrees), 3.0))

    assert ours == pytest.approx(expected, rel=0.2)


def test_the_law_of_anderson_and_darling():
    """Points of the limit law: Marsaglia and Marsaglia (2004), J. Stat. Softw. 9(2)."""
    j = np.arange(1, 200)
    weights = np.tile(1.0 / (j * (j + 1)), (3, 1))

    ours = weighted_chi_square_survival(np.array([1.9329578, 2.4922876, 3.8781251]), weights)

    assert ours == pytest.approx([0.1, 0.05, 0.01], rel=0.1)


def test_without_weights_nothing_is_sure():
    assert weighted_chi_square_survival(np.array([5.0, 0.0]), np.zeros((2, 3))).tolist() == [1.0, 1.0]


@given(st.floats(1e-12, 1.0), st.integers(1, 900))
def test_students_law(p_value, blocks):
    expected = 2 * stats.t.sf(stats.norm.isf(p_value / 2), blocks)

    assert student_p_value(p_value, blocks) == pytest.approx(expected, rel=1e-3)


def test_a_known_variance_leaves_a_p_value_as_it_is():
    assert student_p_value(1e-5, math.inf) == 1e-5


@given(st.floats(-5, 30))
def test_the_normal_law(deviate):
    assert normal_survival(np.array([deviate]))[0] == pytest.approx(stats.norm.sf(deviate), rel=1e-9)
