import re

import pytest
from pydantic import ValidationError

from headrace.config.features import BUILT_IN, NAMES
from headrace.config.loading import PipelineError, find_pipeline, load_pipeline
from headrace.config.pipeline import Pipeline
from sagemaker_jobs.features.plan import plan_features
from sagemaker_jobs.features.registry import find_step

FIVE = {"name": "bike", "problem": "regression", "target": "cnt"}


def written(tmp_path, features):
    (tmp_path / "pipelines").mkdir(exist_ok=True)
    path = tmp_path / "pipelines" / "bike.yaml"
    path.write_text(f"name: bike\nproblem: regression\ntarget: cnt\nfeatures:\n{features}")
    return path


def with_steps(*steps, **fields):
    return Pipeline.model_validate({**FIVE, **fields, "features": {"steps": list(steps)}})


def test_a_pipeline_without_the_block_has_no_steps():
    assert Pipeline.model_validate(FIVE).features.steps == ()


def test_steps_survive_the_way_into_a_job():
    pipeline = with_steps(
        {"step": "one_hot", "columns": ["season"]}, {"step": "mine", "parameters": {"k": 3}}
    )

    assert Pipeline.model_validate_json(pipeline.model_dump_json()) == pipeline


@pytest.mark.parametrize(
    ("entry", "told"),
    [
        (
            "{step: imputee, strategy: mean}",
            "6: features.steps.0: no step 'imputee' is built in (did you mean impute?), and one of your own takes strategy "
            "as `parameters: {strategy: …}`; built in are impute, ",
        ),
        (
            "{step: product, columns: [a]}",
            "6: features.steps.0.columns: should have at least 2 entries, not 1; ",
        ),
        (
            "{step: pair, columns: [a, b, c, d]}",
            "6: features.steps.0.columns: should have at most 3 entries, not 4; ",
        ),
    ],
)
def test_a_mistake_in_a_step_is_told_with_its_remedy(tmp_path, entry, told):
    path = written(tmp_path, f"  steps:\n    - {entry}\n")

    with pytest.raises(PipelineError) as refused:
        load_pipeline(path)

    assert str(refused.value).startswith(f"{path}:{told}")


@pytest.mark.parametrize("block", BUILT_IN, ids=NAMES)
def test_every_step_of_the_file_takes_its_parameters(block):
    needed = {"columns": ["a", "b"]} if block.model_fields["columns"].is_required() else {}
    name = NAMES[BUILT_IN.index(block)]
    estimator = "torch" if name == "tokens" else "linear"
    pipeline = with_steps({"step": name, **needed}, training={"estimator": estimator})

    (step,) = plan_features(pipeline.features, (), "linear", seed=7).steps

    assert type(step) is find_step(name)
    known = set(block.model_fields) - {"step", "columns"}
    assert known == set(step.get_params()) - {"seed"}


@pytest.mark.parametrize(
    ("line", "told"),
    [
        (
            "{step: one_hot, max_levels: 0}",
            "features.steps.0.max_levels: should be greater than or equal to 1",
        ),
        (
            "{step: tfidf, ngrm: [1, 2]}",
            "features.steps.0.ngrm: there is no such field (did you mean ngrams?)",
        ),
        ("{step: tfidf, ngrams: [3, 1]}", "`ngrams` is [shortest, longest]"),
        ("{step: pixels, colour: green}", "features.steps.0.colour: should be 'grey' or 'rgb', not 'green'"),
        ("{step: impute, strategy: constant}", "`value` belongs to `strategy: constant`"),
        ("scale", "features.steps.0: should be a block of fields, not 'scale'"),
        ("{columns: [temp]}", "features.steps.0.step: is missing"),
    ],
)
def test_a_mistake_in_a_step_is_told_with_its_line(tmp_path, line, told):
    path = written(tmp_path, f"  steps:\n    - {line}\n")

    with pytest.raises(PipelineError, match=re.escape(told)) as failure:
        load_pipeline(path)
    assert str(failure.value).startswith(f"{path}:6: ")


def test_a_name_that_is_no_step_is_told_with_those_that_are(tmp_path):
    written(tmp_path, "  steps:\n    - {step: onehot}\n")

    with pytest.raises(PipelineError, match=r"no step 'onehot' \(did you mean one_hot\?\).*impute, scale"):
        find_pipeline("bike", tmp_path)


def test_a_step_of_the_users_own_is_found_by_its_file(tmp_path):
    written(tmp_path, "  steps:\n    - {step: per_night}\n")
    (tmp_path / "pipelines" / "steps").mkdir()
    (tmp_path / "pipelines" / "steps" / "per_night.py").write_text("")

    assert find_pipeline("bike", tmp_path).features.steps[0].step == "per_night"


@pytest.mark.parametrize(
    ("fields", "told"),
    [
        ({"step": "scale", "columns": ["cnt"]}, "'cnt' is the target"),
        ({"step": "tokens"}, "numbers words for networks, and hist_gradient_boosting is none"),
        ({"step": "tfidf", "components": 0}, "hist_gradient_boosting reads no sparse"),
    ],
)
def test_a_step_that_cannot_be_is_refused_before_anything_is_deployed(fields, told):
    with pytest.raises(ValidationError, match=told):
        with_steps(fields)


def test_target_means_need_all_rows_at_once():
    with pytest.raises(ValidationError, match="sgd reads the rows piece by piece"):
        with_steps({"step": "target_mean"}, training={"estimator": "sgd"})


def test_copies_that_are_not_varied_are_refused():
    with pytest.raises(ValidationError, match="teach nothing"):
        Pipeline.model_validate({**FIVE, "features": {"augment": {"copies": 3}}})
