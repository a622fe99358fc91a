import numpy as np
import pytest

from headrace.ml.evidence.importance import Effort, HeldOut, permutation_importance

RNG = np.random.default_rng(0)
ROWS = {"strong": RNG.normal(size=3000), "weak": RNG.normal(size=3000), "none": RNG.normal(size=3000)}


def answer(columns):
    return 3 * columns["strong"] + columns["weak"]


TRUTH = answer(ROWS) + RNG.normal(size=3000)


def measured(**arguments):
    found = permutation_importance(answer, "regression", "rmse", HeldOut(ROWS, TRUTH), **arguments)
    return {each.feature: each for each in found}


def test_columns_are_ranked_by_what_they_matter():
    found = measured(budget=60_000)

    assert list(found) == ["strong", "weak", "none"]
    assert found["none"].mean == 0
    # By hand: with one column dealt anew the error's variance is 1 + 2 b², so that the error is √19 and √3 instead of 1.
    assert found["strong"].mean == pytest.approx(np.sqrt(19) - 1, rel=0.05)
    assert found["weak"].mean == pytest.approx(np.sqrt(3) - 1, rel=0.1)
    assert found["weak"].low < np.sqrt(3) - 1 < found["weak"].high


def test_the_same_seed_and_any_number_of_threads_give_the_same():
    assert measured(budget=9_000, seed=1) == measured(budget=9_000, seed=1, threads=3)
    assert measured(budget=9_000, seed=1) != measured(budget=9_000, seed=2)


def test_effort_keeps_to_its_budget_where_columns_are_many():
    effort = Effort.within(200_000, columns=400, rows=100_000)

    assert effort == Effort(100, 5)
    assert 400 * effort.rows * effort.repeats <= 200_000


def test_a_metric_without_a_value_gives_no_importances():
    one_label = HeldOut({"x": np.arange(50.0)}, np.array(["a"] * 50), ("a", "b"))
    chances = np.tile([0.5, 0.5], (50, 1))

    found = permutation_importance(lambda rows: chances[: len(rows["x"])], "binary", "roc_auc", one_label)

    assert found == []
