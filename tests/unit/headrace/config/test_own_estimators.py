import textwrap

import pytest

from headrace.config.loading import PipelineError, find_pipeline
from headrace.config.tuning_plan import tuning_plan

CLASS = """
    class _Other:
        search_space = {"nothing": {"kind": "choice", "values": [1]}}


    class Nearest:
        search_space = {
            "neighbours": {"kind": "integer", "low": 3, "high": 60, "scale": "log"},
            "power": {"kind": "continuous", "low": 1, "high": 2, "scale": "linear"},
            "metric": {"kind": "choice", "values": ["l1", "l2"]},
        }
"""


def find(root, tuning="{trials: 4}", source=CLASS, hyperparameters="{}", estimator="own.nearest"):
    folder = root / "pipelines" / "estimators"
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "nearest.py").write_text(textwrap.dedent(source))
    (root / "pipelines" / "bike.yaml").write_text(
        "name: bike\nproblem: regression\ntarget: cnt\ntraining:\n"
        f"  estimator: {estimator}\n  hyperparameters: {hyperparameters}\n  tuning: {tuning}\n"
    )
    return find_pipeline("bike", root)


def test_a_tuning_tries_what_the_own_estimator_declares(tmp_path):
    plan = tuning_plan(find(tmp_path))

    assert plan.search == {
        "neighbours": {"kind": "integer", "low": 3, "high": 60, "scale": "log"},
        "power": {"kind": "continuous", "low": 1.0, "high": 2.0, "scale": "linear"},
        "metric": {"kind": "choice", "values": ("l1", "l2")},
    }


def test_what_is_fixed_is_not_searched(tmp_path):
    assert set(tuning_plan(find(tmp_path, hyperparameters="{power: 1.5}")).search) == {"neighbours", "metric"}


def test_what_the_pipeline_file_names_goes_before_what_is_declared(tmp_path):
    assert set(tuning_plan(find(tmp_path, "{search: {power: [1, 2]}}")).search) == {"power"}


def test_a_grid_has_the_ends_and_the_middle_of_declared_ranges(tmp_path):
    plan = tuning_plan(find(tmp_path, "{strategy: grid}"))

    assert plan.search["power"]["values"] == (1.0, 1.5, 2.0)
    assert plan.trials == 3 * 3 * 2


def test_the_file_is_not_run(tmp_path):
    assert tuning_plan(find(tmp_path, source=f"raise SystemExit\n{textwrap.dedent(CLASS)}"))


def test_a_search_space_that_is_computed_is_refused_with_its_line(tmp_path):
    source = "class Nearest:\n    search_space = dict(power=3)\n"

    with pytest.raises(
        PipelineError, match=r"bike\.yaml:7: training\.tuning: .*nearest\.py:2: .* write it out"
    ):
        find(tmp_path, source=source)


def test_a_range_that_is_none_is_named(tmp_path):
    source = 'class Nearest:\n    search_space = {"power": {"kind": "continuous", "low": 2, "high": 1}}\n'

    with pytest.raises(PipelineError, match=r"search\.power: goes from 2\.0 to 1\.0"):
        find(tmp_path, source=source)


def test_what_is_no_range_is_refused(tmp_path):
    source = 'class Nearest:\n    search_space = {"power": {"kind": "any"}}\n'

    with pytest.raises(PipelineError, match=r"nearest\.py:2: .* write it out"):
        find(tmp_path, source=source)


def test_an_estimator_without_a_file_is_told_with_its_line_before_anything_is_deployed(tmp_path):
    with pytest.raises(
        PipelineError, match=r"bike\.yaml:5: training\.estimator: 'own\.nearby' would be .*nearby\.py"
    ):
        find(tmp_path, estimator="own.nearby")


def test_a_class_that_declares_nothing_needs_a_search(tmp_path):
    with pytest.raises(PipelineError, match="declares nothing to search"):
        find(tmp_path, source="class Nearest:\n    pass\n")
