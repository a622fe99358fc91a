from datetime import timedelta
from types import SimpleNamespace

import pytest

from headrace.aws.training_log import Champion
from headrace.config.pipeline import Pipeline
from lambdas.check_drift.handler import HISTORY, LATEST, Ports, check_drift
from lambdas.check_drift.pictures import QUALITY_HISTORY, next_step
from lambdas.explain_alarm.text import drifted, explain
from lambdas.record_predictions.handler import record_predictions
from tests.unit.lambdas.captures import record
from tests.unit.lambdas.traffic import (
    NOW,
    Bucket,
    Documents,
    Profiles,
    ProgressLog,
    baseline,
    predictions,
    recording_ports,
    requests,
    rows,
)

PIPELINE = Pipeline(name="bike", problem="regression", target="cnt")


class Champions:
    variant = "v3"
    deployed = True

    def champion(self):
        return Champion(3, "arn", "s3://m", self.variant, "", "", "hash") if self.deployed else None


class Metrics(list):
    def put(self, metrics, *, unit=None, dimensions=None):
        self.extend((name, value, dimensions) for name, value in metrics.items())

    def value(self, name, feature=None):
        """Return the last value, or None if there is none."""
        wanted = {"Feature": feature} if feature else None
        return next((v for n, v, dimensions in reversed(self) if n == name and dimensions == wanted), None)


class Files:
    accepted = None

    def last_accepted(self):
        return self.accepted


@pytest.fixture
def ports():
    """The ports of the check, with the captured traffic beside them."""
    bucket = Bucket()
    reports = Documents({f"baselines/{variant}/baseline.json": baseline() for variant in ("v3", "v4")})
    recording = recording_ports(bucket, reports)
    return SimpleNamespace(
        champions=Champions(),
        profiles=Profiles(bucket),
        checks=ProgressLog(),
        predictions=recording.last_prediction,
        files=Files(),
        reports=reports,
        metrics=Metrics(),
        data_metrics=None,
        recording=recording,
        captured=recording.captured,
        bucket=bucket,
    )


def check(ports, now=NOW):
    """Record what was captured, and check it."""
    ports.bucket.now = now
    record_predictions(PIPELINE, ports.recording, now, lambda: True)
    given = {name: getattr(ports, name) for name in Ports.__dataclass_fields__}
    return check_drift(PIPELINE, Ports(**given), now)


def test_traffic_like_the_training_data_is_no_drift(ports):
    ports.captured.write(requests(rows(400)))

    summary = check(ports)

    assert summary["drifted"] is False
    assert summary["verdict"] == "no drift"
    assert ports.metrics.value("DriftedFeatures") == 0
    assert ports.metrics.value("WindowRows") == 400
    assert ports.reports[LATEST]["rows"] == 400


def test_a_shift_names_the_features_from_what_to_what(ports):
    ports.captured.write(requests(rows(400, mean=0.6)))

    summary = check(ports)

    assert summary["drifted"] is True
    assert set(summary["drifted_features"]) == {"temp", "prediction"}
    assert any(line.startswith("temp: mean 0.19") and " → 0." in line for line in summary["summary"])
    assert ports.metrics.value("DriftedFeatures") == 2
    assert ports.metrics.value("DriftScore") > 1
    assert ports.metrics.value("FeatureDrift", "temp") > 1
    assert ports.metrics.value("FeatureDrift", "season") is not None
    assert ports.metrics.value("PredictionMean") == pytest.approx(60, abs=3)


def test_what_the_answers_rest_on_comes_first_and_a_slight_column_is_told_as_such(ports):
    weighed = [{"feature": "season", "mean": 9.995}, {"feature": "temp", "mean": 0.005}]
    ports.captured.write(requests(rows(400, mean=0.6, spring=0.9)))
    plain = check(ports)
    ports.checks = ProgressLog()
    ports.reports["baselines/v3/baseline.json"]["importance"] = weighed

    summary = check(ports)

    assert summary["drifted_features"][0] == "season"
    assert set(summary["drifted_features"]) == set(plain["drifted_features"])
    assert "; 100 % of what the answers rest on)" in summary["summary"][0]
    assert any(
        line.startswith("temp") and "the answers hardly rest on it" in line for line in summary["summary"]
    )
    shares = {each["name"]: each.get("importance") for each in ports.reports[LATEST]["features"]}
    assert shares == {"season": 0.9995, "temp": 0.0005, "prediction": None}


def test_the_alarm_tells_of_a_slight_column_after_the_weighty_one_and_says_so(ports):
    weighed = [{"feature": "season", "mean": 9.995}, {"feature": "temp", "mean": 0.005}]
    ports.reports["baselines/v3/baseline.json"]["importance"] = weighed
    ports.captured.write(requests(rows(400, mean=0.6, spring=0.9)))
    check(ports)

    told = explain("bike", [drifted(ports.reports[LATEST], "nothing by itself.", [])], "https://console")

    season, temp = (
        next(line for line in told.text.splitlines() if line.startswith(f"* {name}: "))
        for name in ("season", "temp")
    )
    assert season.endswith("100 % of what the answers rest on)")
    assert temp.endswith("the answers hardly rest on it)")
    assert told.text.index(season) < told.text.index(temp)
    page, _ = ports.reports[ports.reports[LATEST]["page_key"]]
    assert "&lt; 0.1 %" in page.decode()


def test_the_report_is_kept_under_its_time_and_as_the_latest(ports):
    ports.captured.write(requests(rows(400, mean=0.6)))

    key = check(ports)["report_key"]

    assert key == "drift/v3/2026-01-31T11-00-04Z.json"
    assert ports.reports[key] == ports.reports[LATEST]
    report = ports.reports[key]
    assert report["window"] == {"from": "2026-01-31T10:59:58Z", "to": "2026-01-31T10:59:58Z"}
    assert report["requests"] == 40
    assert {feature["name"] for feature in report["features"]} == {"temp", "season", "prediction"}


def test_without_a_model_in_service_nothing_is_emitted(ports):
    ports.champions.deployed = False

    assert check(ports)["summary"] == ["no model is in service yet"]
    assert ports.metrics.value("WindowRows") is None


def test_without_a_baseline_nothing_is_emitted(ports):
    ports.champions.variant = "v5"

    assert check(ports)["summary"] == ["model v5 has no baseline to compare with"]
    assert ports.metrics.value("WindowRows") is None


def test_a_small_window_says_so_keeps_the_alarm_and_waits_for_more(ports):
    ports.captured.write(requests(rows(90, mean=0.6)))

    summary = check(ports)

    assert summary["verdict"] == "not enough data"
    assert ports.metrics.value("DriftedFeatures") is None
    assert ports.metrics.value("WindowRows") == 90
    assert LATEST not in ports.reports

    ports.captured.write(
        requests(rows(90, mean=0.6, seed=5), prefix="f"), hour="2026/01/31/11", name="b", minutes=60
    )
    assert check(ports, NOW + timedelta(hours=1))["rows"] == 180
    assert ports.metrics.value("DriftedFeatures") == 2


def test_no_traffic_at_all_is_not_enough_data(ports):
    assert check(ports)["verdict"] == "not enough data"
    assert ports.metrics.value("DriftedFeatures") is None
    assert ports.checks == {}


def test_a_window_is_checked_once(ports):
    ports.captured.write(requests(rows(400, mean=0.6)))
    check(ports)

    assert check(ports, NOW + timedelta(hours=1))["verdict"] == "not enough data"


def test_an_object_that_arrives_late_belongs_to_the_next_window(ports):
    ports.captured.write(requests(rows(400)))
    check(ports)

    ports.captured.write(requests(rows(150), prefix="late"), hour="2026/01/31/02", name="late", minutes=45)

    assert check(ports, NOW + timedelta(hours=1))["rows"] == 150


def test_a_new_model_is_judged_by_its_own_baseline_and_traffic(ports):
    ports.captured.write(requests(rows(400, mean=0.6)), variant="v3")
    check(ports)
    ports.champions.variant = "v4"
    ports.captured.write(requests(rows(90, mean=0.6), prefix="old"), variant="v3", name="b", minutes=20)
    ports.captured.write(requests(rows(300), prefix="new"), variant="v4", minutes=25)

    summary = check(ports, NOW + timedelta(hours=1))

    assert (summary["variant"], summary["rows"], summary["drifted"]) == ("v4", 300, False)
    assert ports.metrics.value("DriftedFeatures") == 0


def test_a_request_that_was_delivered_twice_counts_once(ports):
    ports.captured.write(requests(rows(200)))
    ports.captured.write(requests(rows(200)), name="again")

    assert check(ports)["rows"] == 200
    assert ports.reports[LATEST]["duplicates"] == 20


def test_unreadable_records_are_counted_and_do_not_hide_the_others(ports):
    ports.captured.write([*requests(rows(200)), "{", record("x", ["1,2,3,4"], ["5"])])

    assert check(ports)["rows"] == 200
    assert ports.metrics.value("UnreadableRequests") == 2


def test_a_window_of_unreadable_records_is_not_read_for_ever(ports):
    ports.captured.write(["{"] * 200)

    check(ports)

    assert ports.metrics.value("UnreadableRequests") == 200
    check(ports, NOW + timedelta(hours=1))
    assert ports.metrics.value("UnreadableRequests") == 0


def test_a_check_that_fails_while_it_reports_is_done_again(ports):
    ports.captured.write(requests(rows(400, mean=0.6)))
    store, ports.reports.store = ports.reports.store, None

    with pytest.raises(TypeError):
        check(ports)
    ports.reports.store = store

    assert check(ports, NOW + timedelta(minutes=5))["drifted"] is True


def test_cells_that_cannot_be_read_count_as_missing(ports):
    frame = rows(400)
    lines = [f"warm,{season}" for season in frame["season"]]
    ports.captured.write([record("e", lines, predictions(frame))])

    summary = check(ports)

    assert summary["drifted_features"] == ["temp"]
    assert "missing: 0.0% → 100.0%" in summary["summary"][0]


def test_the_report_lies_beside_model_monitors_document(ports):
    ports.captured.write(requests(rows(400, mean=0.6)))

    check(ports)

    document = ports.reports["drift/v3/2026-01-31T11-00-04Z/constraint_violations.json"]
    assert ("temp", "baseline_drift_check") in {
        (each["feature_name"], each["constraint_check_type"]) for each in document["violations"]
    }


def test_a_page_is_written_beside_the_report_before_the_metrics(ports):
    ports.captured.write(requests(rows(400, mean=0.6)))
    emitted = []
    ports.reports.put = lambda key, body, *, content_type: (
        emitted.append(len(ports.metrics)),
        Documents.put(ports.reports, key, body, content_type=content_type),
    )

    report = ports.reports[check(ports)["report_key"]]

    body, kind = ports.reports["drift/v3/2026-01-31T11-00-04Z.html"]
    assert report["page_key"] == ports.reports[LATEST]["page_key"] == "drift/v3/2026-01-31T11-00-04Z.html"
    assert kind == "text/html; charset=utf-8"
    assert b"Drift in 2 of 3 columns: " in body
    assert "the alarm asks for a retraining" in body.decode()
    assert emitted == [len([name for name, *_ in ports.metrics if name in ("PredictionAge", "DataAge")])]
    assert ports.metrics.value("PagesNotDrawn") is None


def test_a_page_that_cannot_be_written_stops_no_check(ports):
    def refuse(key, body, *, content_type):
        raise OSError("S3 is away")

    ports.reports.put = refuse
    ports.captured.write(requests(rows(400, mean=0.6)))

    summary = check(ports)

    assert summary["drifted"] is True
    assert ports.reports[LATEST]["page_key"] is None
    assert ports.metrics.value("PagesNotDrawn") == 1
    assert ports.metrics.value("DriftedFeatures") == 2


def test_a_window_without_a_verdict_has_neither_report_nor_page(ports):
    ports.captured.write(requests(rows(90)))

    check(ports)

    assert not [key for key in ports.reports if key.startswith("drift/")]


def test_the_page_shows_the_checks_before_it_and_how_good_the_model_was(ports):
    found = {"metric": "rmse", "value": 41.0, "dropped": False}
    measured = {"comparison": found, "metrics": {"rmse": {"value": 41.0, "low": 39.0, "high": 43.0}}}
    ports.reports[QUALITY_HISTORY] = {
        "checks": [
            {"checked_at": "2026-01-31T10:00:04Z", "variant": "v3", "metric": "rmse", "measured": measured}
        ]
    }
    ports.captured.write(requests(rows(400)))
    check(ports)
    ports.captured.write(requests(rows(400, mean=0.6), prefix="later"), name="later", minutes=50)

    check(ports, NOW + timedelta(hours=1))

    body = ports.reports["drift/v3/2026-01-31T12-00-04Z.html"][0].decode()
    assert [known["drifted"] for known in ports.reports[HISTORY]["checks"]] == [False, True]
    assert "Rows compared, 2 checks, last 400" in body
    assert "Quality (rmse)" in body


@pytest.mark.parametrize(
    ("on", "drifted", "told"),
    [
        (["drift"], True, "asks for a retraining"),
        (["schedule"], True, "drift starts no retraining"),
        (["drift"], False, "nothing; the next check"),
    ],
)
def test_the_page_says_what_happens_next(on, drifted, told):
    pipeline = Pipeline(name="bike", problem="regression", target="cnt", retraining={"on": on})

    assert told in next_step(pipeline, drifted=drifted)


class DataMetrics(dict):
    def put(self, metrics, at):
        self.update({metric.name: metric for metric in metrics})


def test_model_monitors_metrics_are_emitted_if_they_are_wanted(ports):
    ports.data_metrics = DataMetrics()
    ports.captured.write(requests(rows(400, mean=0.6)))

    check(ports)

    found = ports.data_metrics
    assert found["feature_baseline_drift_temp"].total > 0.8
    assert found["feature_baseline_drift_season"].total == 0
    assert found["feature_non_null_season"].total == 1
    assert found["feature_data_temp"].count == 400
    assert found["feature_data_temp"].total / 400 == pytest.approx(0.6, abs=0.02)
    assert "feature_data_season" not in found
