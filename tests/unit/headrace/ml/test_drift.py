import numpy as np
import pandas as pd
import pytest

from headrace.ml.contract import ColumnSchema
from headrace.ml.drift import compare
from headrace.ml.profile import Profile, profile_frame

SCHEMA = [
    ColumnSchema("temp", "number"),
    ColumnSchema("rain", "number"),
    ColumnSchema("season", "category"),
    ColumnSchema("holiday", "boolean"),
    ColumnSchema("at", "datetime"),
]


def rows(n, seed=0, **changes):
    rng = np.random.default_rng(seed)
    frame = pd.DataFrame(
        {
            "temp": rng.normal(10, 3, n),
            "rain": np.where(rng.random(n) < 0.7, 0.0, rng.exponential(2, n)),
            "season": rng.choice(["winter", "spring", "fall"], n, p=[0.5, 0.3, 0.2]),
            "holiday": rng.random(n) < 0.05,
            "at": pd.date_range("2011-01-01", periods=n, freq="h"),
        }
    )
    return frame.assign(**{name: change(frame[name], rng) for name, change in changes.items()})


REFERENCE = profile_frame(rows(5000), SCHEMA, predictions=rows(2000)["temp"])


def check(frame, predictions=None, **options):
    return compare(
        REFERENCE, profile_frame(frame, SCHEMA, predictions=predictions, like=REFERENCE), **options
    )


def drifted(report):
    return {feature.name for feature in report.features if feature.drifted}


def test_the_same_distribution_is_no_drift():
    report = check(rows(1000, seed=1))

    assert (report.drifted, report.verdict) == (False, "no drift")
    assert report.reason == "no drift in 5 columns, 1000 rows"


def test_false_alarms_are_as_rare_as_promised():
    windows, rates = 250, np.array([0.001, 0.01, 0.05])
    profiles = [profile_frame(rows(400, seed=seed), SCHEMA, like=REFERENCE) for seed in range(1, windows + 1)]

    alarms = [
        sum(compare(REFERENCE, profile, false_alarm_rate=rate).drifted for profile in profiles)
        for rate in rates
    ]

    assert np.all(alarms <= windows * rates + 3 * np.sqrt(windows * rates))


@pytest.mark.parametrize(
    ("changes", "names"),
    [
        ({"temp": lambda old, _: old + 1.5}, {"temp"}),
        ({"temp": lambda old, _: (old - 10) * 2 + 10}, {"temp"}),
        ({"temp": lambda old, _: old * 1.8 + 32}, {"temp"}),
        ({"temp": lambda old, _: old.mask(np.arange(len(old)) % 4 == 0)}, {"temp"}),
        ({"temp": lambda old, _: old * np.nan}, {"temp"}),
        ({"rain": lambda old, rng: np.where(rng.random(len(old)) < 0.9, 0.0, old)}, {"rain"}),
        ({"rain": lambda old, _: np.where(old == 0, 0.001, old)}, {"rain"}),
        ({"season": lambda old, _: old.replace({"winter": "summer"})}, {"season"}),
        ({"season": lambda old, rng: rng.choice(["winter", "spring", "fall"], len(old))}, {"season"}),
        ({"holiday": lambda old, rng: rng.random(len(old)) < 0.3}, {"holiday"}),
    ],
    ids="shift spread unit missing gone zeros jump new_level shares rare".split(),
)
def test_a_change_is_found_and_nothing_else(changes, names):
    assert drifted(check(rows(1000, seed=2, **changes))) == names


def test_time_always_moves_on_and_is_no_drift():
    later = rows(1000, seed=3).assign(at=pd.date_range("2030-01-01", periods=1000, freq="h"))

    assert not check(later).drifted


def test_a_sure_but_tiny_move_is_no_drift():
    assert not check(rows(100_000, seed=4, temp=lambda old, _: old + 0.05)).drifted


def test_a_larger_smallest_effect_asks_for_a_larger_move():
    window = rows(4000, seed=5, temp=lambda old, _: old + 0.45)

    assert check(window, smallest_effect=0.05).drifted
    assert not check(window, smallest_effect=0.3).drifted


def test_a_small_window_has_no_verdict():
    report = check(rows(99, seed=6, temp=lambda old, _: old + 50))

    assert (report.drifted, report.verdict, report.features) == (False, "not enough data", [])
    assert report.reason == "not enough data: 99 rows, 100 are needed"


def test_predictions_are_compared_too():
    report = check(rows(1000, seed=7), predictions=rows(1000, seed=8)["temp"] + 3)

    assert drifted(report) == {"prediction"}


def test_the_largest_move_comes_first_and_says_from_what_to_what():
    report = check(
        rows(
            1000, seed=9, temp=lambda old, _: old + 1, season=lambda old, _: old.replace({"winter": "summer"})
        )
    )

    assert [feature.name for feature in report.features[:2]] == ["season", "temp"]
    assert "winter: 49" in report.features[0].summary or "levels not seen" in report.features[0].summary
    assert report.features[1].summary.startswith("mean ")


def test_slow_waves_are_no_drift():
    """A window of a few days of a variable that wanders slowly holds few independent rows."""
    rng = np.random.default_rng(10)
    wave = pd.Series(rng.normal(size=6000)).rolling(48, min_periods=1).mean().to_numpy() * 7

    alarms = 0
    reference = profile_frame(pd.DataFrame({"temp": wave[:4000]}), SCHEMA[:1])
    for start in range(4000, 5800, 100):
        window = profile_frame(pd.DataFrame({"temp": wave[start : start + 200]}), SCHEMA[:1], like=reference)
        alarms += compare(reference, window).drifted

    assert alarms <= 1


def test_a_profile_survives_its_journey_as_json():
    again = Profile.from_dict(REFERENCE.as_dict())
    window = rows(1000, seed=11, temp=lambda old, _: old + 1)

    assert (
        drifted(compare(again, profile_frame(window, SCHEMA, like=again)))
        == drifted(check(window))
        == {"temp"}
    )


def test_a_profile_of_another_format_is_refused():
    with pytest.raises(ValueError, match="format"):
        Profile.from_dict({**REFERENCE.as_dict(), "format": 99})


def test_texts_that_become_longer_and_files_that_become_larger_are_drift():
    rng = np.random.default_rng(0)
    schema = [ColumnSchema("message", "text"), ColumnSchema("photo", "image")]

    def rows(n, length):
        lengths = rng.poisson(length, n)
        return pd.DataFrame(
            {"message": ["a" * k for k in lengths], "photo": [bytes(int(k)) for k in lengths]}
        )

    before = profile_frame(rows(900, 80), schema)
    same, longer = (profile_frame(rows(300, length), schema, like=before) for length in (80, 120))

    assert not compare(before, same).drifted
    report = compare(Profile.from_dict(before.as_dict()), longer)
    assert {feature.name for feature in report.features if feature.drifted} >= {"message", "photo"}
    summaries = {
        feature.name: feature.summary.split(" 8")[0]
        for feature in report.features
        if feature.name in ("message", "photo")
    }
    assert summaries == {"message": "mean length", "photo": "mean size in bytes"}


def judged(before, after, kind):
    """Return the verdict on one column, and what it says."""
    schema = [ColumnSchema("x", kind)]
    old = profile_frame(pd.DataFrame({"x": pd.Series(before, dtype=object)}), schema)
    new = profile_frame(pd.DataFrame({"x": pd.Series(after, dtype=object)}), schema, like=old)
    feature = compare(old, new).features[0]
    return feature.verdict, feature.summary


NUMBERS = np.random.default_rng(0).normal(size=2000).tolist()
LEVELS = ["a", "b"] * 1000


@pytest.mark.parametrize(
    ("before", "after", "kind", "verdict", "summary"),
    [
        ([3.0] * 2000, [3.0] * 500, "number", "no drift", "mean 3 → 3"),
        ([3.0] * 2000, [4.0] * 500, "number", "drift", "mean 3 → 4"),
        ([3.0] * 2000, NUMBERS[:500], "number", "drift", "mean 3 → -0.0269"),
        ([None] * 2000, [None] * 500, "number", "no drift", "missing: 100.0% → 100.0%"),
        (NUMBERS, [None] * 500, "number", "drift", "missing: 0.0% → 100.0%"),
        ([None] * 2000, NUMBERS[:500], "number", "drift", "missing: 100.0% → 0.0%"),
        (["a"] * 2000, ["a"] * 500, "category", "no drift", "a: 100.0% → 100.0%"),
        (LEVELS, ["z"] * 500, "category", "drift", "levels not seen in training: 0.0% → 100.0%"),
        (LEVELS, LEVELS[:480] + ["z"] * 20, "category", "drift", "levels not seen in training: 0.0% → 4.0%"),
        (LEVELS, [None] * 500, "category", "drift", "missing: 0.0% → 100.0%"),
    ],
)
def test_constant_missing_and_unseen_columns_have_a_verdict(before, after, kind, verdict, summary):
    assert judged(before, after, kind) == (verdict, summary)


def test_a_column_with_few_values_is_judged_by_its_missing_cells_alone():
    few, other = [[level] * 25 + [None] * 975 for level in (1.0, 9.0)]

    assert judged(few, other, "number") == ("no drift", "missing: 97.5% → 97.5%")
