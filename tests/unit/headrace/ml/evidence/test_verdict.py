"""The rule of the verdict, on figures and on simulated data of which the truth is known."""

import numpy as np
import pytest
from sklearn.ensemble import HistGradientBoostingRegressor, RandomForestClassifier, RandomForestRegressor
from sklearn.linear_model import LinearRegression

from headrace.ml.evaluation.bootstrap import better_by, interval, resampled
from headrace.ml.evidence.verdict import Evidence, Measured, Rival, baseline_value, constant_answer, judge
from headrace.ml.metrics import Predictions, measure_one


def of(train, test, half=0.02, baseline=0.5, metric="roc_auc", **more):
    return judge(
        Evidence(
            metric,
            Measured(train, train - half, train + half),
            Measured(test, test - half, test + half),
            baseline,
            **more,
        )
    )


def test_a_gap_within_luck_is_no_overfit():
    assert of(0.80, 0.60, half=0.19).state == "underfit"  # nor surely better than nothing
    assert of(0.80, 0.78).state == "sound"
    assert of(0.90, 0.70, half=0.15).state == "sound"


def test_losing_more_than_a_third_of_what_was_gained_is_overfit_with_figures():
    verdict = of(1.0, 0.7)

    assert verdict.state == "overfit"
    assert (
        "roc_auc 0.7 on unseen rows and 1 on its training rows, so that 60 % of what it gains"
        in verdict.sentence
    )


def test_an_error_counts_the_other_way_round():
    assert of(1.0, 2.6, half=0.1, baseline=3.0, metric="rmse").state == "overfit"
    assert of(1.0, 1.2, half=0.1, baseline=3.0, metric="rmse").state == "sound"


def test_no_better_than_a_model_without_features_is_underfit_even_if_learnt_by_heart():
    assert "learnt by heart" in of(1.0, 0.51).sentence
    assert of(1.0, 0.51).state == of(0.52, 0.51).state == "underfit"


def test_a_rival_counts_only_if_it_is_surely_better():
    richer = Rival("hist_gradient_boosting", False, 0.05, 0.02, 0.08)
    perhaps = Rival("hist_gradient_boosting", False, 0.05, -0.01, 0.11)
    simpler = Rival("linear", True, 0.05, 0.02, 0.08)

    assert of(0.8, 0.78, rivals=[richer]).state == "underfit"
    assert of(0.8, 0.78, rivals=[perhaps]).state == "sound"
    assert of(0.8, 0.78, rivals=[simpler]).state == "overfit"


def test_a_curve_that_still_grows_says_that_more_rows_help():
    assert "more rows would still help" in of(0.9, 0.85, curve=[(500, 0.70), (1000, 0.85)]).sentence
    assert "more rows" not in of(0.9, 0.85, curve=[(500, 0.845), (1000, 0.85)]).sentence


def test_without_a_value_nothing_is_known():
    assert of(float("nan"), 0.7).state == "unknown"


def simulated(learner, make, seed, rival=None, labels=False):
    """Fit on 700 rows, and judge on 300 others as the jobs do."""
    rng = np.random.default_rng(seed)
    matrix, target = make(rng, 1000)
    train, test = slice(700), slice(700, None)
    problem, metric = ("binary", "roc_auc") if labels else ("regression", "rmse")
    fitted = learner.fit(matrix[train], target[train])

    def answers(model, rows):
        if not labels:
            return Predictions(target[rows], model.predict(matrix[rows]))
        return Predictions(target[rows], model.predict_proba(matrix[rows]), ("no", "yes"))

    own = answers(fitted, test)
    limits = interval(resampled(problem, [metric], [own], 0)[metric][:, 0])
    value, seen = measure_one(problem, metric, own), measure_one(problem, metric, answers(fitted, train))
    half = (limits[1] - limits[0]) / 2 * np.sqrt(300 / 700)
    rivals = []
    if rival is not None:
        other = answers(rival.fit(matrix[train], target[train]), test)
        draws = resampled(problem, [metric], [other, own], 0)[metric]
        between = interval(better_by(metric, draws[:, 0], draws[:, 1]))
        rivals = [
            Rival("hist_gradient_boosting", False, value - measure_one(problem, metric, other), *between)
        ]
    baseline = baseline_value(problem, metric, target[test], constant_answer(problem, target[train]))
    return judge(
        Evidence(
            metric,
            Measured(seen, seen - half, seen + half),
            Measured(value, *limits),
            baseline,
            rivals=rivals,
        )
    ).state


def features(rng, n):
    return rng.normal(size=(n, 5))


def noise_free(rng, n):
    matrix = features(rng, n)
    return matrix, 2 * matrix[:, 0] - matrix[:, 1]


def pure_noise(rng, n):
    return features(rng, n), rng.normal(size=n)


def noisy_labels(rng, n):
    matrix = features(rng, n)
    return matrix, np.where(matrix[:, 0] + rng.normal(size=n) * 1.5 > 0, "yes", "no")


def bent(rng, n):
    matrix = features(rng, n)
    return matrix, matrix[:, 0] * matrix[:, 1] + matrix[:, 2] + 0.1 * rng.normal(size=n)


BOOSTED = {"max_iter": 60, "random_state": 0}


@pytest.mark.parametrize(
    ("learner", "make", "expected", "further"),
    [
        (LinearRegression, noise_free, "sound", {}),
        (lambda: HistGradientBoostingRegressor(**BOOSTED), noise_free, "sound", {}),
        (LinearRegression, pure_noise, "underfit", {}),
        (lambda: RandomForestRegressor(20, random_state=0), pure_noise, "underfit", {}),
        (lambda: RandomForestClassifier(20, random_state=0), noisy_labels, "overfit", {"labels": True}),
        (LinearRegression, bent, "underfit", {"rival": HistGradientBoostingRegressor(**BOOSTED)}),
    ],
    ids=[
        "linear noise-free",
        "boosted noise-free",
        "linear noise",
        "forest noise",
        "forest by heart",
        "too simple",
    ],
)
def test_simulated_models_get_the_verdict_that_they_deserve(learner, make, expected, further):
    states = [simulated(learner(), make, seed, **further) for seed in range(4)]

    assert states.count(expected) >= 3
