import numpy as np
import pytest

from headrace.ml.quality.judge import Tolerance, judge_estimated, judge_labelled
from headrace.ml.quality.label_reference import refer_to_labels
from headrace.ml.quality.labelled import Labelled
from headrace.ml.quality.performance import Performance, describe_performance
from headrace.ml.quality.segments import Segmentation, SegmentedColumn
from headrace.ml.quality.verdict import compare_quality, tolerated_drop


def rows(n, rng, spread=2.0):
    score = 1 / (1 + np.exp(-rng.normal(0, spread, n)))
    truth = np.where(rng.random(n) < score, "yes", "no")
    return Labelled("binary", truth, np.where(score > 0.5, "yes", "no"), score, ("no", "yes"))


@pytest.fixture(scope="module")
def performance():
    known = rows(5000, np.random.default_rng(0))
    side = SegmentedColumn(
        Segmentation("category"), np.where(known.score > 0.5, "right", "left").astype(object)
    )
    reference = refer_to_labels("binary", known.score, known.positive)
    return describe_performance("roc_auc", known, segments={"side": side}, reference=reference)


def summaries(performance, rng, *windows):
    return [performance.reference.summary({"_score": rows(n, rng, spread).score}) for n, spread in windows]


def test_a_sudden_loss_is_not_thinned_by_the_days_before(performance):
    windows = summaries(performance, np.random.default_rng(1), (3000, 0.8), *[(3000, 2.0)] * 20)

    found = judge_estimated(performance, windows, 0.0, Tolerance())

    assert (found.verdict, found.rows) == ("drop", 3000)


def test_a_little_traffic_is_added_up_until_there_is_an_answer(performance):
    windows = summaries(performance, np.random.default_rng(2), *[(60, 2.0)] * 16)

    found = judge_estimated(performance, windows, 0.0, Tolerance())

    assert found.verdict == "no drop"
    assert found.rows == 960


def test_too_little_traffic_has_no_verdict(performance):
    windows = summaries(performance, np.random.default_rng(3), (60, 0.5))

    found = judge_estimated(performance, windows, 0.0, Tolerance())

    assert (found.verdict, found.comparison, found.ratio) == ("not enough data", None, None)


def test_segments_without_any_row_are_not_enough_labels(performance):
    known = rows(500, np.random.default_rng(4))
    left = SegmentedColumn(Segmentation("category"), np.full(500, "left", dtype=object))

    found = judge_labelled(performance, known, {"side": left}, Tolerance())

    assert found.segments["side"]["right"].verdict == "not enough labels"
    assert found.segments["side"]["left"].rows == 500


def test_chance_alarms_in_few_of_many_windows(performance):
    rng = np.random.default_rng(5)
    side = SegmentedColumn(Segmentation("category"), np.tile(["left", "right"], 150).astype(object))
    strict = Tolerance(drop=1e-6)

    drops = sum(
        judge_labelled(performance, rows(300, rng), {"side": side}, strict).segments == {} for _ in range(3)
    )
    whole = [judge_labelled(performance, rows(300, rng), {}, strict).verdict for _ in range(100)]

    assert drops == 0
    assert whole.count("drop") <= 1


@pytest.mark.parametrize(
    ("value", "sd", "dropped"),
    [(0.84, 0.01, True), (0.84, 0.03, False), (0.88, 0.0001, False), (0.95, 0.001, False)],
)
def test_a_drop_is_large_and_significant(value, sd, dropped):
    found = compare_quality("roc_auc", 0.9, value, sd=sd, tolerated=0.04)

    assert found.dropped is dropped
    assert (found.ratio >= 1) is dropped


def test_an_error_that_rises_is_a_drop():
    assert compare_quality("rmse", 40.0, 60.0, sd=2.0, tolerated=10.0).dropped
    assert not compare_quality("rmse", 40.0, 20.0, sd=2.0, tolerated=10.0).dropped


def test_the_more_segments_the_more_significant():
    alone, among = (
        compare_quality("accuracy", 0.9, 0.8, sd=0.03, tolerated=0.05, tests=tests) for tests in (1, 40)
    )

    assert alone.dropped
    assert not among.dropped


def test_a_model_that_is_no_better_than_a_constant_tolerates_a_tenth_of_its_level():
    assert tolerated_drop("roc_auc", 0.5, 0.5, None) == pytest.approx(0.05)
    assert tolerated_drop("rmse", 10.0, 8.0, None) == pytest.approx(1.0)


def test_the_reference_is_written_and_read_again(performance):
    assert Performance.from_dict(performance.as_dict()).as_dict() == performance.as_dict()
    with pytest.raises(ValueError, match="format 9"):
        Performance.from_dict({"format": 9})


@pytest.mark.parametrize("label", ["no", "yes"])
def test_labels_that_are_all_the_same_are_not_judged_by_another_metric(performance, label):
    known = rows(500, np.random.default_rng(6))
    same = Labelled("binary", np.full(500, label), known.predicted, known.score, known.classes)

    found = judge_labelled(performance, same, {}, Tolerance())

    assert (found.verdict, found.comparison, found.ratio) == ("not enough labels", None, None)
    assert "accuracy" in found.metrics


def test_numbers_that_are_all_the_same_are_not_judged_by_another_metric():
    rng = np.random.default_rng(7)
    truth = rng.normal(0, 10, 500)
    reference = describe_performance("r2", Labelled("regression", truth, truth + 1, truth + 1))
    same = Labelled("regression", np.full(500, 5.0), truth, truth)

    assert judge_labelled(reference, same, {}, Tolerance()).verdict == "not enough labels"


def test_of_several_labels_one_alone_is_measured_as_any_others():
    rng = np.random.default_rng(8)
    truth = rng.choice(["a", "b", "c"], 500)
    score = np.full(500, 0.9)
    classes = ("a", "b", "c")
    reference = describe_performance("f1_macro", Labelled("multiclass", truth, truth, score, classes))
    same = np.full(500, "a")

    right = judge_labelled(reference, Labelled("multiclass", same, same, score, classes), {}, Tolerance())
    wrong = judge_labelled(reference, Labelled("multiclass", same, truth, score, classes), {}, Tolerance())

    assert (right.verdict, wrong.verdict) == ("no drop", "drop")
