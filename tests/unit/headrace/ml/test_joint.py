"""Columns that no longer go together, though none has moved by itself."""

import numpy as np
import pandas as pd
import pytest

from demo.months import hold_back, load_months
from headrace.ml.calibration import block_slices, calibrate
from headrace.ml.column_schema import ColumnSchema
from headrace.ml.drift import compare
from headrace.ml.profile import Profile, merge_profiles, profile_frame

SCHEMA = [
    ColumnSchema("temp", "number"),
    ColumnSchema("hum", "number"),
    ColumnSchema("wind", "number"),
    ColumnSchema("season", "category"),
]

BIKE = ("hr", "temp", "atemp", "hum", "windspeed")


def rows(n, correlation, seed=0):
    rng = np.random.default_rng(seed)
    temp = rng.normal(size=n)
    return {
        "temp": temp,
        "hum": correlation * temp + np.sqrt(1 - correlation**2) * rng.normal(size=n),
        "wind": rng.exponential(size=n),
        "season": rng.choice(np.array(["winter", "summer", "spring"], dtype=object), n),
    }


REFERENCE = profile_frame(rows(5000, 0.6), SCHEMA, jointly=True)


def check(window, reference=REFERENCE, rate=1 / 2190):
    profile = window if isinstance(window, Profile) else profile_frame(window, SCHEMA, like=reference)
    return compare(reference, profile, false_alarm_rate=rate)


def test_a_correlation_that_turns_round_is_found_though_no_column_has_moved():
    report = check(rows(1000, -0.6, seed=1))

    assert (report.drifted, report.joint.drifted, report.joint.pair) == (True, True, ("temp", "hum"))
    assert not any(feature.drifted for feature in report.features)
    assert report.joint.effect == pytest.approx(1.2, abs=0.1)
    assert report.reason.startswith("drift in rank correlation of temp and hum: 0.5")


def test_what_goes_together_as_before_is_no_drift():
    alarms = sum(check(rows(500, 0.6, seed=seed), rate=0.05).joint.drifted for seed in range(2, 152))

    assert alarms <= 5


def test_a_shift_of_one_column_leaves_its_correlations_alone():
    window = rows(1000, 0.6, seed=200)

    assert not check({**window, "temp": window["temp"] + 0.5}).joint.drifted


def test_a_category_may_no_longer_go_with_a_number():
    rng = np.random.default_rng(3)
    reference_rows = rows(5000, 0.6, seed=3)
    warm = np.where(reference_rows["temp"] > 0, "summer", "winter").astype(object)
    reference = profile_frame({**reference_rows, "season": warm}, SCHEMA, jointly=True)
    window = rows(1000, 0.6, seed=4)
    dealt = rng.choice(np.array(["summer", "winter"], dtype=object), 1000)

    report = check({**window, "season": dealt}, reference)

    assert report.joint.drifted
    assert set(report.joint.pair) & {"season=summer", "season=winter"}


def test_profiles_of_parts_say_together_what_one_of_all_rows_says():
    window = rows(1000, -0.6, seed=5)
    parts = [
        profile_frame({name: cells[cut] for name, cells in window.items()}, SCHEMA, like=REFERENCE)
        for cut in (slice(0, 300), slice(300, 1000))
    ]

    merged, whole = check(merge_profiles(parts)).joint, check(window).joint

    assert (merged.drifted, merged.pair, merged.rows) == (whole.drifted, whole.pair, whole.rows)
    assert merged.effect == pytest.approx(whole.effect)


def test_a_joint_profile_survives_its_journey_as_json():
    again = Profile.from_dict(REFERENCE.as_dict())
    window = profile_frame(rows(1000, -0.6, seed=6), SCHEMA, like=again)

    assert check(Profile.from_dict(window.as_dict()), again).joint.pair == ("temp", "hum")


def test_a_column_that_is_constant_in_the_window_has_no_correlation_there():
    """In July no row is of winter; as JSON its sums are rounded, and what is left must not be taken for a spread."""
    july = rows(1008, 0.6, seed=9) | {"season": np.full(1008, "autumn", dtype=object)}
    rounded = Profile.from_dict(profile_frame(july, SCHEMA, like=REFERENCE).as_dict())
    merged = merge_profiles([rounded, rounded, rounded])

    correlations = merged.joint.correlations()

    names = [coordinate.column for coordinate in REFERENCE.coordinates]
    assert np.isnan(correlations[names.index("season")]).all()
    assert np.nanmax(np.abs(correlations)) <= 1


def test_wandering_series_go_together_for_a_while_and_that_is_no_drift():
    """Two independent AR(1) series of phi 0.97 correlate in every window of 300 rows by chance."""
    alarms = 0
    for seed in range(15):
        noise = np.random.default_rng([7, seed]).normal(size=(6000, 2))
        for row in range(1, 6000):
            noise[row] += 0.97 * noise[row - 1]
        frame = dict(zip(("temp", "hum"), noise.T, strict=True))
        part = {name: cells[:5000] for name, cells in frame.items()}
        reference = profile_frame(part, SCHEMA[:2], jointly=True)
        blocks = [
            profile_frame({name: cells[cut] for name, cells in part.items()}, SCHEMA[:2], like=reference)
            for cut in block_slices(5000)
        ]
        window = profile_frame(
            {name: cells[-300:] for name, cells in frame.items()}, SCHEMA[:2], like=reference
        )
        report = compare(reference, window, calibration=calibrate(reference, blocks), false_alarm_rate=0.05)
        alarms += report.joint.drifted

    assert alarms <= 2


def test_without_a_joint_profile_there_is_no_joint_verdict():
    reference = profile_frame(rows(1000, 0.6), SCHEMA)

    assert check(rows(1000, -0.6, seed=8), reference).joint is None


@pytest.mark.parametrize("seed", [0, 1, 6])
def test_weather_that_came_on_few_days_is_not_missed_on_others(seed):
    months = load_months()
    learnt, others = hold_back(pd.concat([months[f"2011-0{month}"] for month in (1, 2, 3)]))
    learnt = learnt[np.random.default_rng(seed).random(len(learnt)) < 0.7]
    schema = [ColumnSchema("weathersit", "category"), *(ColumnSchema(name, "number") for name in BIKE)]
    reference = profile_frame(learnt, schema, jointly=True)
    blocks = [
        profile_frame(learnt.iloc[cut], schema, like=reference, ordered=False)
        for cut in block_slices(len(learnt))
    ]

    report = compare(
        reference,
        profile_frame(others, schema, like=reference),
        false_alarm_rate=1 / 2190,
        calibration=calibrate(reference, blocks),
    )

    assert (report.drifted, report.joint.drifted) == (False, False)
