"""A new model is served by ONNX Runtime only if that has been shown to answer the same."""

import sys

import numpy as np
import pytest

from headrace.config.features import Features
from sagemaker_jobs import engine_choice
from sagemaker_jobs.engine_choice import choose_engine
from sagemaker_jobs.engines import ONNX_FILE, OnnxModel
from sagemaker_jobs.estimators import fit
from sagemaker_jobs.model import Model
from sagemaker_jobs.onnx_export.parity import agreement
from sagemaker_jobs.recipe import Recipe
from tests.unit.sagemaker_jobs.onnx_export.small_data import SCHEMA, part


@pytest.fixture(scope="module")
def model():
    train = part("binary")
    return Model("binary", SCHEMA, fit(Recipe("binary", "linear", SCHEMA, 0, {}, Features()), train, train))


def test_a_graph_that_answers_the_same_serves(model, tmp_path):
    chosen = choose_engine(model, part("binary", rows=30, seed=1), tmp_path)

    assert chosen.name == "onnx"
    assert isinstance(chosen.predictor, OnnxModel)
    assert (tmp_path / ONNX_FILE).is_file()
    assert chosen.as_dict()["parity"]["held_out"] == {
        "rows": 30,
        "refused": 0,
        "other_labels": 0,
        "difference": 0.0,
    }
    assert chosen.why.startswith("its graph answers as scikit-learn does: 30 held-out and ")
    assert (chosen.answers == chosen.predictor.predict(part("binary", rows=30, seed=1).columns)).all()


def test_a_graph_that_answers_otherwise_does_not_serve(model, tmp_path, monkeypatch):
    right = OnnxModel.predict
    monkeypatch.setattr(OnnxModel, "predict", lambda self, columns: right(self, columns)[:, ::-1])

    chosen = choose_engine(model, part("binary", rows=30, seed=1), tmp_path)

    assert (chosen.name, chosen.predictor) == ("skops", model)
    assert "its graph answers otherwise: 30 held-out" in chosen.why
    assert not list(tmp_path.iterdir())


def test_a_container_without_onnx_trains_all_the_same(model, tmp_path, monkeypatch):
    monkeypatch.setitem(sys.modules, "sagemaker_jobs.onnx_export.export", None)
    monkeypatch.setattr(engine_choice, "_EXPORTERS", ("sagemaker_jobs.onnx_export.export",))

    chosen = choose_engine(model, part("binary", rows=30), tmp_path)

    assert (chosen.name, chosen.parity) == ("skops", {})
    assert chosen.why.startswith("this container has no ")


def test_an_export_that_fails_costs_the_engine_and_not_the_model(model, tmp_path, capsys):
    answers = {
        "steps": (),
        "classes_": ["no", "yes"],
        "predict_proba": lambda self, rows: np.ones((30, 2)) / 2,
    }
    broken = Model("binary", SCHEMA, type("Pipeline", (), answers)())

    chosen = choose_engine(broken, part("binary", rows=30), tmp_path)

    assert chosen.name == "skops"
    assert "its export failed (ValueError" in chosen.why
    assert "Traceback" in capsys.readouterr().err


def test_answers_that_are_no_numbers_in_one_engine_only_do_not_agree():
    found = agreement(np.array([1.0, np.nan]), np.array([np.nan, -np.inf]))

    assert agreement(np.array([np.nan]), np.array([-np.inf])).holds
    assert not found.holds
    assert found.as_dict()["difference"] is None


def test_numbers_are_compared_relative_to_their_size_and_to_a_usual_one():
    assert agreement(np.array([1e9]), np.array([1e9 + 1])).holds
    assert not agreement(np.array([1e-9]), np.array([2e-9])).holds
    assert agreement(np.array([1e-9, 100.0, 100.0]), np.array([2e-9, 100.0, 100.0])).holds
