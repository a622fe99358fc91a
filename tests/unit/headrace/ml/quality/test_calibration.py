import numpy as np
import pytest

from headrace.ml.quality.calibration import choose_calibration, fit_beta, fit_isotonic
from headrace.ml.quality.score_counts import CENTRES, count_scores


def counted(scores, positive):
    return tuple(count_scores(scores, flags).astype(float) for flags in (positive, ~positive))


@pytest.fixture(scope="module")
def overconfident():
    """Scores that claim twice the log odds that are true."""
    rng = np.random.default_rng(0)
    odds = rng.normal(0, 1.5, 20_000)
    truth = rng.random(20_000) < 1 / (1 + np.exp(-odds))
    return counted(1 / (1 + np.exp(-2 * odds)), truth)


@pytest.mark.parametrize("fit", [fit_beta, fit_isotonic])
def test_an_overconfident_model_is_put_right(overconfident, fit):
    found = fit(*overconfident)

    claimed = np.array([0.1, 0.5, 0.9])
    true = 1 / (1 + np.exp(-np.log(claimed / (1 - claimed)) / 2))
    assert np.interp(claimed, CENTRES, found) == pytest.approx(true, abs=0.03)


def test_a_handful_of_rows_of_one_label_does_not_make_anything_certain():
    positives, negatives = counted(np.array([0.6, 0.7, 0.9]), np.array([True, True, True]))

    found = fit_beta(positives, negatives)

    assert np.isfinite(found).all()
    assert 0.0 < found.min() < found.max() <= 1.0
    assert (np.diff(found) >= 0).all()


def test_many_fits_at_once_are_those_of_each(overconfident):
    positives, negatives = overconfident
    both = fit_beta(np.stack([positives, positives / 2]), np.stack([negatives, negatives]))

    assert np.allclose(both[0], fit_beta(positives, negatives), atol=1e-6)
    assert np.allclose(both[1], fit_beta(positives / 2, negatives), atol=1e-6)


def test_isotonic_regression_is_that_of_scikit_learn():
    isotonic = pytest.importorskip("sklearn.isotonic")
    rng = np.random.default_rng(1)
    places = np.sort(rng.choice(len(CENTRES), 60, replace=False))
    positives, negatives = np.zeros((2, len(CENTRES)))
    positives[places], negatives[places] = rng.integers(0, 9, 60), rng.integers(1, 9, 60)
    total = positives + negatives

    theirs = isotonic.IsotonicRegression().fit_transform(
        places, positives[places] / total[places], sample_weight=total[places]
    )

    assert np.allclose(fit_isotonic(positives, negatives)[places], theirs)


def test_a_curve_that_three_parameters_cannot_bend_to_is_fitted_step_by_step(overconfident):
    rng = np.random.default_rng(2)
    scores = rng.random(20_000)
    waves = rng.random(20_000) < np.where(scores < 0.3, 0.1, np.where(scores < 0.6, 0.5, 0.52))

    assert choose_calibration(*counted(scores, waves), np.random.default_rng(0)) == "isotonic"
    assert choose_calibration(*overconfident, np.random.default_rng(0)) == "beta"
