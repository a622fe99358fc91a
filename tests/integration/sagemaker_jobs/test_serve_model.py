"""The server's answers, without a socket, with a trained model."""

import json

import pytest

from headrace.aws.capture import parse_capture
from headrace.aws.captured_rows import read_answers, read_rows
from sagemaker_jobs.model_files import load_model
from sagemaker_jobs.serve_model.app import Application
from sagemaker_jobs.serve_model.settings import Settings
from tests.integration.sagemaker_jobs.opt_ml import OptMl, rows

CSV, JSON, LINES = "text/csv", "application/json", "application/jsonlines"
HEADER = "temp,season,holiday,at"
ROW = "12.5,spring,false,2011-01-31T10:00:00"


class Server:
    """One container that serves, without a socket."""

    def __init__(self, job, **settings):
        self.lines = []
        self.job = job
        self.application = Application(load_model(job.model), Settings(**settings), self.lines.append)

    def ask(self, body, content_type=CSV, *, accept="", **headers):
        body = body.encode() if isinstance(body, str) else body
        named = {"content-type": content_type, "accept": accept, **headers}
        sent = {name.replace("_", "-").encode(): value.encode() for name, value in named.items()}
        reply = self.application.reply(sent, body)
        if reply.exchange:
            self.application.capture(reply.exchange)
        return reply.status, reply.body.decode()


@pytest.fixture(scope="module")
def jobs(tmp_path_factory):
    jobs = {
        problem: OptMl(tmp_path_factory.mktemp(problem), problem) for problem in ("regression", "multiclass")
    }
    for job in jobs.values():
        assert job.train(rows(400), rows(250, 1)) == 0
    return jobs


@pytest.fixture(scope="module")
def server(jobs):
    return Server(jobs["regression"], model_version="v3")


def test_the_answer_is_the_trainings_own(server, jobs):
    sample = jobs["regression"].document("sample.json")
    status, answer = server.ask(sample["csv"])

    assert status == 200
    assert float(answer) == sample["prediction"]["score"]


def test_the_model_is_named_with_every_answer(server):
    assert server.application.headers == [(b"x-amzn-sagemaker-custom-attributes", b"model_version=v3")]


def test_every_format_gives_the_same_answer(server):
    cells = [12.5, "spring", False, "2011-01-31T10:00:00"]
    record = dict(zip(HEADER.split(","), cells, strict=True))
    _, expected = server.ask(f"{HEADER}\n{ROW}\n")

    for body, kind in (
        (ROW + "\n", CSV),
        ("at,holiday,season,temp,extra\n2011-01-31T10:00:00,false,spring,12.5,9\n", CSV),
        (json.dumps({"instances": [cells]}), JSON),
        (json.dumps([record]), JSON),
        (json.dumps(record), LINES),
    ):
        status, answer = server.ask(body, kind, accept=CSV)
        assert (status, answer) == (200, expected), body


def test_many_rows_are_many_answers_in_their_order(server):
    one, other = "1,winter,true,2011-01-01", ROW
    _, answers = server.ask(f"{HEADER}\n{one}\n{other}\n{one}\n")
    first, second, third = answers.splitlines()

    assert first == third != second


@pytest.mark.parametrize("cell", ["", "NA", "null"])
def test_missing_cells_and_unseen_categories_are_answered(server, cell):
    assert server.ask(f"{HEADER}\n{cell},monsoon,{cell},{cell}\n")[0] == 200


def test_labels_come_with_their_probabilities(jobs):
    server = Server(jobs["multiclass"])
    _, line = server.ask(f"{HEADER}\n{ROW}\n")
    _, document = server.ask(f"{HEADER}\n{ROW}\n", accept=JSON)

    label, probability = line.strip().split(",")
    (prediction,) = json.loads(document)["predictions"]
    assert prediction["label"] == label
    assert (
        prediction["probabilities"][label] == float(probability) == max(prediction["probabilities"].values())
    )
    assert sum(prediction["probabilities"].values()) == pytest.approx(1)


def test_json_lines_are_answered_line_by_line(server):
    record = json.dumps(dict(zip(HEADER.split(","), ROW.split(","), strict=True)))
    _, document = server.ask(f"{HEADER}\n{ROW}\n{ROW}\n", accept=JSON)
    status, lines = server.ask(f"{record}\n{record}\n", LINES, accept=LINES)

    assert status == 200
    assert list(map(json.loads, lines.splitlines())) == json.loads(document)["predictions"]


def test_a_transform_job_learns_how_to_ask(jobs):
    several = Server(jobs["regression"], workers=3)

    assert json.loads(several.application.other_route(b"GET", b"/execution-parameters").body) == {
        "MaxConcurrentTransforms": 3,
        "BatchStrategy": "MULTI_RECORD",
        "MaxPayloadInMB": 6,
    }


@pytest.mark.parametrize(
    ("body", "kind", "status", "words"),
    [
        (
            f"{HEADER}\nwarm,spring,false,2011-01-31\n",
            CSV,
            400,
            "row 1, column 'temp' is not a finite number",
        ),
        (f"{HEADER}\n{ROW}\n1,spring,maybe,2011-01-31\n", CSV, 400, "row 2, column 'holiday'"),
        (f"{HEADER}\n1,spring,false,yesterday\n", CSV, 400, "column 'at' is not an ISO 8601"),
        ("temp,season\n1,spring\n", CSV, 400, "'holiday', 'at'"),
        (f"{HEADER}\n1,spring\n", CSV, 400, "row 1"),
        ("1,spring\n", CSV, 400, "2"),
        ("", CSV, 400, ""),
        (HEADER + "\n", CSV, 400, "row"),
        (b"\xff\xfe\x00", CSV, 400, "UTF-8"),
        ("{", JSON, 400, "JSON"),
        ("3", JSON, 400, ""),
        ("[]", JSON, 400, "row"),
        ('{"instances": []}', JSON, 400, "row"),
        ('{"instances": [[1, "spring"]]}', JSON, 400, "row 1"),
        ('[{"temp": 1}]', JSON, 400, "'season'"),
        ('[{"temp": [1], "season": "x", "holiday": true, "at": null}]', JSON, 400, "column 'temp'"),
        ("[" * 100_000, JSON, 400, ""),
        ('{"temp": 1}\n{', LINES, 400, "row"),
        (ROW, "text/plain", 415, "text/plain"),
        (ROW, "", 200, ""),
    ],
)
def test_what_does_not_fit_is_refused_with_what_and_where(server, body, kind, status, words):
    found, answer = server.ask(body, kind)

    assert found == status, answer
    assert words in answer


def test_a_refusal_never_repeats_a_value(server):
    _, answer = server.ask(f"{HEADER}\nHildegard4711,spring,false,2011-01-31\n")

    assert "Hildegard4711" not in answer


def test_what_the_caller_does_not_accept_is_not_sent(server):
    assert server.ask(f"{HEADER}\n{ROW}\n", accept="image/png")[0] == 406


@pytest.mark.parametrize(
    ("method", "path", "status"),
    [
        (b"GET", b"/ping", 200),
        (b"HEAD", b"/ping", 200),
        (b"GET", b"/invocations", 405),
        (b"POST", b"/ping", 405),
        (b"POST", b"/x", 404),
    ],
)
def test_there_are_three_routes(server, method, path, status):
    assert server.application.other_route(method, path).status == status


class TestCapture:
    @pytest.fixture
    def capturing(self, jobs):
        return Server(jobs["regression"], model_version="v3", capture_share=1.0)

    def test_a_request_is_captured_as_sagemaker_does(self, capturing):
        _, answer = capturing.ask(f"{HEADER}\n{ROW}\n", x_amzn_sagemaker_inference_id="ride-7")

        (line,) = capturing.lines
        record = json.loads(line)
        assert record["captureData"]["endpointInput"]["data"] == f"{HEADER}\n{ROW}\n"
        assert record["captureData"]["endpointInput"]["observedContentType"] == CSV
        assert record["captureData"]["endpointOutput"]["data"] == answer
        assert record["eventMetadata"]["inferenceId"] == "ride-7"
        assert record["eventMetadata"]["inferenceTime"].endswith("Z")
        assert record["eventMetadata"]["eventId"]

    @pytest.mark.parametrize("form", ["csv", "csv in quotes", "csv without a header", "json", "json lines"])
    def test_a_large_request_is_captured_in_parts_that_say_where_they_begin(self, capturing, form):
        rides, features = range(3000), dict(zip(HEADER.split(","), ROW.split(","), strict=True))
        records = [{"ride": str(ride), **features} for ride in rides]
        bodies = {
            "csv": ("\n".join([f"ride,{HEADER}", *(f"{ride},{ROW}" for ride in rides)]), CSV),
            "csv in quotes": ("\n".join([f"ride,{HEADER}", *(f'"{ride}",{ROW}' for ride in rides)]), CSV),
            "csv without a header": ("\n".join([ROW] * len(rides)), CSV),
            "json": (json.dumps({"instances": records}), JSON),
            "json lines": ("\n".join(map(json.dumps, records)), LINES),
        }
        capturing.ask(*bodies[form])

        captures = list(map(parse_capture, capturing.lines))
        counts = [len(read_answers(each).predictions) for each in captures]
        asked = [read_rows(each, HEADER.split(","), beside=["ride"]) for each in captures]
        assert len(captures) > 1
        assert sum(counts) == len(rides)
        assert [each.first_row for each in captures] == [sum(counts[:place]) for place in range(len(counts))]
        assert {cell for cells in asked for cell in cells["season"]} == {"spring"}
        kept = [cell for cells in asked for cell in cells["ride"]]
        assert kept == ([str(ride) for ride in rides] if form in ("csv", "json") else [None] * len(rides))

    def test_a_large_request_is_captured_in_parts_in_whatever_form_it_is_answered(self, capturing):
        capturing.ask("\n".join([HEADER, *[ROW] * 3000]), CSV, accept=LINES)

        captures = list(map(parse_capture, capturing.lines))
        assert len(captures) > 1
        assert sum(len(read_answers(each).predictions) for each in captures) == 3000

    def test_a_refused_request_is_not_captured(self, capturing):
        capturing.ask("temp\nwarm\n")

        assert capturing.lines == []

    def test_nothing_is_captured_unless_it_is_asked_for(self, server):
        server.ask(f"{HEADER}\n{ROW}\n")

        assert server.lines == []
