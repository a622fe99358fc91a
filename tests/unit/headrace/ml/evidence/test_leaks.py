"""Columns that give the target away are found, and honest ones are left alone."""

import numpy as np
import pytest

from headrace.ml.column_schema import ColumnSchema
from headrace.ml.evidence.findings import LeakageFinding, in_short, leakage_refusal
from headrace.ml.evidence.leaks import LeakLimits, find_leaks

RNG = np.random.default_rng(0)
N = 2000
SIZE, AGE = RNG.normal(size=N), RNG.integers(18, 90, N).astype(float)
NOISY = (SIZE + RNG.normal(size=N) > 0).astype(int)
LABELS = np.where(NOISY, "yes", "no")
PRICE = 3 * SIZE + RNG.normal(size=N)


def found_in(problem, target, limits=None, **columns):
    kinds = {name: "category" if cells.dtype == object else "number" for name, cells in columns.items()}
    schema = [ColumnSchema(name, kind) for name, kind in kinds.items()]
    return [
        (each.check, each.columns)
        for each in find_leaks(problem, schema, columns, target, limits or LeakLimits())
    ]


def test_honest_columns_are_left_alone():
    town = RNG.choice(["a", "b", "c"], N).astype(object)

    assert found_in("binary", LABELS, size=SIZE, age=AGE, town=town) == []
    assert found_in("regression", PRICE, size=SIZE, age=AGE, town=town) == []


def test_the_target_under_another_name_is_found_as_words_and_as_numbers():
    words = np.where(NOISY, "paid", "open").astype(object)

    assert found_in("binary", LABELS, size=SIZE, status=words) == [("target_copy", ("status",))]
    assert found_in("binary", LABELS, size=SIZE, code=7.0 - NOISY) == [("target_copy", ("code",))]


@pytest.mark.parametrize("map_", [np.log1p, np.negative, lambda y: 100 * y])
def test_a_number_that_has_the_targets_order_is_the_target(map_):
    target = np.round(np.exp(PRICE))

    assert found_in("regression", target, size=SIZE, copy=map_(target)) == [("target_copy", ("copy",))]


def test_a_column_that_predicts_nearly_perfectly_is_found_with_its_figure():
    wrong = RNG.random(N) < 0.005
    nearly = np.where(NOISY ^ wrong, 1.0, 0.0)
    schema = [ColumnSchema("nearly", "number")]

    (finding,) = find_leaks("binary", schema, {"nearly": nearly}, LABELS, LeakLimits())

    assert finding.check == "near_perfect_feature"
    assert finding.figure == pytest.approx(0.995, abs=0.004)
    assert "column 'nearly' alone tells the labels apart with a ROC AUC of 0.99" in finding.sentence


def test_a_level_of_its_own_for_each_label_of_many_rows_is_found_in_multiclass():
    codes = RNG.integers(0, 12, N)
    detail = np.array([f"{code % 4}-{code}" for code in codes], dtype=object)

    found = found_in("multiclass", np.array([f"class {code % 4}" for code in codes]), detail=detail)

    assert found == [("near_perfect_feature", ("detail",))]


def test_a_sum_that_makes_the_target_is_found_and_names_its_parts():
    casual, registered = RNG.poisson(30, N).astype(float), RNG.poisson(150, N).astype(float)

    found = found_in(
        "regression",
        casual + registered,
        LeakLimits(max_r2=0.999),
        size=SIZE,
        casual=casual,
        registered=registered,
    )

    assert found == [("target_formula", ("casual", "registered"))]


def test_a_row_number_and_a_key_of_words_look_like_ids():
    number = RNG.permutation(N).astype(float)
    key = np.array([f"k{place}" for place in range(N)], dtype=object)

    assert found_in("binary", LABELS, n=number, key=key) == [("id_like", ("n",)), ("id_like", ("key",))]


def test_amounts_that_hardly_ever_repeat_are_no_ids():
    cents = np.round(np.exp(RNG.normal(12, 1, N)))

    assert found_in("binary", LABELS, cents=cents) == []


def test_a_column_that_somebody_has_allowed_is_not_looked_at():
    assert found_in("binary", LABELS, LeakLimits(allowed=frozenset({"code"})), code=7.0 - NOISY) == []


def test_few_rows_prove_nothing():
    assert found_in("binary", LABELS[:30], code=(7.0 - NOISY)[:30]) == []


def test_blocking_names_column_and_figure_and_warnings_never_block():
    copy = LeakageFinding("target_copy", ("paid",), 1.0, 1.0, "column 'paid' is the target").as_dict()
    numbered = LeakageFinding("id_like", ("n",), 1.0, 0.95, "column 'n' looks like an id").as_dict()

    assert leakage_refusal([copy, numbered], "block") == "a leak: column 'paid' is the target"
    assert leakage_refusal([numbered], "block") is None
    assert leakage_refusal([copy], "warn") is None
    assert in_short([copy, numbered]) == "target_copy paid, id_like n"
