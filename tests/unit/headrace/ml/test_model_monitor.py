"""The shapes are those of the guide's "Schema for Statistics" and "Schema for Constraints", and of AWS's own examples."""

import json

import numpy as np
import pytest

from headrace.ml.column_schema import ColumnSchema
from headrace.ml.model_monitor import constraints, statistics
from headrace.ml.profile import profile_frame

KINDS = {
    "temp": "number",
    "day": "number",
    "season": "category",
    "holiday": "boolean",
    "at": "datetime",
    "note": "text",
    "gone": "number",
}
RNG = np.random.default_rng(0)
N = 10_000
ROWS = {
    "temp": np.where(RNG.random(N) < 0.1, np.nan, RNG.normal(0, 3, N)),
    "day": RNG.integers(1, 32, N),
    "season": RNG.choice(["winter", "summer"], N),
    "holiday": RNG.random(N) < 0.1,
    "at": np.datetime64("2026-01-01") + np.arange(N).astype("timedelta64[h]"),
    "note": ["a text"] * N,
    "gone": [None] * N,
}
PROFILE = profile_frame(ROWS, [ColumnSchema(name, kind) for name, kind in KINDS.items()])


def named(document):
    return {feature["name"]: feature for feature in document["features"]}


STATISTICS, CONSTRAINTS = (json.loads(json.dumps(made(PROFILE))) for made in (statistics, constraints))


def test_statistics_have_the_documented_shape():
    temp, season = named(STATISTICS)["temp"], named(STATISTICS)["season"]

    assert (STATISTICS["version"], STATISTICS["dataset"]) == (0, {"item_count": N})
    assert temp.keys() == {"name", "inferred_type", "numerical_statistics"}
    numbers = temp["numerical_statistics"]
    assert numbers.keys() == {"common", "mean", "sum", "std_dev", "min", "max", "distribution"}
    assert numbers["common"].keys() == {"num_present", "num_missing"}
    assert numbers["distribution"]["kll"].keys() == {"buckets", "sketch"}
    assert numbers["distribution"]["kll"]["sketch"]["parameters"] == {"c": 0.64, "k": 2048.0}
    assert season["string_statistics"].keys() == {"common", "distinct_count", "distribution"}
    buckets = season["string_statistics"]["distribution"]["categorical"]["buckets"]
    assert [bucket.keys() for bucket in buckets] == [{"value", "count"}] * 2


def test_types_are_inferred_as_model_monitor_infers_them():
    found = {name: feature["inferred_type"] for name, feature in named(STATISTICS).items()}

    assert found == dict.fromkeys(KINDS, "String") | {
        "temp": "Fractional",
        "day": "Integral",
        "gone": "Unknown",
    }
    assert {name: feature["inferred_type"] for name, feature in named(CONSTRAINTS).items()} == found


@pytest.mark.parametrize("name", ["temp", "day"])
def test_ten_equally_wide_buckets_hold_all_numbers(name):
    numbers = named(STATISTICS)[name]["numerical_statistics"]
    buckets = numbers["distribution"]["kll"]["buckets"]
    values = ROWS[name][np.isfinite(ROWS[name])]
    real, ends = np.histogram(values, bins=10)

    assert [bucket["lower_bound"] for bucket in buckets] == pytest.approx(ends[:-1])
    assert [bucket["upper_bound"] for bucket in buckets] == pytest.approx(ends[1:])
    assert sum(bucket["count"] for bucket in buckets) == len(values)
    if name == "temp":  # a bin of ours is 1/256 of the numbers
        assert [bucket["count"] for bucket in buckets] == pytest.approx(real, abs=len(values) / 256)


@pytest.mark.parametrize("name", ["temp", "day"])
def test_the_sketch_weighs_as_much_as_the_numbers_and_lies_as_they_do(name):
    data = named(STATISTICS)[name]["numerical_statistics"]["distribution"]["kll"]["sketch"]["data"]
    values = np.sort(ROWS[name][np.isfinite(ROWS[name])])
    items = np.concatenate(data)
    weights = np.repeat(2 ** np.arange(len(data)), [len(level) for level in data])

    assert weights.sum() == len(values)
    assert max(map(len, data)) <= 2048
    for point in np.quantile(values, [0.1, 0.5, 0.9]):
        sketched = weights[items <= point].sum() / len(values)
        assert sketched == pytest.approx(np.mean(values <= point), abs=1 / 256)


def test_constraints_have_the_documented_shape():
    features = named(CONSTRAINTS)

    assert features["temp"]["completeness"] == pytest.approx(0.9, abs=0.02)
    assert features["temp"]["num_constraints"] == {"is_non_negative": False}
    assert features["day"]["num_constraints"] == {"is_non_negative": True}
    assert sorted(features["season"]["string_constraints"]["domains"]) == ["summer", "winter"]
    assert features["gone"] == {"name": "gone", "inferred_type": "Unknown", "completeness": 0.0}
    assert CONSTRAINTS["monitoring_config"] == {
        "evaluate_constraints": "Enabled",
        "emit_metrics": "Enabled",
        "datatype_check_threshold": 0.1,
        "domain_content_threshold": 0.1,
        "distribution_constraints": {
            "perform_comparison": "Enabled",
            "comparison_threshold": 0.1,
            "comparison_method": "Robust",
            "categorical_comparison_threshold": 0.1,
            "categorical_drift_method": "LInfinity",
        },
    }


def test_images_are_not_model_monitors():
    profile = profile_frame({"photo": [b"\x89PNG"]}, [ColumnSchema("photo", "image")])

    assert (statistics(profile)["features"], constraints(profile)["features"]) == ([], [])
