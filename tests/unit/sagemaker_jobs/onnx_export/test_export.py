"""The graph of a pipeline answers as the pipeline does, whatever is in the rows."""

import numpy as np
import pytest
from threadpoolctl import threadpool_limits

from headrace.config.features import Features
from headrace.ml.column_schema import ColumnSchema
from sagemaker_jobs.engines import OnnxModel
from sagemaker_jobs.estimators import fit
from sagemaker_jobs.model import Model
from sagemaker_jobs.onnx_export import trees
from sagemaker_jobs.onnx_export.export import export_onnx
from sagemaker_jobs.onnx_export.graph import NotExportableError
from sagemaker_jobs.onnx_export.hostile_rows import hostile_rows
from sagemaker_jobs.onnx_export.parity import compare
from sagemaker_jobs.parts import Part
from sagemaker_jobs.recipe import Recipe
from sagemaker_jobs.streamed_fit import fit_streamed
from tests.unit.sagemaker_jobs.onnx_export.small_data import EMPTY, SCHEMA, part

FAST = {
    "hist_gradient_boosting": {"max_iter": 12},
    "random_forest": {"n_estimators": 7},
    "linear": {},
    "sgd": {"max_iter": 2},
}
STEPS = {
    "impute": [{"step": "impute", "columns": ["temp", "season"], "indicator": True}],
    "impute by a constant": [
        {"step": "impute", "columns": ["road"], "strategy": "constant", "value": "none"},
        {"step": "one_hot", "columns": ["road"]},
    ],
    **{
        f"scale {method}": [{"step": "scale", "method": method}]
        for method in ("standard", "robust", "min_max", "log", "yeo_johnson")
    },
    "one_hot": [{"step": "one_hot", "max_levels": 70}],
    "rank": [{"step": "rank", "max_levels": 3}],
    "target_mean": [{"step": "target_mean"}],
    "date_parts": [
        {"step": "date_parts", "parts": ["hour", "day", "yearday", "month", "year"], "cyclic": True}
    ],
    "product": [{"step": "product", "columns": ["temp", "wind", "holiday"]}],
    "pair": [
        {"step": "pair", "columns": ["season", "road"]},
        {"step": "target_mean", "columns": ["season & road"]},
    ],
}


class Stream:
    """All rows of a part in two batches."""

    def __init__(self, rows):
        self._part, self.rows = rows, rows.rows

    def batches(self, rng=None):
        half = self.rows // 2
        yield self._part.first(half)
        yield self._part.chosen(slice(half, None))


def fitted(problem, estimator, steps=(), schema=SCHEMA, train=None):
    train = train or part(problem)
    recipe = Recipe(problem, estimator, schema, 3, FAST[estimator], Features.model_validate({"steps": steps}))
    if estimator == "sgd":
        pipeline = fit_streamed(recipe, Stream(train), train, train.first(50))
    else:
        pipeline = fit(recipe, train, train.first(50))
    return Model(problem, schema, pipeline)


def in_onnx(model):
    return OnnxModel(
        model.problem, model.schema, model.classes, (), export_onnx(model.pipeline, model.schema)
    )


def agreement(model):
    rows = part(model.problem, rows=300, seed=1).columns
    unseen = {column.name: rows[column.name] for column in model.schema}
    with threadpool_limits(1):  # as in a job
        return compare(model, in_onnx(model), [unseen, *hostile_rows(unseen, model.schema)])


@pytest.mark.parametrize("problem", ["regression", "binary", "multiclass"])
@pytest.mark.parametrize("estimator", FAST)
def test_a_graph_answers_as_its_pipeline(estimator, problem):
    found = agreement(fitted(problem, estimator))

    assert found.rows > 900
    assert found.holds, found


@pytest.mark.parametrize("estimator", ["hist_gradient_boosting", "linear"])
@pytest.mark.parametrize("name", STEPS)
def test_every_step_that_reads_no_text_is_part_of_the_graph(name, estimator):
    filled = tuple(column for column in SCHEMA if column.name not in EMPTY)
    found = agreement(fitted("multiclass", estimator, STEPS[name], schema=filled))

    assert found.holds, found


def test_waves_that_differ_in_their_last_digits_do_not_change_sides_in_a_tree():
    rows, filled = part(rows=900), tuple(column for column in SCHEMA if column.name not in EMPTY)
    train = Part({column.name: rows.columns[column.name] for column in filled}, rows.target)
    waves = [{"step": "date_parts", "cyclic": True}]  # sin(0) and sin(π) lie 1e-16 apart

    assert agreement(fitted("regression", "hist_gradient_boosting", waves, schema=filled, train=train)).holds


@pytest.mark.parametrize("loss", ["poisson", "gamma", "absolute_error"])
def test_every_loss_of_boosting_is_undone(loss):
    rows = part()
    train = Part(rows.columns, np.abs(rows.target) + 1)
    recipe = Recipe("regression", "hist_gradient_boosting", SCHEMA, 3, {"max_iter": 5, "loss": loss})
    model = Model("regression", SCHEMA, fit(recipe, train, train.first(50)))

    assert agreement(model).holds


def test_other_losses_of_descent_are_probabilities_too():
    for problem in ("binary", "multiclass"):
        recipe = Recipe(problem, "sgd", SCHEMA, 3, {"max_iter": 2, "loss": "modified_huber"})
        train = part(problem)
        model = Model(problem, SCHEMA, fit_streamed(recipe, Stream(train), train, train.first(50)))

        assert agreement(model).holds


@pytest.mark.parametrize("estimator", ["hist_gradient_boosting", "random_forest", "linear"])
@pytest.mark.parametrize("kinds", [("number",), ("category",)])
def test_a_graph_may_have_only_one_of_its_inputs(estimator, kinds):
    schema = tuple(column for column in SCHEMA if column.kind in kinds)
    rows = part()
    train = Part({column.name: rows.columns[column.name] for column in schema}, rows.target)
    model = fitted("regression", estimator, schema=schema, train=train)

    answers = in_onnx(model).predict(train.columns)

    assert answers.shape == (train.rows,)
    assert answers == pytest.approx(model.predict(train.columns), rel=1e-9)


def test_a_model_that_has_learned_nothing_says_the_same_of_every_row():
    rows = part()
    train = Part(rows.columns, np.zeros(rows.rows))
    for estimator in ("hist_gradient_boosting", "random_forest"):
        assert set(in_onnx(fitted("regression", estimator, train=train)).predict(rows.columns)) == {0.0}


def test_the_same_model_gives_the_same_bytes():
    graphs = {export_onnx(fitted("binary", "random_forest").pipeline, SCHEMA) for _ in range(2)}

    assert len(graphs) == 1


def test_a_text_that_cannot_be_encoded_counts_as_a_word_that_nobody_has_seen():
    model = fitted("binary", "linear")
    row = part("binary", rows=1).columns
    broken, unseen = ({**row, "season": np.array([word], dtype=object)} for word in ("\ud800", "unseen"))

    assert in_onnx(model).predict(broken).tolist() == in_onnx(model).predict(unseen).tolist()


def test_what_has_no_operator_is_named():
    schema = (ColumnSchema("temp", "number"), ColumnSchema("note", "text"))
    rows = part("binary")
    notes = np.array([f"a note on row {row % 9}" for row in range(rows.rows)], dtype=object)
    train = Part({"temp": rows.columns["temp"], "note": notes}, rows.target)
    model = fitted("binary", "linear", schema=schema, train=train)

    with pytest.raises(NotExportableError, match="the step 'tfidf' reads text"):
        export_onnx(model.pipeline, schema)
    with pytest.raises(NotExportableError, match="'photo' holds images"):
        export_onnx(model.pipeline, (*schema, ColumnSchema("photo", "image")))


def test_a_forest_that_would_take_long_to_load_stays_with_scikit_learn(monkeypatch):
    monkeypatch.setattr(trees, "_MOST_NODES", 100)

    with pytest.raises(NotExportableError, match="its trees have more than 100 splits"):
        export_onnx(fitted("regression", "random_forest").pipeline, SCHEMA)
