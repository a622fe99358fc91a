"""The page of a drift report: what it says, that it holds whatever the data are, and that nothing in them gets out."""

import re
from html import unescape
from xml.etree import ElementTree

import numpy as np
import pytest

from headrace.ml.column_schema import ColumnSchema
from headrace.ml.drift import compare
from headrace.ml.drift_page.distributions import draw_column, levels_of
from headrace.ml.drift_page.page import render_page
from headrace.ml.drift_page.pictures import chosen_columns
from headrace.ml.drift_page.shares import shares_of
from headrace.ml.profile import profile_frame

ATTACK = "<script>alert('x')</script>"
NORMAL = np.random.default_rng(0).normal(5, 3, 900)


def profiles(before, after, kind="number"):
    """Return the profiles of one column, before and after."""
    schema = [ColumnSchema("x", kind)]
    old = profile_frame({"x": before}, schema)
    return old.features[0], profile_frame({"x": after}, schema, like=old).features[0]


def report_of(old, new):
    """Return a report as the check writes it."""
    drift = compare(old, new)
    names = [feature.name for feature in drift.features if feature.drifted]
    return {
        "pipeline": "bike",
        "variant": "v3",
        "checked_at": "2026-01-31T11:00:04Z",
        "verdict": drift.verdict,
        "drifted": drift.drifted,
        "drifted_features": names,
        "summary": [drift.reason],
        "score": 4.2,
        "rows": new.rows,
        "window": {"from": "2026-01-31T10:00:00Z", "to": "2026-01-31T11:00:00Z"},
        "features": [vars(feature) for feature in drift.features],
        "joint": drift.joint.as_dict() if drift.joint else None,
    }


def page_of(before, after, schema, answers=(None, None), **more):
    old = profile_frame(before, schema, predictions=answers[0])
    new = profile_frame(after, schema, predictions=answers[1], like=old)
    report = report_of(old, new) | more.pop("report", {})
    return render_page(report, old, new, **more)


def parsed(page):
    """Return the page as a tree: only well-formed ones have one."""
    return ElementTree.fromstring(re.sub(r"(<meta [^>]*)>", r"\1/>", page.removeprefix("<!doctype html>\n")))


def text(page):
    return " ".join(unescape(re.sub(r"<style>.*?</style>|<[^>]+>", " ", page)).split())


@pytest.fixture(scope="module")
def bike():
    rng = np.random.default_rng(1)
    schema = [
        ColumnSchema("temp", "number"),
        ColumnSchema("season", "category"),
        ColumnSchema("hum", "number"),
    ]
    before, after = (
        {
            "temp": rng.normal(mean, 3, 900),
            "season": rng.choice(["fall", "spring"], 900),
            "hum": rng.normal(0, 1, 900),
        }
        for mean in (5, 9)
    )
    check = {"variant": "v2", "score": 0.4, "rows": 800, "drifted": False, "drifted_features": []}
    found = {"metric": "rmse", "value": 41.0, "dropped": True}
    measured = {"comparison": found, "metrics": {"rmse": {"value": 41.0, "low": 39.5, "high": 42.5}}}
    return page_of(
        before,
        after,
        schema,
        (before["temp"], after["temp"]),
        checks=[check | {"checked_at": f"2026-01-{day:02}T11:00:04Z"} for day in range(1, 31)],
        quality=[
            {"checked_at": "2026-01-31T11:00:04Z", "variant": "v3", "metric": "rmse", "measured": measured}
        ],
        next_step="retraining starts now.",
        look=[("Report", "drift/v3/x.json")],
    )


def test_the_headline_names_what_drifted_and_the_page_what_is_next(bike):
    words = text(bike)

    assert parsed(bike).find("body/main/header/h1").text.startswith("Drift in 2 of 4 columns: ")
    for told in (
        "temp",
        "mean 4.",
        "bike, model v3",
        "retraining starts now.",
        "drift/v3/x.json",
        "rows compared 900",
    ):
        assert told in words


def test_the_ranking_has_a_row_per_column_with_those_that_drifted_first(bike):
    rows = parsed(bike).findall(".//tbody/tr")

    assert [row.find("th/span").text for row in rows[:2]] in (["prediction", "temp"], ["temp", "prediction"])
    assert [len(row.findall("th/span")) for row in rows] == [2, 2, 1, 1]
    assert "< 1e-16 (limit" in text(bike)


def test_the_ranking_says_how_much_the_answers_rest_on_each_column_where_that_is_known(bike):
    schema = [ColumnSchema("temp", "number"), ColumnSchema("hum", "number")]
    before = {"temp": NORMAL, "hum": NORMAL}
    old = profile_frame(before, schema)
    new = profile_frame({"temp": NORMAL, "hum": NORMAL + 9}, schema, like=old)
    report = report_of(old, new)
    shares = {"temp": 0.996, "hum": 0.004}
    weighed = [{**feature, "importance": shares[feature["name"]]} for feature in report["features"]]

    table = parsed(render_page({**report, "features": weighed}, old, new)).find(".//table")

    told = {row.find("th/span").text: row.find("td").text for row in table.findall("tbody/tr")}
    assert told == {"hum": "0.4 %", "temp": "100 %"}
    assert "importance" in [head.text for head in table.findall("thead/tr/th")]
    assert "importance" not in text(bike).lower()


def test_the_prediction_is_drawn_first_and_every_picture_has_a_title(bike):
    tree = parsed(bike)

    assert next(tree.iter("article")).find("h3").text == "prediction"
    assert len(list(tree.iter("article"))) == 4
    assert all(picture.find("title").text for picture in tree.iter("svg") if picture.get("role") == "img")


def test_the_last_checks_and_the_quality_are_drawn_over_time(bike):
    words = text(bike)

    assert "2026-01-01 11:00, v2: 0.4" in words
    assert "Quality (rmse)" in words
    assert "Measured, by labels, 1 check, last 41" in words
    assert "Estimated, without labels" not in words


def test_nothing_is_loaded_and_nothing_runs(bike):
    assert not re.search(r"<script|<link|<img|src=|href=|url\(|@import|https?:", bike)


def test_whatever_names_and_categories_say_is_text():
    schema = [ColumnSchema(ATTACK, "category"), ColumnSchema('"><svg onload=1>', "number")]
    before, after = (
        {ATTACK: [ATTACK, "&amp;", "\x00\ud800"] * 100, '"><svg onload=1>': NORMAL[:300] + move}
        for move in (0, 5)
    )
    labels = [ATTACK] * 150 + ["no"] * 150
    page = page_of(before, after, schema, (labels, labels[::-1]), next_step=ATTACK, look=[(ATTACK, ATTACK)])

    assert "<script" not in page
    assert "<svg onload" not in page
    assert ATTACK in text(page)
    parsed(page.encode().decode())  # well formed, and UTF-8


@pytest.mark.parametrize(
    ("before", "after"),
    [
        (np.ones(99), np.ones(99)),
        (np.ones(99), np.full(99, 2.0)),
        (NORMAL, np.full(99, np.nan)),
        (np.full(99, np.nan), NORMAL),
        (np.full(99, np.nan), np.full(99, np.nan)),
        (NORMAL * 1e-300, NORMAL * 1e-300),
        (np.array([-1.7e308, 1.7e308] * 50), np.zeros(99)),
        (np.array([5e-324, 1e-320] * 50), np.zeros(99)),
        (1e15 + NORMAL, 1e15 + NORMAL),
        (np.random.default_rng(0).standard_cauchy(999), NORMAL * 1e12),
        (np.exp(NORMAL * 9), np.exp(NORMAL)),
        (np.where(NORMAL > 5, 0.0, np.exp(np.abs(NORMAL))), NORMAL),
        (np.empty(0), NORMAL),
    ],
)
def test_any_numbers_are_drawn_inside_of_the_picture(before, after):
    picture = draw_column(*profiles(before, after))

    tree = ElementTree.fromstring(f"<div>{picture}</div>")
    assert "nan" not in picture.lower()
    assert "inf" not in picture.lower()
    for shape in tree.iter("path"):
        pairs = re.findall(r"[MHV]([-\d.]+)(?: ([-\d.]+))?", shape.get("d"))
        assert all(0 <= float(number) <= 340 for pair in pairs for number in pair if number)
    assert all(0 <= float(label.get("x")) <= 340 for label in tree.iter("text"))


@pytest.mark.parametrize(
    ("numbers", "kind"),
    [
        (NORMAL, "linear"),
        (np.arange(900) % 24.0, "whole"),
        (np.exp(NORMAL * 2), "log"),
        (np.sinh(NORMAL - 5), "compressed"),
    ],
)
def test_the_axis_fits_the_numbers(numbers, kind):
    shares = shares_of(*profiles(numbers, numbers))

    assert shares.scale.kind == kind
    assert len(shares.scale.ticks()) >= 2
    assert shares.before.sum() + sum(shares.outside) == pytest.approx(1.0, abs=1e-9)
    np.testing.assert_allclose(shares.before, shares.after, atol=1e-9)


def test_a_share_is_that_of_the_rows_there():
    shares = shares_of(*profiles(np.repeat([1.0, 2.0, 4.0], [20, 30, 50]), np.repeat([2.0, 4.0], [25, 75])))

    assert shares.before.tolist() == pytest.approx([0.2, 0.3, 0.0, 0.5])
    assert shares.after.tolist() == pytest.approx([0.0, 0.25, 0.0, 0.75])


def test_values_outside_of_what_training_had_are_seen():
    shares = shares_of(*profiles(NORMAL, NORMAL + 100))

    assert shares.before[:20].sum() == pytest.approx(1.0, abs=0.02)
    assert shares.after[20:].sum() == pytest.approx(1.0, abs=0.02)


def test_of_many_categories_those_that_say_most_are_drawn_and_the_rest_added_up():
    many = [f"l{number % 300}" for number in range(3000)]
    levels = levels_of(*profiles(many, ["l1"] * 50 + ["never seen"] * 50, "category"))

    assert len(levels) == 9
    assert ("l1", pytest.approx(1 / 300), 0.5) in levels
    name, before, after = levels[-1]
    assert (name, after) == ("all others", 0.5)
    assert before == pytest.approx(1 - 8 / 300)


def test_the_share_of_missing_cells_is_told():
    picture = draw_column(*profiles(NORMAL, np.where(NORMAL > 5, np.nan, NORMAL)))

    assert re.search(r"Missing: 0 % → 4\d %|Missing: 0 % → 5\d %", picture)


def test_without_a_verdict_the_page_says_why():
    schema = [ColumnSchema("x", "number")]
    page = page_of({"x": NORMAL}, {"x": NORMAL[:40]}, schema)

    assert "Not enough data for a verdict" in text(page)
    assert "40 rows, 100 are needed" in text(page)
    assert len(list(parsed(page).iter("article"))) == 1


def test_a_pair_that_goes_together_otherwise_is_named():
    joint = {"drifted": True, "pair": ("temp", "hum"), "summary": "correlation 0.9 → 0.1", "effect": 0.8}
    joint |= {"p_value": 1e-9, "threshold": 1e-3, "floor": 0.1}
    page = page_of({"x": NORMAL}, {"x": NORMAL}, [ColumnSchema("x", "number")], report={"joint": joint})

    assert "temp and hum no longer go together" in text(page)
    assert "correlation 0.9 → 0.1" in text(page)


def test_fifty_columns_with_long_names_stay_below_300_kilobytes():
    rng = np.random.default_rng(3)
    schema = [ColumnSchema(f"{number}{'<x' * 500}", "number") for number in range(50)]
    before, after = ({column.name: rng.standard_cauchy(200) + move for column in schema} for move in (0, 9))
    page = page_of(before, after, schema)

    assert len(page.encode()) < 300_000
    assert len(list(parsed(page).iter("article"))) == 12
    assert len(parsed(page).findall(".//tbody/tr")) == 50


def test_times_and_columns_that_one_side_lacks_are_not_drawn():
    schema = [ColumnSchema("x", "number"), ColumnSchema("y", "number"), ColumnSchema("at", "datetime")]
    times = np.array(["2026-01-01"] * 900, dtype="datetime64[s]")
    old = profile_frame({"x": NORMAL, "y": NORMAL, "at": times}, schema)
    new = profile_frame({"x": NORMAL, "at": times}, [schema[0], schema[2]], like=old)

    assert [before.name for before, _ in chosen_columns(report_of(old, new), old, new)] == ["x"]
