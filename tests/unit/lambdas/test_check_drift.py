from datetime import UTC, datetime, timedelta

import numpy as np
import pandas as pd
import pytest

from headrace.aws.capture_window import START, CapturedObject
from headrace.aws.training_log import Champion
from headrace.config.pipeline import Pipeline
from headrace.ml.contract import ColumnSchema
from headrace.ml.declared_steps import DeclaredStep
from headrace.ml.profile import profile_frame
from headrace.ml.request_cleaning import RequestCleaning
from lambdas.check_drift.handler import LATEST, Ports, check_drift
from lambdas.check_drift.window import Window
from tests.unit.lambdas.captures import record

NOW = datetime(2026, 1, 31, 11, 0, 4, tzinfo=UTC)
PIPELINE = Pipeline(name="bike", problem="regression", target="cnt")
SCHEMA = [ColumnSchema("temp", "number"), ColumnSchema("season", "category")]
SEASONS = ["winter", "spring"]


def rows(n, *, mean=0.2, spring=0.5, seed=0):
    rng = np.random.default_rng(seed)
    temp = rng.normal(mean, 0.1, n)
    season = np.where(rng.random(n) < spring, "spring", "winter")
    return pd.DataFrame({"temp": temp, "season": season})


def predictions(frame):
    return (100 * frame["temp"]).round(1).tolist()


def requests(frame, *, prefix="e", rows_each=10):
    """Cut rows into requests and return their capture records."""
    lines = [f"{temp:.4f},{season}" for temp, season in frame.itertuples(index=False)]
    answers = predictions(frame)
    return [
        record(f"{prefix}{start}", lines[start : start + rows_each], answers[start : start + rows_each])
        for start in range(0, len(lines), rows_each)
    ]


class Champions:
    variant = "v3"
    deployed = True

    def champion(self):
        return Champion(3, "arn", "s3://m", self.variant, "", "", "hash") if self.deployed else None


class Captured(dict):
    """Objects by (variant, hour, name); their times of modification beside them."""

    def __init__(self):
        super().__init__()
        self.modified = {}
        self.fail = False

    def write(self, lines, *, variant="v3", hour="2026/01/31/10", name="a", minutes=0):
        key = f"capture/headrace-bike/{variant}/{hour}/{name}.jsonl"
        self[key] = lines
        self.modified[key] = NOW - timedelta(minutes=30) + timedelta(minutes=minutes)

    def list_objects(self, variant, first_hour):
        prefix = f"capture/headrace-bike/{variant}/"
        return [
            CapturedObject(key, self.modified[key], 100)
            for key in sorted(self)
            if key.startswith(prefix) and key > f"{prefix}{first_hour}"
        ]

    def lines(self, key):
        return iter(self[key])


class Checkpoints(dict):
    def load(self, variant):
        return self.get(variant, START)

    def save(self, variant, checkpoint):
        self[variant] = checkpoint


class Reports(dict):
    def load(self, key):
        return self.get(key)

    def store(self, key, document):
        self[key] = document


class Metrics(list):
    def put(self, metrics, *, unit=None, dimensions=None):
        self.extend((name, value, dimensions) for name, value in metrics.items())

    def value(self, name, feature=None):
        """Return the last value, or None if there is none."""
        wanted = {"Feature": feature} if feature else None
        return next((v for n, v, dimensions in reversed(self) if n == name and dimensions == wanted), None)


@pytest.fixture
def ports():
    reference = rows(2000, seed=1)
    baseline = profile_frame(reference, SCHEMA, predictions=predictions(reference)).as_dict()
    reports = Reports({f"baselines/{variant}/baseline.json": baseline for variant in ("v3", "v4")})
    return Ports(Champions(), Captured(), Checkpoints(), reports, Metrics())


def check(ports, now=NOW):
    return check_drift(PIPELINE, ports, now)


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
    assert ports.metrics == []


def test_without_a_baseline_nothing_is_emitted(ports):
    ports.champions.variant = "v5"

    assert check(ports)["summary"] == ["model v5 has no baseline to compare with"]
    assert ports.metrics == []


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
    assert ports.checkpoints == {}


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


def test_captured_rows_are_cleaned_as_the_endpoint_cleaned_them():
    schema = (ColumnSchema("rent", "number"), ColumnSchema("since_month", "number"))
    steps = (
        DeclaredStep("parse_numbers", ("rent",), {"decimal": ","}),
        DeclaredStep("calendar", ("since",), {"parts": ["month"]}),
    )
    reference = profile_frame(pd.DataFrame({"rent": [900.5, 910.5], "since_month": [6.0, 7.0]}), schema)
    asked = record("e1", ['"910,5",2025-06-15', '"900,5",2025-07-15'], [1.0, 2.0])
    window = Window(RequestCleaning(schema, steps))

    window.add([asked])

    assert [(column.present, column.mean) for column in window.profile(reference).features] == [
        (2, 905.5),
        (2, 6.5),
    ]
