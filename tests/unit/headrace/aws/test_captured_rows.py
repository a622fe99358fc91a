import base64
import json
import math
from datetime import UTC, datetime

import pytest

from headrace.aws.capture import Capture, CaptureError, Payload, parse_capture
from headrace.aws.captured_rows import Answers, read_answers, read_rows
from tests.unit.lambdas.captures import record

FEATURES = ["temp", "season", "holiday"]
EXPECTED = {"temp": ["0.3", "0.4"], "season": ["spring", None], "holiday": ["0", "1"]}


def capture(text="", content_type="text/csv", answer="1\n", answer_type="text/csv"):
    return Capture(
        "e1",
        None,
        datetime(2026, 1, 31, tzinfo=UTC),
        Payload(content_type, text),
        Payload(answer_type, answer),
    )


@pytest.mark.parametrize(
    "text",
    [
        "0.3,spring,0\n0.4,,1\n",
        "temp,season,holiday\n0.3,spring,0\n0.4,,1\n",
        "instant,holiday,season,temp\r\n1,0,spring,0.3\r\n2,1,,0.4\r\n",
        '"temp","season","holiday"\n0.3,"spring",0\n0.4,"",1',
    ],
)
def test_csv_with_and_without_a_header_gives_the_same_rows(text):
    assert read_rows(capture(text), FEATURES) == EXPECTED


@pytest.mark.parametrize(
    ("content_type", "text"),
    [
        ("application/json", '{"instances": [["0.3", "spring", "0"], ["0.4", null, "1"]]}'),
        (
            "application/json",
            '[{"temp": "0.3", "season": "spring", "holiday": "0"}, {"temp": "0.4", "holiday": "1"}]',
        ),
        (
            "application/json",
            '{"columns": ["holiday", "temp", "season"], "data": [["0", "0.3", "spring"], ["1", "0.4", ""]]}',
        ),
        (
            "application/jsonlines",
            '{"temp": "0.3", "season": "spring", "holiday": "0"}\n{"temp": "0.4", "holiday": "1"}\n',
        ),
    ],
)
def test_every_form_of_json_gives_the_same_rows(content_type, text):
    assert read_rows(capture(text, content_type), FEATURES) == EXPECTED


def test_a_byte_order_mark_hides_no_column():
    line = record("e1", [], [], data="\ufefftemp,season,holiday\n0.3,spring,0\n0.4,,1\n")

    assert read_rows(parse_capture(line), FEATURES) == EXPECTED


def test_what_sagemaker_captured_in_base64_is_the_same():
    data = base64.b64encode(b"0.3,spring,0\n0.4,,1\n").decode()

    assert read_rows(parse_capture(record("e1", [], [], data=data, encoding="BASE64")), FEATURES) == EXPECTED


def test_a_feature_that_the_caller_left_out_is_missing():
    assert read_rows(capture("temp\n0.3\n"), FEATURES) == {
        "temp": ["0.3"],
        "season": [None],
        "holiday": [None],
    }


@pytest.mark.parametrize(
    ("content_type", "text"),
    [
        ("text/csv", "0.3,spring\n"),
        ("application/json", "{"),
        ("application/json", '{"instances": 3}'),
        ("application/json", "[[1, 2]]"),
        ("application/json", "[1]"),
    ],
)
def test_a_body_that_does_not_fit_the_schema_is_refused_without_repeating_it(content_type, text):
    with pytest.raises(CaptureError) as refused:
        read_rows(capture(text, content_type), FEATURES)

    assert "spring" not in str(refused.value)


def test_predictions_are_one_per_row():
    numbers = Answers(["1.5", "2.5"], [1.5, 2.5])

    assert read_answers(capture(answer="1.5\n2.5\n")) == numbers
    assert read_answers(capture(answer="[1.5, 2.5]", answer_type="application/json")) == numbers
    assert read_answers(capture(answer="yes,0.9\nno,0.2\n")) == Answers(["yes", "no"], [0.9, 0.2])


@pytest.mark.parametrize(
    ("classes", "scores"), [((), [0.9, 0.8]), (("no", "yes"), [0.9, 0.2]), (("a", "no", "yes"), [0.9, 0.8])]
)
def test_the_score_of_labels_is_that_of_the_second_of_two_or_of_the_label_that_was_answered(classes, scores):
    in_csv = read_answers(capture(answer="yes,0.9\nno,0.8\n"), classes)
    named = [
        {"label": "yes", "probabilities": {"no": 0.1, "yes": 0.9}},
        {"label": "no", "probabilities": {"no": 0.8, "yes": 0.2}},
    ]
    as_json = json.dumps({"predictions": named})
    in_json = read_answers(capture(answer=as_json, answer_type="application/json"), classes)

    assert in_csv.predictions == in_json.predictions == ["yes", "no"]
    assert in_csv.scores == pytest.approx(scores)
    assert in_json.scores == pytest.approx([0.9, 0.8 if len(classes) > 2 else 0.2])


def test_answers_without_a_score_have_none():
    only_labels = '{"predictions": [{"label": "yes"}, {"prediction": "no"}, {"label": null}]}'
    answers = read_answers(capture(answer=only_labels, answer_type="application/json"))

    assert answers.predictions == ["yes", "no", None]
    assert all(map(math.isnan, answers.scores))


def test_an_answer_that_is_no_list_is_refused():
    with pytest.raises(CaptureError):
        read_answers(capture(answer='{"error": "no"}', answer_type="application/json"))


def test_a_text_is_a_row_and_so_is_an_image():
    assert read_rows(capture("call, now\nplease", "text/plain"), ["message"]) == {
        "message": ["call, now\nplease"]
    }
    assert read_rows(capture("iVBORw0KGgo=", "image/png"), ["photo"]) == {"photo": ["iVBORw0KGgo="]}


def test_an_image_stays_in_base64_and_a_text_does_not():
    picture, text = (base64.b64encode(body).decode() for body in (b"\x89PNG\xff", "café".encode()))

    image = parse_capture(record("e1", [], ["1"], data=picture, content_type="image/png", encoding="BASE64"))
    message = parse_capture(record("e2", [], ["1"], data=text, content_type="text/plain", encoding="BASE64"))

    assert image.request.text == picture
    assert message.request.text == "café"


def test_a_cell_may_be_longer_than_the_csv_module_takes_unasked():
    long = "a" * 200_000

    assert read_rows(capture(f'message\n"{long}"\n'), ["message"]) == {"message": [long]}


@pytest.mark.parametrize(
    ("answer_type", "answer", "predictions", "scores"),
    [
        ("text/csv; output=labels", ["1", "0"], ["1", "0"], [math.nan, math.nan]),
        ("text/csv; output=probabilities", ["0.25,0.75", "0.9,0.1"], ["1", "0"], [0.75, 0.1]),
        (
            "application/json; output=probabilities",
            [
                '{"predictions": [{"probabilities": {"0": 0.25, "1": 0.75}}, {"probabilities": {"0": 0.9, "1": 0.1}}]}'
            ],
            ["1", "0"],
            [0.75, 0.1],
        ),
        (
            "application/jsonlines; output=labels",
            ['{"label": "1"}', '{"label": "0"}'],
            ["1", "0"],
            [math.nan, math.nan],
        ),
    ],
)
def test_an_answer_may_hold_labels_or_probabilities_alone(answer_type, answer, predictions, scores):
    line = record("e1", ["0.3", "0.4"], answer, answer_type=answer_type)

    read = read_answers(parse_capture(line), ["0", "1"])

    assert read.predictions == predictions
    assert read.scores == pytest.approx(scores, nan_ok=True)


def test_probabilities_of_classes_that_are_not_known_are_scores_without_a_label():
    line = record("e1", ["0.3"], ["0.2,0.5,0.3"], answer_type="text/csv; output=probabilities")

    assert read_answers(parse_capture(line)) == Answers([None], [0.5])


@pytest.mark.parametrize(
    ("answer_type", "answer"),
    [
        ("text/csv; output=probabilities", "0.7,0.3\n0.8,0.2\n"),
        (
            "application/json; output=probabilities",
            '{"predictions": [{"probabilities": {"no": 0.7, "yes": 0.3}}, {"probabilities": {"no": 0.8, "yes": 0.2}}]}',
        ),
    ],
)
def test_probabilities_alone_are_labelled_by_the_models_threshold(answer_type, answer):
    line = record("e1", ["0.3", "0.4"], [answer], answer_type=answer_type)
    captured = parse_capture(line)

    assert read_answers(captured, ["no", "yes"], 0.25).predictions == ["yes", "no"]
    assert read_answers(captured, ["no", "yes"]).predictions == ["no", "no"]


def test_a_label_that_is_the_less_probable_one_keeps_its_score():
    assert read_answers(capture(answer="yes,0.3\nno,0.8\n"), ["no", "yes"], 0.25) == Answers(
        ["yes", "no"], [0.3, pytest.approx(0.2)]
    )
