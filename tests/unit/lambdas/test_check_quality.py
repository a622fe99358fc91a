from datetime import UTC, datetime, timedelta

import numpy as np
import pandas as pd
import pyarrow as pa
import pytest

from headrace.aws.quality_data import RowFile
from headrace.aws.training_log import Champion
from headrace.config.pipeline import Pipeline
from headrace.ml.quality.labelled import Labelled
from headrace.ml.quality.performance import describe_performance
from headrace.ml.quality.segments import Segmentation, SegmentedColumn
from lambdas.check_quality.handler import LATEST, Ports, check_quality

NOW = datetime(2026, 1, 31, 11, 0, 4, tzinfo=UTC)
PIPELINE = Pipeline(
    name="loans", problem="binary", target="paid", monitoring={"quality": {"segments": ["region"]}}
)
CLASSES = ("no", "yes")


def traffic(n, *, spread=2.0, turned=(), seed=0):
    """Return answers of a calibrated model and their truths; in the regions `turned` the truth is the opposite."""
    rng = np.random.default_rng(seed)
    score = 1 / (1 + np.exp(-rng.normal(0, spread, n)))
    region = rng.choice(["north", "south"], n)
    positive = (rng.random(n) < score) ^ np.isin(region, turned)
    frame = pd.DataFrame(
        {
            "_time": pd.date_range(NOW.replace(tzinfo=None) - timedelta(hours=2), periods=n, freq="ms"),
            "_labelled_at": NOW.replace(tzinfo=None) - timedelta(hours=1),
            "_prediction": np.where(score > 0.5, "yes", "no"),
            "_score": score,
            "_label": np.where(positive, "yes", "no"),
            "region": region,
        }
    )
    return pa.Table.from_pandas(frame, preserve_index=False)


class Champions:
    deployed = True

    def champion(self):
        return Champion(3, "arn", "s3://m", "v3", "", "", "hash") if self.deployed else None


class Rows:
    """Files of predictions and of labelled predictions in memory."""

    def __init__(self):
        self.predictions, self.labelled, self.read = {}, {}, []

    def predict(self, name, table, *, hours_ago=1):
        self.predictions[RowFile(name, NOW - timedelta(hours=hours_ago))] = table

    def label(self, name, table, *, hours_ago=1):
        self.labelled[RowFile(name, NOW - timedelta(hours=hours_ago))] = table

    def prediction_files(self, variant, first_day):
        return list(self.predictions)

    def labelled_files(self, variant, first_day):
        return list(self.labelled)

    def scores(self, file):
        self.read.append(file.key)
        return self.predictions[file]["_score"].to_numpy()

    def rows(self, file, columns):
        return self.labelled[file].select(columns)


class Documents(dict):
    def load(self, key):
        return self.get(key)

    def store(self, key, document):
        self[key] = document


class Metrics(dict):
    def put(self, metrics, *, unit=None):
        self.update(metrics)


@pytest.fixture(scope="module")
def performance():
    table = traffic(4000, seed=1).to_pandas()
    rows = Labelled(
        "binary",
        table["_label"].to_numpy(str),
        table["_prediction"].to_numpy(str),
        table["_score"].to_numpy(),
        CLASSES,
    )
    region = SegmentedColumn(Segmentation("category"), table["region"].tolist())
    return describe_performance("roc_auc", rows, segments={"region": region}).as_dict()


@pytest.fixture
def ports(performance):
    return Ports(Champions(), Rows(), Documents({"baselines/v3/performance.json": performance}), Metrics())


def check(ports, now=NOW):
    return check_quality(PIPELINE, ports, now)


def test_before_labels_come_quality_is_estimated_from_the_scores(ports):
    ports.rows.predict("a", traffic(2000))

    summary = check(ports)

    assert summary["dropped"] is False
    assert ports.metrics["EstimatedQuality"] == pytest.approx(0.87, abs=0.02)
    assert ports.metrics["EstimatedQualityDrop"] < 1
    assert "QualityDrop" not in ports.metrics
    assert ports.documents[LATEST]["measured"]["verdict"] == "not enough labels"


def test_traffic_that_is_harder_to_judge_lowers_the_estimate(ports):
    ports.rows.predict("a", traffic(4000, spread=0.8))

    summary = check(ports)

    assert summary["dropped"] is True
    assert ports.metrics["EstimatedQualityDrop"] > 1
    assert summary["summary"][0].startswith("roc_auc estimated: 0.8")


def test_the_estimate_cannot_see_that_the_world_answers_otherwise_and_labels_do(ports):
    changed = traffic(4000, turned=["north", "south"])
    ports.rows.predict("a", changed)
    ports.rows.label("a", changed)

    check(ports)

    assert ports.metrics["EstimatedQualityDrop"] < 1
    assert ports.metrics["QualityDrop"] > 1
    assert ports.metrics["Quality"] == pytest.approx(0.13, abs=0.02)


def test_labels_like_those_of_the_test_part_are_no_drop(ports):
    ports.rows.label("a", traffic(2000))

    assert check(ports)["dropped"] is False
    assert ports.metrics["QualityDrop"] < 1
    assert ports.documents[LATEST]["measured"]["segments"]["region"]["north"]["verdict"] == "no drop"


def test_a_segment_that_drops_is_named(ports):
    ports.rows.label("a", traffic(2000, turned=["south"]))

    summary = check(ports)

    segments = ports.documents[LATEST]["measured"]["segments"]["region"]
    assert (segments["north"]["verdict"], segments["south"]["verdict"]) == ("no drop", "drop")
    assert any("where region is south" in line for line in summary["summary"])
    assert not any("where region is north" in line for line in summary["summary"])


def test_few_labels_are_not_enough_and_emit_nothing(ports):
    ports.rows.label("a", traffic(99, turned=["south"]))

    check(ports)

    assert ports.metrics == {}
    assert LATEST not in ports.documents


def test_a_segment_of_few_rows_says_so(ports):
    ports.rows.label("a", traffic(150))

    check(ports)

    found = ports.documents[LATEST]["measured"]
    assert found["verdict"] == "no drop"
    assert found["segments"]["region"]["south"]["verdict"] == "not enough labels"


def test_scores_are_read_once_and_counted_until_the_window_ends(ports):
    ports.rows.predict("a", traffic(2000))
    check(ports)
    ports.rows.predict("b", traffic(2000, seed=5), hours_ago=0)

    check(ports, NOW + timedelta(hours=1))

    assert ports.rows.read == ["a", "b"]
    assert ports.documents[LATEST]["estimated"]["rows"] in (2000, 4000)
    check(ports, NOW + timedelta(days=30))
    assert ports.documents["quality/state/v3.json"]["scores"] == []


def test_labels_that_came_before_the_window_are_left_out(ports):
    old = traffic(2000).to_pandas()
    old["_labelled_at"] -= timedelta(days=30)
    ports.rows.label("a", pa.Table.from_pandas(old, preserve_index=False))

    check(ports)

    assert ports.metrics == {}


def test_the_interval_is_wider_the_more_the_features_have_moved(ports, performance):
    labels = {**performance["labels"], "transfer": {"roc_auc": 0.05}}
    ports.documents["baselines/v3/performance.json"] = {**performance, "labels": labels}
    ports.rows.predict("a", traffic(2000))
    widths = []
    for effect in (0.0, 0.8):
        ports.documents["drift/latest.json"] = {"variant": "v3", "features": [{"effect": effect}]}
        ports.documents.pop("quality/state/v3.json", None)
        check(ports)
        found = ports.documents[LATEST]["estimated"]["metrics"]["roc_auc"]
        widths.append(found["high"] - found["low"])

    assert widths[1] > 2 * widths[0]


def test_without_a_model_or_a_reference_nothing_is_emitted(ports):
    ports.documents.clear()
    assert "no reference performance" in check(ports)["summary"][0]

    ports.champions.deployed = False
    assert check(ports)["summary"] == ["no model is in service yet"]
    assert ports.metrics == {}


def test_a_check_that_fails_while_it_reports_is_done_again(ports):
    ports.rows.predict("a", traffic(2000))
    put, ports.metrics.put = ports.metrics.put, None
    with pytest.raises(TypeError):
        check(ports)
    ports.metrics.put = put

    check(ports)

    assert "EstimatedQuality" in ports.metrics
