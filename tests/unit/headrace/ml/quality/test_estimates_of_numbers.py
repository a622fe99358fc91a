"""Estimated errors of a regression, on shifts to where its errors are larger."""

import json

import numpy as np
import pytest

from headrace.ml.column_schema import ColumnSchema
from headrace.ml.quality.number_reference import NumberReference, refer_to_numbers
from headrace.ml.quality.slices import feature_slices
from sagemaker_jobs.evaluate_model.loss_forest import grow_loss_forest

SCHEMA = [ColumnSchema("x", "number"), ColumnSchema("kind", "category"), ColumnSchema("note", "text")]


def world(n, rng, *, high=0.5):
    """Return features, answers and absolute errors; `high` is the share of rows where errors are four times as large."""
    x = np.where(rng.random(n) < high, rng.uniform(5, 10, n), rng.uniform(0, 5, n))
    kind = rng.choice(["plain", "odd"], n, p=[0.8, 0.2]).astype(object)
    answers = rng.normal(50, 10, n)
    scale = np.where(x > 5, 4.0, 1.0) * np.where(kind == "odd", 2.0, 1.0)
    errors = np.abs(rng.normal(0, 1, n) * scale)
    x[rng.random(n) < 0.02] = np.nan
    return {"x": x, "kind": kind, "note": np.full(n, "text", dtype=object)}, answers, errors


@pytest.fixture(scope="module")
def reference():
    columns, answers, errors = world(3000, np.random.default_rng(0))
    forest, expected = grow_loss_forest(SCHEMA, columns, answers, errors)
    return refer_to_numbers(errors, expected, forest, feature_slices(columns))


@pytest.mark.parametrize("high", [0.5, 0.1, 0.9])
def test_intervals_hold_the_error_and_it_is_nearer_than_the_level_of_the_reference(reference, high):
    rng = np.random.default_rng(1)
    level = world(50_000, rng)[2].mean()
    inside, off, of_level = 0, 0.0, 0.0
    for _ in range(25):
        columns, answers, errors = world(500, rng, high=high)
        found = reference.estimate(reference.summary({**columns, "_score": answers}), moved=abs(high - 0.5))
        for name, real in (("mae", errors.mean()), ("rmse", np.sqrt(np.mean(errors**2)))):
            interval = found[name].with_interval(name)
            inside += interval.low <= real <= interval.high
        off += abs(found["mae"].value - errors.mean())
        of_level += abs(level - errors.mean())

    assert inside >= 0.8 * 50
    assert high == 0.5 or off < 0.5 * of_level


def test_numpy_answers_as_scikit_learn_does_and_looks_only_at_what_it_needs(reference):
    columns, answers, _ = world(30, np.random.default_rng(2))
    forest = reference.forest

    alone = [
        forest.expected_errors(
            forest.matrix({**{k: v[i : i + 1] for k, v in columns.items()}, "_score": answers[i : i + 1]})
        )
        for i in range(30)
    ]

    together = forest.expected_errors(forest.matrix({**columns, "_score": answers}))
    assert np.allclose(np.concatenate(alone), together)
    assert "note" not in reference.columns
    assert {"x", "kind"} <= set(reference.columns)


def test_a_category_that_nobody_has_seen_and_a_column_that_is_gone_are_missing_values(reference):
    unseen = reference.summary(
        {"x": np.array([9.0]), "kind": np.array(["new"], dtype=object), "_score": np.array([50.0])}
    )
    gone = reference.summary({"x": np.array([9.0]), "_score": np.array([50.0])})

    assert np.allclose(unseen, gone)
    assert np.isfinite(gone).all()


def test_a_column_that_tells_by_its_missing_values_alone_can_be_written():
    rng = np.random.default_rng(4)
    x = np.where(rng.random(500) < 0.5, np.nan, 1.0)
    errors = np.where(np.isnan(x), 10.0, 1.0) * rng.uniform(0.9, 1.1, 500)

    forest, _ = grow_loss_forest(SCHEMA[:1], {"x": x}, np.zeros(500), errors)

    json.dumps(forest.as_dict(), allow_nan=False)
    found = forest.expected_errors(forest.matrix({"x": np.array([np.nan, 1.0]), "_score": np.zeros(2)}))
    assert found == pytest.approx([10.0, 1.0], abs=0.1)


def test_it_is_written_and_read_again(reference):
    columns, answers, _ = world(300, np.random.default_rng(3))
    again = NumberReference.from_dict(json.loads(json.dumps(reference.as_dict())))

    summary = again.summary({**columns, "_score": answers})

    assert np.array_equal(summary, reference.summary({**columns, "_score": answers}))
    assert again.estimate(summary, moved=0.3) == reference.estimate(summary, moved=0.3)


def test_a_model_without_any_error_needs_no_estimate(reference):
    assert refer_to_numbers(np.zeros(100), np.zeros(100), reference.forest) is None
