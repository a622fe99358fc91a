from datetime import UTC, datetime, timedelta

import numpy as np
import pandas as pd
import pyarrow as pa
import pytest

from headrace.aws.quality_data import RowFile
from headrace.aws.training_log import Champion
from headrace.config.pipeline import Pipeline
from headrace.ml.quality.label_reference import refer_to_labels
from headrace.ml.quality.labelled import Labelled
from headrace.ml.quality.loss_forest import LossColumn, LossForest
from headrace.ml.quality.number_reference import refer_to_numbers
from headrace.ml.quality.performance import describe_performance
from headrace.ml.quality.segments import Segmentation, SegmentedColumn
from lambdas.check_quality import checking
from lambdas.check_quality.checking import HISTORY, LATEST, Memory, Ports, check_quality

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
            "_joined_at": NOW.replace(tzinfo=None) - timedelta(hours=1),
            "_prediction": np.where(score > 0.5, "yes", "no"),
            "_score": score,
            "_label": np.where(positive, "yes", "no"),
            "region": region,
        }
    )
    return pa.Table.from_pandas(frame, preserve_index=False)


class Rides:
    """A regression whose error is as large as it is hot: rows of heat 1 to 4 at training."""

    pipeline = Pipeline(name="bike", problem="regression", target="cnt")

    def traffic(self, n, *, heat=None, seed=0):
        rng = np.random.default_rng(seed)
        hot = rng.integers(1, 5, n).astype(float) if heat is None else np.full(n, heat)
        score = rng.normal(100, 20, n)
        return pa.Table.from_pandas(
            pd.DataFrame(
                {
                    "_time": pd.date_range(
                        NOW.replace(tzinfo=None) - timedelta(hours=2), periods=n, freq="ms"
                    ),
                    "_joined_at": NOW.replace(tzinfo=None) - timedelta(hours=1),
                    "_prediction": score.astype(str),
                    "_score": score,
                    "_label": (score + rng.normal(0, 1, n) * hot).astype(str),
                    "heat": hot,
                }
            ),
            preserve_index=False,
        )

    def ports(self):
        # The tree that a training grows of this: the error follows the heat.
        forest = LossForest(
            columns=(LossColumn("heat", "number"),),
            roots=np.array([0]),
            feature=np.array([0, -1, -1]),
            threshold=np.array([4.5, 0.0, 0.0]),
            left=np.array([1, 0, 0]),
            right=np.array([2, 0, 0]),
            missing_left=np.array([1, 0, 0]),
            value=np.array([0.0, 2.0, 6.5]),
        )
        table = self.traffic(3000, seed=1)
        truth = np.array(table["_label"].to_pylist(), dtype=float)
        score = table["_score"].to_numpy()
        rows = Labelled("regression", truth, score, score)
        reference = refer_to_numbers(rows.loss, np.full(3000, 2.0), forest)
        performance = describe_performance("rmse", rows, reference=reference).as_dict()
        documents = Documents({"baselines/v3/performance.json": performance})
        return Ports(Champions(), Rows(), documents, Metrics())


class Champions:
    deployed = True
    variant = "v3"

    def champion(self):
        return Champion(3, "arn", "s3://m", self.variant, "", "", "hash") if self.deployed else None


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

    def rows(self, file, columns):
        self.read.append(file.key)
        table = self.predictions.get(file, self.labelled.get(file))
        return table.select([name for name in columns if name in table.column_names])


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
    reference = refer_to_labels("binary", rows.score, rows.positive)
    region = SegmentedColumn(Segmentation("category"), table["region"].tolist())
    return describe_performance("roc_auc", rows, segments={"region": region}, reference=reference).as_dict()


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


def test_few_labels_are_not_enough_and_leave_the_alarm_as_it_is(ports):
    ports.rows.label("a", traffic(99, turned=["south"]))

    check(ports)

    assert "QualityDrop" not in ports.metrics
    assert ports.documents[LATEST]["measured"]["verdict"] == "not enough labels"


def test_without_traffic_and_labels_nothing_is_said(ports):
    assert check(ports)["summary"] == ["not enough data"]
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
    assert ports.documents["quality/state/v3.json"]["windows"] == []


def test_labels_that_came_before_the_window_are_left_out(ports):
    old = traffic(2000).to_pandas()
    old["_joined_at"] -= timedelta(days=30)
    ports.rows.label("a", pa.Table.from_pandas(old, preserve_index=False))

    check(ports)

    assert "QualityDrop" not in ports.metrics


def test_labels_that_were_given_long_ago_and_have_come_now_are_measured(ports):
    given = pa.array([NOW.replace(tzinfo=None) - timedelta(days=30)] * 2000, pa.timestamp("us"))
    ports.rows.label("a", traffic(2000).append_column("_labelled_at", given))

    check(ports)

    assert ports.documents[LATEST]["measured"]["rows"] == 2000


def test_mistakes_beyond_what_the_scores_let_expect_are_concept_drift(ports):
    ports.rows.label("a", traffic(1000))
    assert check(ports)["concept_drifted"] is False
    assert ports.metrics["ConceptDrift"] == 0

    ports.rows.label("b", traffic(1000, turned=["south"], seed=3), hours_ago=0)
    summary = check(ports, NOW + timedelta(hours=1))

    assert summary["concept_drifted"] is True
    assert ports.metrics["ConceptDrift"] == 1
    assert any(line.startswith("concept: ") for line in summary["summary"])


def test_traffic_that_is_merely_harder_is_no_concept_drift(ports):
    ports.rows.label("a", traffic(4000, spread=0.8))

    assert check(ports)["concept_drifted"] is False
    assert ports.metrics["QualityDrop"] > 1


def test_each_label_counts_once_although_its_file_is_written_again_with_more(ports):
    table = traffic(1000)
    ports.rows.label("a", table.slice(0, 400))
    check(ports)
    ports.rows.labelled.clear()
    ports.rows.label("a", table, hours_ago=0)

    check(ports, NOW + timedelta(hours=1))
    check(ports, NOW + timedelta(hours=2))

    assert ports.documents[LATEST]["concept"]["rows_seen"] == 1000


def test_of_very_many_labels_the_latest_files_are_measured(ports, monkeypatch):
    monkeypatch.setattr(checking, "MOST_ROWS", 1000)
    for hours in (8, 6, 4):
        ports.rows.label(f"{hours} hours ago", traffic(600, seed=hours), hours_ago=hours)
    ports.documents["quality/state/v3.json"] = Memory.from_dict(None).as_dict() | {
        "checked_at": NOW.isoformat()
    }

    check(ports)

    assert ports.rows.read == ["4 hours ago", "6 hours ago"]
    assert ports.documents[LATEST]["measured"]["rows"] == 1200


def test_a_new_model_is_judged_by_its_own_reference_and_labels(ports, performance):
    ports.rows.label("a", traffic(1000, turned=["south"]))
    check(ports)
    ports.champions.variant = "v4"
    ports.documents["baselines/v4/performance.json"] = performance
    ports.rows.labelled.clear()
    ports.rows.label("b", traffic(500))

    check(ports)

    assert ports.documents[LATEST]["variant"] == "v4"
    assert ports.documents[LATEST]["concept"]["rows_seen"] == 500
    assert ports.metrics["ConceptDrift"] == 0


def test_errors_of_a_regression_are_estimated_and_measured():
    rides = Rides()
    ports = rides.ports()
    ports.rows.predict("a", rides.traffic(2000))
    ports.rows.predict("b", rides.traffic(2000, heat=8.0))
    ports.rows.label("b", rides.traffic(2000, heat=8.0))

    summary = check_quality(rides.pipeline, ports, NOW)

    found = ports.documents[LATEST]
    assert found["estimated"]["metrics"]["rmse"]["value"] == pytest.approx(6.3, rel=0.15)
    assert found["measured"]["metrics"]["rmse"]["value"] == pytest.approx(8.0, rel=0.1)
    assert summary["dropped"] is True
    assert summary["concept_drifted"] is False


def test_a_label_of_a_regression_that_is_no_number_is_left_out():
    rides = Rides()
    ports = rides.ports()
    table = rides.traffic(200)
    labels = ["unknown", "nan", "inf", *table["_label"].to_pylist()[3:]]
    ports.rows.label("a", table.set_column(table.column_names.index("_label"), "_label", pa.array(labels)))

    check_quality(rides.pipeline, ports, NOW)

    assert ports.documents[LATEST]["measured"]["rows"] == 197


def test_the_interval_is_wider_the_more_the_features_have_moved(ports, performance):
    labels = {**performance["reference"], "transfer": {"roc_auc": 0.05}}
    ports.documents["baselines/v3/performance.json"] = {**performance, "reference": labels}
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


def test_the_last_checks_are_kept_in_a_few_figures(ports):
    ports.rows.predict("a", traffic(2000))
    check(ports)

    (known,) = ports.documents[HISTORY]["checks"]
    report = ports.documents[LATEST]
    assert known["report_key"] == report["report_key"]
    assert known["estimated"]["comparison"] == report["estimated"]["comparison"]
    assert list(known["estimated"]["metrics"]) == [report["estimated"]["comparison"]["metric"]]
    assert "segments" not in known["measured"]
