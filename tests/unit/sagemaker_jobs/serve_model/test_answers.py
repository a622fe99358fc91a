import json
import subprocess
import sys

import numpy as np
import pytest

from sagemaker_jobs.serve_model.answers import AcceptError, AnswerForm, AnswerWriter, choose_form
from sagemaker_jobs.serve_model.app import Application, lines_of
from sagemaker_jobs.serve_model.settings import Settings
from tests.unit.sagemaker_jobs.serve_model.models import Labels

CSV, JSON, LINES = "text/csv", "application/json", "application/jsonlines"
ROWS = b"25,red,yes,2011-01-31,50\n,,,,25\n"


@pytest.mark.parametrize(
    ("accept", "content_type", "expected"),
    [
        ("", CSV, CSV),
        ("*/*", "", CSV),
        ("*/*", JSON, JSON),
        ("*/*", LINES, JSON),
        ("text/*", JSON, CSV),
        ("application/*", CSV, JSON),
        ("image/png, application/jsonlines", CSV, LINES),
        ("application/x-jsonlines", CSV, LINES),
        ("text/csv;q=0.1, application/json;q=0.9", CSV, JSON),
        ("text/csv;q=0, */*;q=0.1", JSON, JSON),
        ("Text/CSV ; Q=1", JSON, CSV),
        ("text/csv;q=much", JSON, CSV),
    ],
)
def test_the_caller_gets_what_it_likes_most(accept, content_type, expected):
    assert choose_form(accept, content_type) == AnswerForm(expected)


@pytest.mark.parametrize(
    ("accept", "attributes", "output"),
    [
        ("text/csv", "", "both"),
        ("text/csv; output=labels", "", "labels"),
        ("text/csv", "output=probabilities", "probabilities"),
        ("text/csv", "trace=1; Output=Labels,b", "labels"),
        ('text/csv; output="labels"', "output=probabilities", "labels"),
    ],
)
def test_the_caller_chooses_what_of_a_classification_it_gets(accept, attributes, output):
    assert choose_form(accept, CSV, attributes).output == output


@pytest.mark.parametrize(
    ("accept", "attributes"),
    [("image/png", ""), ("text/csv;q=0", ""), ("", "output=all"), ("text/csv;output=", "")],
)
def test_what_cannot_be_written_is_refused(accept, attributes):
    with pytest.raises(AcceptError):
        choose_form(accept, CSV, attributes)


@pytest.mark.parametrize(
    ("accept", "answer"),
    [
        ("text/csv", b'yes,0.75\n"no, never",0.75\n'),
        ("text/csv; output=labels", b'yes\n"no, never"\n'),
        ("text/csv; output=probabilities", b"0.25,0.75\n0.75,0.25\n"),
        ("application/jsonlines; output=labels", b'{"label":"yes"}\n{"label":"no, never"}\n'),
    ],
)
def test_labels_and_probabilities_are_written_as_the_caller_wants_and_captured_in_full(accept, answer):
    application = Application(Labels(), Settings(capture_share=1.0))

    reply = application.reply({b"accept": accept.encode()}, ROWS)

    assert (reply.body, reply.media_type) == (answer, accept)
    (line,) = lines_of(reply.exchange)
    captured = json.loads(line)["captureData"]["endpointOutput"]
    assert captured["observedContentType"] == accept.partition(";")[0]
    assert "never" in captured["data"]
    assert "0.75" in captured["data"]


def test_json_holds_what_is_asked_for():
    application = Application(Labels(), Settings())

    (first, _) = json.loads(
        application.reply({b"accept": b"application/json; output=probabilities"}, ROWS).body
    )["predictions"]

    assert first == {"probabilities": {"no, never": 0.25, "yes": 0.75}}


def test_numbers_have_nothing_to_choose_from():
    assert AnswerWriter(()).write(np.array([1.5]), AnswerForm(CSV, "labels")) == b"1.5\n"


def test_a_server_of_a_graph_loads_neither_arrow_nor_pandas_nor_scikit_learn():
    code = (
        "import sys, sagemaker_jobs.engines, sagemaker_jobs.serve_model.server;"
        "sys.exit(str({'pyarrow', 'pandas', 'sklearn', 'scipy', 'pydantic', 'email'} & set(sys.modules)))"
    )

    done = subprocess.run([sys.executable, "-c", code], check=False, capture_output=True, text=True)

    assert done.stderr == "set()\n"


@pytest.mark.parametrize(
    ("accept", "answer"),
    [
        ("text/csv", b"yes,0.75\nyes,0.25\n"),
        ("text/csv; output=labels", b"yes\nyes\n"),
        ("text/csv; output=probabilities", b"0.25,0.75\n0.75,0.25\n"),
        ("application/jsonlines; output=labels", b'{"label":"yes"}\n{"label":"yes"}\n'),
        (
            "application/jsonlines",
            b'{"label":"yes","probabilities":{"no, never":0.25,"yes":0.75}}\n'
            b'{"label":"yes","probabilities":{"no, never":0.75,"yes":0.25}}\n',
        ),
    ],
)
def test_a_threshold_decides_the_label_in_every_form_and_no_probability(accept, answer):
    model = Labels()
    model.threshold = 0.25

    reply = Application(model, Settings()).reply({b"accept": accept.encode()}, ROWS)

    assert reply.body == answer


def test_what_is_below_the_threshold_is_negative_however_probable():
    writer = AnswerWriter(("no", "yes"), 0.8)

    assert writer.write(np.array([[0.25, 0.75], [0.2, 0.8]]), AnswerForm(CSV)) == b"no,0.25\nyes,0.8\n"
    assert writer.write(np.array([[0.25, 0.75]]), AnswerForm(JSON, "labels")) == (
        b'{"predictions":[{"label":"no"}]}'
    )
