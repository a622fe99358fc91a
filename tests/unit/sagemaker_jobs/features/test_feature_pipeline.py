import numpy as np
import pytest

from sagemaker_jobs.failures import JobError
from sagemaker_jobs.features.assembly import Assembly
from sagemaker_jobs.features.feature_pipeline import FeaturePipeline
from sagemaker_jobs.features.registry import find_step

COLUMNS = {
    "temp": np.array([1.0, np.nan, 3.0, 8.0]),
    "hour": np.array([2.0, 3.0, 4.0, 5.0]),
    "season": np.array(["fall", "fall", "spring", None], dtype=object),
}
KINDS = ["number", "number", "category"]


def pipeline(*steps):
    """Return a pipeline of (name, columns, parameters)."""
    made = [find_step(name)(**parameters) for name, _, parameters in steps]
    return FeaturePipeline(list(COLUMNS), KINDS, made, [columns for _, columns, _ in steps])


def test_steps_follow_each_other():
    made = pipeline(("impute", ["temp"], {}), ("scale", ["temp"], {"method": "min_max"}))

    features = made.fit_transform(COLUMNS)

    # the median 3 fills the gap, and 1 to 8 becomes 0 to 1
    assert features["temp"].values == pytest.approx([0, 2 / 7, 2 / 7, 1])
    assert list(features) == ["temp", "hour", "season"]


def test_a_step_without_names_takes_all_columns_of_its_kinds():
    features = pipeline(("scale", [], {}), ("one_hot", [], {})).fit_transform(COLUMNS)

    assert {name: feature.kind for name, feature in features.items()} == dict.fromkeys(COLUMNS, "ready")


def test_a_cross_stands_beside_its_columns_and_can_be_used_further():
    made = pipeline(("product", ["temp", "hour"], {}), ("scale", ["temp * hour"], {}))

    features = made.fit_transform(COLUMNS)

    assert list(features) == ["temp", "hour", "season", "temp * hour"]
    assert features["temp * hour"].kind == "ready"
    assert features["temp"].kind == "number"


def test_rows_are_asked_with_what_was_learned():
    made = pipeline(("impute", ["temp"], {}), ("one_hot", [], {}))
    made.fit(COLUMNS)

    features = made.transform({name: values[1:2] for name, values in COLUMNS.items()})

    assert features["temp"].values.tolist() == [3]
    assert features["season"].values.tolist() == [[1, 0]]


@pytest.mark.parametrize(
    ("step", "told"),
    [
        (("scale", ["wind"], {}), "features.steps.0: there is no column 'wind' here; there are temp, hour"),
        (("scale", ["season"], {}), "column 'season' is category, and this step takes number"),
    ],
)
def test_a_column_that_does_not_fit_is_told(step, told):
    with pytest.raises(JobError, match=told):
        pipeline(step).fit(COLUMNS)


def test_the_matrix_knows_which_of_its_columns_are_categories():
    features = pipeline(("scale", ["hour"], {})).fit_transform(COLUMNS)
    assembly = Assembly()

    matrix = assembly.fit_transform(features)

    assert matrix.shape == (4, 3)
    assert assembly.is_category() == [False, True, False]  # temp, season, then what is ready: hour
