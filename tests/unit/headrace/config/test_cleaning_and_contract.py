"""What is told about mistakes in the blocks `cleaning` and `contract`, and on which line."""

import pytest

from headrace.config.loading import PipelineError, find_pipeline

HEAD = "name: bike\nproblem: regression\ntarget: y\n"


def told(tmp_path, text):
    """Return what is said of a file, without its path."""
    path = tmp_path / "bike.yaml"
    path.write_text(HEAD + text)
    with pytest.raises(PipelineError) as error:
        find_pipeline(str(path), tmp_path)
    return [line.removeprefix(f"{path}:") for line in str(error.value).splitlines()]


def step(**lines):
    return "cleaning:\n  steps:\n    - " + "\n      ".join(
        f"{name}: {value}" for name, value in lines.items()
    )


@pytest.mark.parametrize(
    ("text", "line"),
    [
        (
            step(step="parse_numbers", columns="[a]", decimel="';'"),
            "8: cleaning.steps.0.decimel: there is no such field (did you mean decimal?); "
            "allowed: columns, decimal, parentheses, percent, step, symbols, thousands",
        ),
        (
            step(step="parse_numbers", columns="[a]", thousands='"."'),
            "6: cleaning.steps.0: `thousands` and `decimal` are both '.'",
        ),
        (step(step="map_values", values="{a: b}"), "6: cleaning.steps.0.columns: is missing; which."),
        (step(step="clip_outliers", columns="[a]"), "6: cleaning.steps.0: name `min` or `max`, or else `quantiles`"),
        (
            step(step="clip_outliers", columns="[a]", quantiles="[0.9, 0.1]"),
            "6: cleaning.steps.0: `quantiles` is [lower, upper], such as [0.001, 0.999]",
        ),
        (step(step="drop_rows", columns="[a]", op="in", value=5), "6: cleaning.steps.0: `op: in` takes a list"),
        (step(step="drop_rows", columns="[a]", op='"<"'), "6: cleaning.steps.0: `op: <` needs a `value`"),
        (
            step(step="calendar", columns="[a]", parts="[is_holiday]"),
            "6: cleaning.steps.0: `holidays` and the part `is_holiday` need each other",
        ),
        (
            step(step="parse_dates", columns="[a]", formats='["%d"]', time_zone="Europe/Berln"),
            "9: cleaning.steps.0.time_zone: there is no time zone 'Europe/Berln' (did you mean Europe/Berlin?)",
        ),
        (
            "contract:\n  columns:\n    temp: {mim: 3}",
            "6: contract.columns.temp.mim: there is no such field (did you mean min?); "
            "allowed: allowed, max, min, nullable, severity, unique",
        ),
        (
            "contract:\n  columns:\n    temp: {min: 5, max: 3}",
            "6: contract.columns.temp: `min` is 5, which is more than `max`, 3",
        ),
    ],
)  # fmt: skip
def test_a_mistake_is_told_with_its_line(tmp_path, text, line):
    assert told(tmp_path, text) == [line]


def test_a_misspelt_step_is_told_before_its_fields(tmp_path):
    (found,) = told(tmp_path, step(step="clip_outlier", columns="[a]", low="0"))

    assert found.startswith(
        "6: cleaning.steps.0: no step 'clip_outlier' is built in (did you mean clip_outliers?), and one of your own takes low "
    )


def test_a_step_that_nobody_wrote_is_told_with_what_there_is(tmp_path):
    (found,) = told(tmp_path, step(step="clip_outlier", columns="[a]"))

    assert found.startswith(
        "6: cleaning.steps.0.step: there is no step 'clip_outlier' (did you mean clip_outliers?); there are "
    )
    assert found.endswith("your own would be " + str(tmp_path / "pipelines" / "steps" / "clip_outlier.py"))
