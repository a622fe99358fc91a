import numpy as np
import pytest

from headrace.ml.evidence.cross_validation import corrected_interval, summarise_folds
from headrace.ml.evidence.folds import hashed_folds, ordered_folds, stopping_rows
from headrace.ml.evidence.row_sketch import feature_hashes

N = 1000
HASHES = feature_hashes({"x": np.arange(float(N))}, ["x"])
LABELS = np.where(np.arange(N) % 20 == 0, "rare", "often")


@pytest.mark.parametrize("labels", [None, LABELS])
def test_every_row_is_answered_once_in_each_repeat_and_never_by_a_model_that_learnt_it(labels):
    folds = list(hashed_folds(HASHES, 5, 2, 7, labels))

    assert len(folds) == 10
    for repeat in (folds[:5], folds[5:]):
        assert (np.sum([fold.test for fold in repeat], axis=0) == 1).all()
    assert not any((fold.test & fold.train).any() for fold in folds)


def test_a_row_keeps_its_fold_when_others_come():
    before = [fold.test for fold in hashed_folds(HASHES[:600], 5, 1, 7)]
    after = [fold.test[:600] for fold in hashed_folds(HASHES, 5, 1, 7)]

    assert np.array_equal(before, after)


def test_equal_rows_stay_together():
    twice = np.concatenate([HASHES, HASHES])

    for labels in (None, np.concatenate([LABELS, LABELS])):
        for fold in hashed_folds(twice, 5, 1, 7, labels):
            assert (fold.test[:N] == fold.test[N:]).all()


def test_stratified_folds_have_a_label_equally_often():
    rare = [int((fold.test & (LABELS == "rare")).sum()) for fold in hashed_folds(HASHES, 5, 1, 7, LABELS)]

    assert rare == [10] * 5


def test_by_time_the_future_is_never_learnt_and_moments_stay_together():
    moments = np.datetime64("2026-01-01") + np.repeat(np.arange(100), 10).astype("timedelta64[D]")
    moments[3] = np.datetime64("NaT")

    for fold in ordered_folds(moments, 4):
        known = fold.train & ~np.isnat(moments)
        assert moments[known].max() < moments[fold.test].min()
        assert fold.train[3]


def test_rows_that_stop_learning_are_training_rows_and_by_time_the_last():
    train = np.arange(N) < 800
    by_hash = stopping_rows(HASHES, train, 0.1, None)
    by_time = stopping_rows(HASHES, train, 0.1, np.arange(float(N)))

    assert not (by_hash & ~train).any()
    assert by_hash.sum() == pytest.approx(80, abs=30)
    assert np.flatnonzero(by_time).tolist() == list(range(720, 800))


def test_the_corrected_interval_is_nadeau_and_bengios():
    """By hand: s² = 0.00085, (1/5 + 1/4) s² = 0.0003825, t(4) = 2.7764."""
    low, high = corrected_interval([0.78, 0.80, 0.79, 0.83, 0.75], 800, 200)

    assert (high - low) / 2 == pytest.approx(2.7764 * np.sqrt(0.0003825), rel=1e-4)


def test_it_covers_where_the_usual_interval_does_not():
    """Means of overlapping training sets: simulated as Nadeau and Bengio do, with a correlation of n_test / n."""
    rng, rho, covered, usual = np.random.default_rng(0), 0.2, 0, 0
    for _ in range(400):
        values = np.sqrt(rho) * rng.normal() + np.sqrt(1 - rho) * rng.normal(size=5)
        low, high = corrected_interval(values, 800, 200)
        covered += low < 0 < high
        usual += abs(values.mean()) < 2.7764 * values.std(ddof=1) / np.sqrt(5)

    assert covered / 400 > 0.92
    assert usual / 400 < 0.88


def test_one_fold_has_no_interval():
    assert summarise_folds([{"mae": 1.0}], 10, 5)["mae"] == {
        "mean": 1.0,
        "low": None,
        "high": None,
        "values": [1.0],
    }
