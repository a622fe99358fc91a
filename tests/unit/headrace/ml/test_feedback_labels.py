from datetime import UTC, datetime

import pytest

from headrace.ml.feedback_labels import LABELS, LabelRules, read_labels, refused_text
from headrace.ml.files.refusal import FileRefusedError
from headrace.ml.files.small import read_bytes

ARRIVED = datetime(2026, 2, 1, 12, tzinfo=UTC)
BY_ID = LabelRules("inference_id", "binary", "churned", id="customer")
BY_ENTITY = LabelRules("entity", "binary", "churned", id="customer")
NUMBERS = LabelRules("inference_id", "regression", "cnt")


def read(text, rules=BY_ID):
    return read_labels(read_bytes(text.encode()), rules, received_at=ARRIVED, source="feedback/a.csv#v1")


def reasons(rejections):
    return [(each.row, each.column, str(each.reason), each.value_class) for each in rejections]


def test_a_label_says_what_it_is_about_and_when_it_was_given():
    labels, refused = read("inference_id,row,label,labelled_at\na,2,1,2026-01-31T10:00:00\n")

    (label,) = labels.to_pylist()
    assert labels.schema == LABELS
    assert (label["inference_id"], label["row"], label["label"]) == ("a", 2, "1")
    assert label["labelled_at"] == label["at"] == datetime(2026, 1, 31, 10)
    assert (label["received_at"], label["source"]) == (datetime(2026, 2, 1, 12), "feedback/a.csv#v1")
    assert len(refused) == 0


def test_without_row_and_time_it_is_the_first_row_and_now():
    labels, _ = read("inference_id,label\na,1\n")

    (label,) = labels.to_pylist()
    assert label["row"] == 0
    assert label["labelled_at"] == datetime(2026, 2, 1, 12)


@pytest.mark.parametrize(
    "written",
    ["2026-01-31T10:00:00Z", "2026-01-31T12:00:00+02:00", "2026-01-31 05:00:00-0500", "2026-01-31T10:00:00"],
)
def test_moments_of_all_time_zones_are_in_utc(written):
    labels, _ = read(f"inference_id,label,labelled_at\na,1,{written}\n")

    assert labels.column("labelled_at").to_pylist() == [datetime(2026, 1, 31, 10)]


def test_columns_may_be_called_as_in_the_pipeline_file():
    labels, _ = read("customer,churned,time\nann,0,2026-01-30\n", BY_ENTITY)

    (label,) = labels.to_pylist()
    assert (label["entity"], label["label"], label["at"]) == ("ann", "0", datetime(2026, 1, 30))


def test_every_form_of_file_gives_the_same_label():
    csv, _ = read("inference_id,label\na,2.0\n", LabelRules("inference_id", "multiclass", "kind"))
    lines, _ = read('{"inference_id": "a", "label": 2}\n', LabelRules("inference_id", "multiclass", "kind"))

    assert csv.column("label").to_pylist() == lines.column("label").to_pylist() == ["2"]


@pytest.mark.parametrize(
    ("record", "fault"),
    [
        (",0,1,", ("inference_id", "missing", "nothing")),
        ("a,0,,", ("label", "missing", "nothing")),
        ("a,0,many,", ("label", "not_a_number", "text")),
        ("a,0,inf,", ("label", "not_a_number", "text")),
        ("a,x,1,", ("row", "not_a_number", "text")),
        ("a,-1,1,", ("row", "out_of_range", "number")),
        ("a,1.5,1,", ("row", "out_of_range", "number")),
        ("a,0,1,31.01.2026", ("labelled_at", "not_a_datetime", "text")),
        ("a,0,1,2026-02-30", ("labelled_at", "not_a_datetime", "text")),
        ("a,0,1,2026-02-03", ("labelled_at", "out_of_range", "date")),
        ("a" * 1001 + ",0,1,", ("inference_id", "too_long", "text")),
        ("a,0", (None, "broken_row", "row")),
    ],
)
def test_a_record_that_cannot_be_is_refused_and_the_others_are_not(record, fault):
    labels, refused = read(f"inference_id,row,label,labelled_at\nb,0,7,\n{record}\nc,0,8,\n", NUMBERS)

    assert labels.column("inference_id").to_pylist() == ["b", "c"]
    assert reasons(refused) == [(2, *fault)]


def test_a_label_that_the_contract_does_not_have_is_refused():
    rules = LabelRules("inference_id", "binary", "churned", allowed=("0", "1"))

    labels, refused = read("inference_id,label\na,1.0\nb,maybe\n", rules)

    assert labels.column("label").to_pylist() == ["1"]
    assert reasons(refused) == [(2, "label", "unknown_label", "text")]


@pytest.mark.parametrize(
    ("header", "rules", "says"),
    [
        ("customer,label", BY_ID, "no 'inference_id'"),
        ("inference_id,answer", BY_ID, "no 'label' or 'churned'"),
        ("inference_id,label", BY_ENTITY, "no 'entity' or 'customer'"),
    ],
)
def test_a_file_without_a_column_that_is_needed_is_refused_whole(header, rules, says):
    with pytest.raises(FileRefusedError, match=says):
        read(f"{header}\n1,2\n", rules)


def test_refused_records_are_kept_as_they_were_written():
    file = read_bytes(b"inference_id,label\na,1\n ,1\nb,1,2\n")
    _, refused = read_labels(file, BY_ID, received_at=ARRIVED, source="")

    assert refused_text(file, refused).to_pylist() == [
        {"row": 2, "inference_id": " ", "label": "1", "text": None},
        {"row": 3, "inference_id": None, "label": None, "text": "b,1,2"},
    ]
