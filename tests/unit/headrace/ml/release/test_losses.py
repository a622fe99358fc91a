import numpy as np
import pytest

from headrace.ml.release.losses import Answered, loss_of, request_means, row_losses

CLASSES = ["no", "yes"]
ROWS = Answered(
    requests=np.array(["a", "a", "b"]),
    truth=np.array(["yes", "no", "yes"]),
    answers=np.array(["yes", "yes", "no"]),
    scores=np.array([0.8, 0.6, 0.0]),
)
NUMBERS = Answered(
    requests=np.array(["a", "b"]),
    truth=np.array([10.0, 20.0]),
    answers=np.array([12.0, 20.5]),
    scores=np.array([12.0, 20.5]),
)


@pytest.mark.parametrize(
    ("loss", "expected"),
    [("mistakes", [0, 1, 1]), ("brier", [0.04, 0.36, 1.0]), ("log_loss", [0.04845, 0.19897, 1.0])],
)
def test_labels_cost_what_they_should(loss, expected):
    assert row_losses(loss, ROWS, CLASSES) == pytest.approx(expected, abs=1e-5)


@pytest.mark.parametrize(("loss", "expected"), [("absolute_error", [2, 0.5]), ("squared_error", [4, 0.25])])
def test_numbers_cost_their_errors(loss, expected):
    assert row_losses(loss, NUMBERS) == pytest.approx(expected)


def test_a_request_is_counted_once_however_many_rows_it_has():
    assert request_means(ROWS.requests, np.array([0.0, 1.0, 1.0])).tolist() == [0.5, 1.0]


def test_rows_without_a_loss_count_for_nothing():
    assert request_means(np.array(["a", "b"]), np.array([np.nan, 0.5])).tolist() == [0.5]
    assert request_means(np.array(["a"]), np.array([np.nan])).size == 0


def test_of_several_labels_mistakes_are_counted_whatever_the_metric():
    assert {loss_of(metric, "multiclass") for metric in ("f1_macro", "accuracy", "log_loss")} == {"mistakes"}
