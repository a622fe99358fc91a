"""`headrace drift | quality`, with reports that are told what they hold."""

import json
from types import SimpleNamespace

import pytest

from headrace.aws import deployed_pipeline, monitoring_reports
from headrace.cli import main

FEATURE = {"name": "temp", "drifted": True, "effect": 0.57, "p_value": 1e-30, "threshold": 0.001}
DRIFT = {
    "pipeline": "bike",
    "variant": "v3",
    "checked_at": "2026-01-31T11:00:04Z",
    "verdict": "drift",
    "summary": ["temp: mean 1 → 2"],
    "drifted": True,
    "drifted_features": ["temp"],
    "score": 14.2,
    "rows": 1488,
    "report_key": "drift/v3/a.json",
    "page_key": "drift/v3/a.html",
    "features": [FEATURE | {"floor": 0.03, "summary": "mean 1 → 2"}],
    "joint": {"summary": "temp and hum: 0.9 → 0.1", "drifted": True},
}
RMSE = {"value": 55.0, "low": 51.0, "high": 59.0, "sd": 2.0}
PART = {
    "rows": 300,
    "verdict": "drop",
    "metrics": {"mae": RMSE | {"value": 33.0}, "rmse": RMSE},
    "comparison": {"metric": "rmse", "reference": 40.0, "value": 55.0, "dropped": True},
}
NOTHING = {"rows": 12, "verdict": "not enough data", "metrics": {}, "comparison": None}
QUALITY = {
    "pipeline": "bike",
    "variant": "v3",
    "checked_at": "2026-01-31T11:00:04Z",
    "summary": ["rmse measured: 40 → 55"],
    "reference": {"rows": 900, "metrics": {"rmse": RMSE | {"value": 40.0}, "mae": RMSE | {"value": 25.5}}},
    "measured": PART | {"segments": {"season": {"winter": PART, "fall": NOTHING}}},
    "estimated": NOTHING,
}


class Reports:
    """A bucket in which checks have written."""

    bucket = "artifacts"

    def __init__(self):
        self.documents = {"drift": dict(DRIFT), "quality": dict(QUALITY)}
        self.checks = [DRIFT, DRIFT | {"checked_at": "2026-01-31T10:00:04Z", "variant": "v2"}]

    def latest(self, check):
        return self.documents.get(check)

    def history(self, check):
        return self.checks

    def page(self, key):
        return f"<!doctype html>{key}".encode()


@pytest.fixture
def reports(monkeypatch):
    reports = Reports()
    pipeline = SimpleNamespace(
        session=SimpleNamespace(client=lambda name: None), outputs={"ArtifactsBucketName": "artifacts"}
    )
    monkeypatch.setattr(deployed_pipeline.DeployedPipeline, "find", lambda name: pipeline)
    monkeypatch.setattr(monitoring_reports, "MonitoringReports", lambda client, bucket: reports)
    return reports


@pytest.fixture
def run(capsys, monkeypatch):
    monkeypatch.setenv("COLUMNS", "200")

    def run(*arguments):
        code = main([*arguments])
        printed = capsys.readouterr()
        return code, printed.out, printed.err

    return run


def test_the_last_drift_is_told_column_by_column_with_a_way_to_its_page(run, reports):
    code, out, _ = run("drift", "bike")

    assert code == 0
    for told in (
        "drift: temp: mean 1 → 2",
        "57 %",
        "< 1e-16",
        "model v3, 2026-01-31 11:00 UTC",
        "columns together: temp and hum: 0.9 → 0.1, drifted",
        "aws s3 presign s3://artifacts/drift/v3/a.html --expires-in 3600",
    ):
        assert told in out


def test_the_last_checks_are_listed(run, reports):
    out = run("drift", "bike", "--history")[1]

    assert [line.split()[3] for line in out.splitlines() if "2026-01-31" in line] != []
    for told in ("2026-01-31 11:00", "2026-01-31 10:00", "v2", "14.2", "temp"):
        assert told in out
    assert json.loads(run("drift", "bike", "--history", "--json")[1]) == {"checks": reports.checks}


def test_the_page_is_saved(run, reports, tmp_path):
    file = tmp_path / "drift.html"

    assert run("drift", "bike", "--save", str(file))[0] == 0

    assert file.read_bytes() == b"<!doctype html>drift/v3/a.html"


def test_a_page_that_was_not_drawn_or_cannot_be_written_is_told(run, reports, tmp_path):
    missing = str(tmp_path / "no folder" / "drift.html")

    assert "cannot be written: No such file" in run("drift", "bike", "--save", missing)[2]
    reports.documents["drift"]["page_key"] = None
    assert "has no page: the log of check_drift says why" in run("drift", "bike", "--save", missing)[2]


def test_quality_is_told_with_intervals_and_by_segment(run, reports):
    code, out, _ = run("quality", "bike")

    assert code == 0
    lines = [[cell.strip() for cell in line.split("│")[1:-1]] for line in out.splitlines() if "│" in line]
    assert ["measured", "all", "300", "rmse", "55", "51 to 59", "40", "drop"] in lines
    assert ["measured", "all", "300", "mae", "33", "51 to 59", "25.5", ""] in lines
    assert ["measured", "season is winter", "300", "rmse", "55", "51 to 59", "40", "drop"] in lines
    assert ["estimated", "all", "12", "", "", "", "", "not enough data"] in lines


@pytest.mark.parametrize("check", ["drift", "quality"])
def test_reports_for_scripts_are_json_as_the_check_wrote_them(run, reports, check):
    assert json.loads(run(check, "bike", "--json")[1]) == reports.documents[check]


@pytest.mark.parametrize("check", ["drift", "quality"])
def test_before_the_first_report_the_error_says_how_to_get_one(run, reports, check):
    reports.documents.clear()
    code, out, err = run(check, "bike")

    assert (code, out) == (2, "")
    assert f"there is no {check} report of bike yet" in err
    assert "headrace check bike" in err


def test_before_the_first_check_the_history_is_empty(run, reports):
    reports.checks = []

    assert "no drift check of bike has had enough rows yet" in run("drift", "bike", "--history")[1]
    assert json.loads(run("drift", "bike", "--history", "--json")[1]) == {"checks": []}
