import math

import numpy as np
import pytest

from headrace.ml.calibration import Calibration, block_slices, calibrate
from headrace.ml.column_schema import ColumnSchema
from headrace.ml.dependence import fit_dependence
from headrace.ml.drift import compare
from headrace.ml.profile import profile_frame

SCHEMA = [ColumnSchema("level", "number"), ColumnSchema("state", "category")]


def series(rng, n, phi):
    noise, values = rng.normal(size=n + 200), np.empty(n + 200)
    values[0] = 0.0
    for row in range(1, n + 200):
        values[row] = phi * values[row - 1] + noise[row]
    states = np.array(["low", "middle", "high"], dtype=object)[np.digitize(values[200:], [-1, 1])]
    return {"level": values[200:], "state": states}


def learn(rows):
    reference = profile_frame(rows, SCHEMA)
    blocks = [
        profile_frame({name: cells[cut] for name, cells in rows.items()}, SCHEMA, like=reference)
        for cut in block_slices(reference.rows)
    ]
    return reference, calibrate(reference, blocks)


def test_independent_rows_are_known_as_such():
    _, calibration = learn(series(np.random.default_rng(0), 4000, 0.0))

    for column in calibration.columns.values():
        assert [each.at(500) for each in column.values] == [(1.0, math.inf)] * len(column.values)


def test_the_inflation_of_an_autoregressive_series_is_measured():
    _, calibration = learn(series(np.random.default_rng(1), 20_000, 0.8))

    inflation, blocks = calibration.columns["level"].values[0].at(1000)

    assert inflation == pytest.approx(9.0, rel=0.35)  # (1 + 0.8) / (1 - 0.8)
    assert blocks >= 16


def test_windows_of_dependent_rows_do_not_alarm():
    """Phi 0.8; with tests for independent rows every second window of one column would be flagged."""
    alarms = 0
    for seed in range(25):
        rows = series(np.random.default_rng([2, seed]), 4800, 0.8)
        reference, calibration = learn({name: cells[:4000] for name, cells in rows.items()})
        window = profile_frame({name: cells[-500:] for name, cells in rows.items()}, SCHEMA, like=reference)
        alarms += compare(reference, window, calibration=calibration).drifted

    assert alarms <= 4


def test_seasons_longer_than_the_blocks_make_longer_windows_no_surer():
    at = np.arange(8000)
    wave = np.sin(at * 2 * np.pi / 8000) + np.random.default_rng(3).normal(size=8000) * 0.1
    _, calibration = learn({"level": wave, "state": np.where(wave > 0, "high", "low").astype(object)})

    location = calibration.columns["level"].values[0]

    assert location.at(4000)[0] / location.at(1000)[0] == pytest.approx(4.0, rel=0.3)


def test_a_trend_of_the_reference_is_not_taken_for_how_its_windows_vary():
    """Winter grows warmer from week to week, and is told from spring all the same."""
    rows = series(np.random.default_rng(6), 3000, 0.9)
    rows["level"] += np.linspace(0.0, 12.0, 3000)
    reference, calibration = learn({name: cells[:2000] for name, cells in rows.items()})
    spring = profile_frame({name: cells[2000:] for name, cells in rows.items()}, SCHEMA, like=reference)

    report = compare(reference, spring, calibration=calibration, false_alarm_rate=1 / 2191)

    assert "level" in [feature.name for feature in report.features if feature.drifted]


def test_inflation_that_has_stopped_growing_is_as_sure_as_the_short_blocks_that_show_it():
    rng = np.random.default_rng(7)
    dependence = fit_dependence(rng.normal(size=(128, 1)) * 30, np.full(128, 100.0), 1.0, nearby=11.0)

    assert dependence.at(800) == pytest.approx((11.0, 64))


def test_too_few_rows_give_no_calibration():
    assert learn(series(np.random.default_rng(4), 400, 0.0))[1] == Calibration({})


def test_a_calibration_survives_its_journey_as_json():
    _, calibration = learn(series(np.random.default_rng(5), 4000, 0.9))

    again = Calibration.from_dict(calibration.as_dict())

    assert again.as_dict() == calibration.as_dict()
    assert again.columns["level"].values[0].at(300) == pytest.approx(
        calibration.columns["level"].values[0].at(300), rel=1e-3
    )


def test_what_is_known_of_pairs_survives_its_journey_as_json():
    """A check reads the calibration from a file: without its pairs, it takes all rows for independent and alarms."""
    rng = np.random.default_rng(8)
    rows = {"level": series(rng, 8000, 0.97)["level"], "other": series(rng, 8000, 0.97)["level"]}
    schema = [ColumnSchema("level", "number"), ColumnSchema("other", "number")]
    reference = profile_frame(rows, schema, jointly=True)
    parts = ({name: cells[cut] for name, cells in rows.items()} for cut in block_slices(8000))
    calibration = calibrate(reference, [profile_frame(part, schema, like=reference) for part in parts])

    again = Calibration.from_dict(calibration.as_dict())

    assert again.joint["level & other"].at(300) == pytest.approx(
        calibration.joint["level & other"].at(300), rel=1e-3
    )


def test_a_calibration_of_another_format_is_refused():
    with pytest.raises(ValueError, match="format"):
        Calibration.from_dict({"format": 99, "columns": {}})
