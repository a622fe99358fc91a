from datetime import timedelta

import pyarrow as pa
import pytest

from headrace.ml.feedback_join import Matching, expired
from tests.feedback import at, labels, predictions

MONTH = timedelta(days=30)


def matches(matching, *tables):
    """Offer files, and return (label, file, row) of everything that was found."""
    for number, table in enumerate(tables):
        matching.offer(number, 0, table)
    return sorted(
        (label, number, row)
        for number in range(len(tables))
        for label, row in zip(*(part.tolist() for part in vars(matching.found(number)).values()), strict=True)
    )


# --- by inference id


def test_a_label_finds_its_prediction_in_whichever_file_it_is():
    matching = Matching(labels({"inference_id": "b"}, {"inference_id": "c"}), "inference_id", MONTH)

    found = matches(
        matching,
        predictions(("10 08:00", "a", None), ("10 09:00", "b", None)),
        predictions(("11 08:00", "c", None)),
    )

    assert found == [(0, 0, 1), (1, 1, 0)]
    assert matching.complete


def test_a_label_without_a_prediction_stays():
    matching = Matching(labels({"inference_id": "a"}, {"inference_id": "x"}), "inference_id", MONTH)

    matches(matching, predictions(("10 08:00", "a", None), ("10 09:00", None, None)))

    assert not matching.complete
    assert matching.unmatched.column("inference_id").to_pylist() == ["x"]


def test_rows_of_one_request_have_labels_of_their_own():
    table = predictions(*[("10 08:00", "a", None)] * 3).set_column(2, "_row", pa.array([0, 1, 2], pa.int32()))
    matching = Matching(
        labels({"inference_id": "a", "row": 2}, {"inference_id": "a", "row": 0}), "inference_id", MONTH
    )

    assert matches(matching, table) == [(0, 0, 2), (1, 0, 0)]


@pytest.mark.parametrize("order", [(0, 1, 2), (2, 0, 1), (1, 2, 0)])
def test_the_last_label_counts_however_they_arrive(order):
    given = [
        {"inference_id": "a", "label": "first", "labelled_at": at("11 08:00")},
        {"inference_id": "a", "label": "second", "labelled_at": at("12 08:00")},
        {"inference_id": "a", "label": "last", "labelled_at": at("13 08:00")},
    ]

    matching = Matching(labels(*(given[place] for place in order)), "inference_id", MONTH)

    assert matching.labels.column("label").to_pylist() == ["last"]
    assert matching.superseded == 2


def test_of_labels_of_one_moment_the_one_further_down_counts():
    matching = Matching(
        labels({"inference_id": "a", "label": "0"}, {"inference_id": "a", "label": "1"}),
        "inference_id",
        MONTH,
    )

    assert matching.labels.column("label").to_pylist() == ["1"]


def test_of_two_predictions_with_one_inference_id_the_later_counts():
    matching = Matching(labels({"inference_id": "a"}), "inference_id", MONTH)

    found = matches(matching, predictions(("11 08:00", "a", None)), predictions(("10 08:00", "a", None)))

    assert found == [(0, 0, 0)]


def test_a_prediction_that_is_too_old_has_no_label():
    matching = Matching(labels({"inference_id": "a"}), "inference_id", timedelta(days=9))

    assert matches(matching, predictions(("10 23:59", "a", None))) == []
    assert matches(matching, predictions(("11 00:00", "a", None))) == [(0, 0, 0)]


def test_a_piece_of_a_file_says_where_it_begins():
    matching = Matching(labels({"inference_id": "b"}), "inference_id", MONTH)

    matching.offer(0, 1000, predictions(("10 08:00", "a", None), ("10 08:00", "b", None)))

    assert matching.found(0).rows.tolist() == [1001]


# --- by entity and time


def test_the_latest_prediction_at_or_before_the_labels_moment_counts():
    table = predictions(("10 08:00", None, "ann"), ("11 08:00", None, "ann"), ("12 08:00", None, "ann"))
    matching = Matching(
        labels(
            {"entity": "ann", "at": at("11 07:59")},
            {"entity": "ann", "at": at("11 08:00")},
            {"entity": "ann", "at": at("19 00:00")},
        ),
        "entity",
        MONTH,
    )

    assert matches(matching, table) == [(0, 0, 0), (1, 0, 1), (2, 0, 2)]


def test_several_files_are_as_one_in_whatever_order_they_come():
    early, late = predictions(("10 08:00", None, "ann")), predictions(("11 08:00", None, "ann"))
    given = labels({"entity": "ann", "at": at("12 00:00")})

    assert matches(Matching(given, "entity", MONTH), early, late) == [(0, 1, 0)]
    assert matches(Matching(given, "entity", MONTH), late, early) == [(0, 0, 0)]


def test_a_label_before_all_predictions_waits():
    matching = Matching(labels({"entity": "ann", "at": at("09 00:00")}), "entity", MONTH)

    assert matches(matching, predictions(("10 08:00", None, "ann"))) == []
    assert matching.unmatched.num_rows == 1


def test_an_entity_has_none_of_anothers_predictions():
    matching = Matching(labels({"entity": "bob", "at": at("12 00:00")}), "entity", MONTH)

    assert matches(matching, predictions(("10 08:00", None, "ann"), ("10 09:00", None, None))) == []


def test_an_entitys_prediction_may_be_too_old_for_its_label():
    matching = Matching(labels({"entity": "ann", "at": at("18 08:00")}), "entity", timedelta(days=7))

    assert matches(matching, predictions(("11 07:59", None, "ann"))) == []
    assert matches(matching, predictions(("11 08:00", None, "ann"))) == [(0, 0, 0)]


def test_entities_that_are_numbers_are_found_by_their_text():
    table = predictions(("10 08:00", None, "7"))
    table = table.set_column(4, "_entity", pa.array([7]))
    matching = Matching(labels({"entity": "7", "at": at("12 00:00")}), "entity", MONTH)

    assert matches(matching, table) == [(0, 0, 0)]


def test_no_labels_find_nothing():
    matching = Matching(labels(), "entity", MONTH)

    assert matches(matching, predictions(("10 08:00", None, "ann"))) == []
    assert matching.complete


def test_labels_wait_as_long_as_they_may_and_not_longer():
    given = labels(
        {"entity": "a", "received_at": at("01 00:00")}, {"entity": "b", "received_at": at("02 00:00")}
    )

    assert expired(given, now=at("31 12:00"), within=timedelta(days=30)).tolist() == [True, False]
