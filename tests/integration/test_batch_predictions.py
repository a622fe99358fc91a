"""Files that are answered whole, through the adapters, with AWS's services as moto has them; the job's answers are ours."""

import csv
import io
import json
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from types import SimpleNamespace

import boto3
import pytest

from headrace.aws.answered_files import AnsweredFiles
from headrace.aws.artifacts import Artifacts
from headrace.aws.capture import parse_capture
from headrace.aws.deployed_pipeline import DeployedPipeline
from headrace.aws.dropped_files import DroppedFile, DroppedFiles
from headrace.aws.endpoints import Endpoints
from headrace.aws.executions import Executions
from headrace.aws.failed_files import FailedFiles
from headrace.aws.no_endpoint import NoEndpoint, endpoints_of
from headrace.aws.prediction_ledger import Prediction, PredictionLedger
from headrace.aws.training_log import Champion, TrainingLog
from headrace.aws.transform_folder import TransformFolder
from headrace.cli import main
from headrace.config.pipeline import Pipeline
from headrace.ml.contract import ColumnSchema
from headrace.ml.profile import profile_frame
from headrace.ml.rows import read_columns
from lambdas.finish_batch.finishing import Answered, Ports, finish_batch
from lambdas.prepare_batch.preparing import prepare_batch
from lambdas.smoke_test.handler import TransformedSample
from lambdas.write_sample.handler import write_sample
from tests.integration.ledger import create_ledger

NOON = datetime(2026, 1, 31, 12, tzinfo=UTC)
SCHEMA = [ColumnSchema("temp", "number"), ColumnSchema("season", "category")]
BASELINE = profile_frame(
    read_columns({"temp": ["0.1", "0.2"], "season": ["a", "b"]}, SCHEMA), SCHEMA
).as_dict() | {"classes": []}
PIPELINE = Pipeline(name="bike", problem="regression", target="cnt", id="id", endpoint={"kind": "batch"})
ROWS = b"id,temp,season\na,0.3,spring\nb,warm,fall\nc,0.5,fall\n"


@pytest.fixture
def aws(account):
    s3 = boto3.client("s3")
    for bucket in ("data", "artifacts"):
        s3.create_bucket(Bucket=bucket)
        s3.put_bucket_versioning(Bucket=bucket, VersioningConfiguration={"Status": "Enabled"})
    return s3


@pytest.fixture
def table(aws):
    return create_ledger()


@pytest.fixture
def ledger(table):
    return PredictionLedger(table)


def drop(s3, body, name="may.csv"):
    """Put a file under ``batch/``; return it as its event tells of it."""
    key = f"batch/{name}"
    version = s3.put_object(Bucket="data", Key=key, Body=body)["VersionId"]
    return DroppedFile("data", key, version, len(body), "2026-01-31T10:00:00Z")


def answer_records(s3, prefix, folder=""):
    """Do what the transform job does: join an answer to each record."""
    for item in s3.list_objects_v2(Bucket="artifacts", Prefix=f"{prefix}input/")["Contents"]:
        body = s3.get_object(Bucket="artifacts", Key=item["Key"])["Body"].read()
        joined = [
            json.dumps({**record, "SageMakerOutput": {"score": 100 * float(record["features"]["temp"])}})
            for record in map(json.loads, body.splitlines())
        ]
        key = f"{prefix}output/{folder}{item['Key'].rpartition('/')[2]}.out"
        s3.put_object(Bucket="artifacts", Key=key, Body="\n".join(joined) + "\n")


def predicted(s3, ledger, file, scratch, layout=""):
    """Take a file from its drop to its predictions."""
    folder = TransformFolder(s3, "artifacts", "transform/job/")
    (scratch / "in").mkdir(parents=True)
    told = prepare_batch(file, PIPELINE, BASELINE, DroppedFiles(s3), folder, scratch / "in")
    answer_records(s3, "transform/job/", layout)
    nothing = SimpleNamespace(put=lambda *_: None)
    ports = Ports(AnsweredFiles(s3), Artifacts(s3, "artifacts"), ledger, nothing, nothing, nothing)
    begun = Prediction.begun(file, "e1", NOON.isoformat())
    (scratch / "out").mkdir()
    ended = finish_batch(Answered(file, begun, "v3", NOON), PIPELINE, folder, ports, scratch / "out")
    return told, ended


def lines(s3, key):
    text = s3.get_object(Bucket="data", Key=key)["Body"].read().decode()
    return list(csv.DictReader(io.StringIO(text)))


@pytest.mark.parametrize("layout", ["", "transform/job/input/"], ids=["flat", "in a folder"])
def test_a_file_becomes_predictions_and_what_cannot_be_answered_lies_beside(aws, ledger, tmp_path, layout):
    told, ended = predicted(aws, ledger, drop(aws, ROWS), tmp_path, layout)

    assert (told["rows"], told["refused"]) == (2, 1)
    assert ended["result"] == "s3://data/predictions/may.csv/"
    assert lines(aws, "predictions/may.csv/predictions.csv") == [
        {"id": "a", "prediction": "30.0"},
        {"id": "c", "prediction": "50.0"},
    ]
    assert [row["id"] for row in lines(aws, "predictions/may.csv/rejected.csv")] == ["b"]


def test_what_was_answered_is_captured_where_the_recorder_looks(aws, ledger, tmp_path):
    predicted(aws, ledger, drop(aws, ROWS), tmp_path)

    keys = [item["Key"] for item in aws.list_objects_v2(Bucket="artifacts", Prefix="capture/")["Contents"]]
    assert {key.rpartition("/")[0] for key in keys} == {"capture/headrace-bike/v3/2026/01/31/12"}
    body = aws.get_object(Bucket="artifacts", Key=keys[0])["Body"].read()
    assert [parse_capture(line).first_row for line in body.splitlines()] == [0, 2]


def test_a_version_without_bad_rows_leaves_none_of_an_earlier_one(aws, ledger, tmp_path):
    predicted(aws, ledger, drop(aws, ROWS), tmp_path / "first")
    predicted(aws, ledger, drop(aws, ROWS.replace(b"warm", b"0.4")), tmp_path / "second")

    names = [item["Key"] for item in aws.list_objects_v2(Bucket="data", Prefix="predictions/")["Contents"]]
    assert names == ["predictions/may.csv/predictions.csv", "predictions/may.csv/summary.json"]
    assert len(lines(aws, "predictions/may.csv/predictions.csv")) == 3


class TestLedger:
    def begun(self, name, execution="e1", dropped_at="2026-01-31T10:00:00Z"):
        return Prediction(f"batch/{name}", "v1", dropped_at, NOON.isoformat(), execution)

    def test_files_wait_in_the_order_in_which_they_were_dropped(self, ledger):
        late, early = self.begun("a", dropped_at="2026-01-31T11:00:00Z"), self.begun("b")
        assert ledger.begin(late)
        assert ledger.begin(early)

        assert ledger.waiting() == [early, late]
        ledger.end(early, state="predicted", rows=3)
        assert ledger.waiting() == [late]

    def test_one_execution_has_a_file_and_nobody_has_one_that_was_answered(self, ledger):
        file = DroppedFile("data", "batch/a", "v1", 1, "")
        assert ledger.begin(self.begun("a"))
        assert not ledger.begin(self.begun("a", "e2"))
        assert ledger.begin(self.begun("a", "e2"), instead_of="e1")

        ledger.end(ledger.find(file), state="predicted", rows=3)
        assert not ledger.begin(self.begun("a", "e3"))
        assert ledger.find(file).rows == 3

    def test_a_file_that_failed_is_waiting_again_when_it_comes_again(self, ledger):
        ledger.begin(self.begun("a"))
        ledger.end(self.begun("a"), state="failed")

        assert ledger.begin(self.begun("a", "e2"))
        assert [each.execution for each in ledger.waiting()] == ["e2"]
        assert ledger.known() == {("batch/a", "v1")}

    def test_an_unknown_file_is_none(self, ledger):
        assert ledger.find(DroppedFile("data", "batch/a", "v1", 1, "")) is None


class TestWithoutAnEndpoint:
    CHAMPION = Champion(3, "arn", "s3://b/m", "v3", "t", "t", "h", name="headrace-bike-v3-0a1b2c3d")

    @pytest.fixture
    def log(self, table):
        return TrainingLog(table)

    @pytest.fixture
    def endpoints(self, log):
        return NoEndpoint(boto3.client("sagemaker"), log)

    def test_what_answers_is_the_model_that_was_published_last(self, log, endpoints):
        assert endpoints.find("headrace-bike") is None

        log.crown(self.CHAMPION)
        found = endpoints.find("headrace-bike")
        assert (found.status, found.config, found.variants) == ("InService", self.CHAMPION.name, ("v3",))

    def test_a_deployment_that_fails_late_leaves_the_model_before(self, log, endpoints):
        after = replace(
            self.CHAMPION, version=4, variant="v4", name="new", previous=self.CHAMPION.as_previous()
        )
        log.crown(after)

        endpoints.point_to("headrace-bike", self.CHAMPION.name)

        assert log.champion().name == self.CHAMPION.name

    def test_only_the_kind_batch_has_none(self, log):
        client = boto3.client("sagemaker")
        realtime = Pipeline(name="bike", problem="regression", target="cnt", endpoint={"kind": "realtime"})

        assert type(endpoints_of(PIPELINE, client, log)) is NoEndpoint
        assert type(endpoints_of(realtime, client, log)) is Endpoints

    def test_the_row_that_the_smoke_test_looks_at_is_answered_by_a_job(self, aws):
        samples = SimpleNamespace(sample=lambda url: {"row": {"temp": 0.5}, "prediction": {"score": 50.0}})
        plan = {"name": "headrace-bike-v3-0a1b2c3d", "model_data_url": "s3://b/m"}
        prefix = f"transform/{plan['name']}/"

        write_sample(plan, samples, TransformFolder(aws, "artifacts", prefix))
        answer_records(aws, prefix)

        answer = TransformedSample(aws, "artifacts").ask(plan, {}, targeted=False)
        assert (answer.variant, answer.predictions) == (None, [{"score": 50.0}])


def test_an_execution_of_a_name_is_started_once(aws):
    client = boto3.client("stepfunctions")
    machine = client.create_state_machine(
        name="m",
        roleArn="arn:aws:iam::123456789012:role/r",
        definition='{"StartAt": "A", "States": {"A": {"Type": "Succeed"}}}',
    )["stateMachineArn"]
    executions = Executions(client, machine)

    assert executions.start_once("one", {"file": 1})
    assert not executions.start_once("one", {"file": 2})


def test_a_failed_file_is_kept_as_the_event_that_starts_it_again(aws):
    client = boto3.client("sqs")
    url = client.create_queue(QueueName="letters")["QueueUrl"]
    file = drop(aws, ROWS)

    FailedFiles(client, url).put(file)

    (message,) = client.receive_message(QueueUrl=url)["Messages"]
    assert DroppedFile.from_event(json.loads(message["Body"]), below="batch/") == file


class TestCommand:
    @pytest.fixture(autouse=True)
    def deployed(self, ledger, monkeypatch):
        outputs = {"DataBucketName": "data", "LedgerTableName": "ledger", "PredictBatchArn": "arn"}
        monkeypatch.setattr(
            DeployedPipeline, "find", lambda name: DeployedPipeline(name, outputs, boto3.Session())
        )
        return outputs

    @pytest.fixture
    def answered(self, ledger, monkeypatch):
        """Let every file have ended when the command looks."""

        def find(self, file):
            ended = Prediction.begun(file, "e1", NOON.isoformat())
            return replace(ended, **outcome)

        outcome = {"state": "predicted", "rows": 2, "variant": "v3", "result": "s3://data/predictions/x/"}
        monkeypatch.setattr(PredictionLedger, "find", find)
        return outcome

    @pytest.fixture
    def rows(self, tmp_path):
        path = tmp_path / "may.csv"
        path.write_bytes(ROWS)
        return str(path)

    def test_a_file_is_sent_and_followed(self, aws, answered, rows, capsys):
        assert main(["predict", "bike", rows, "--json"]) == 0

        assert json.loads(capsys.readouterr().out) == {
            "file": "batch/may.csv",
            "state": "predicted",
            "rows": 2,
            "refused_rows": 0,
            "model": "v3",
            "predictions": "s3://data/predictions/x/",
        }
        assert aws.get_object(Bucket="data", Key="batch/may.csv")["Body"].read() == ROWS

    def test_the_predictions_can_be_downloaded(self, aws, answered, rows, tmp_path, capsys):
        aws.put_object(Bucket="data", Key="predictions/june.csv/predictions.csv", Body=b"id,prediction\n")

        assert main(["predict", "bike", rows, "--as", "june.csv", "--to", str(tmp_path / "got")]) == 0
        assert Path(tmp_path / "got" / "predictions.csv").read_bytes() == b"id,prediction\n"

    def test_a_file_that_is_only_sent_says_where_to_look(self, rows, capsys):
        assert main(["predict", "bike", rows, "--no-wait", "--json"]) == 0
        assert json.loads(capsys.readouterr().out)["predictions"] == "s3://data/predictions/may.csv/"

    def test_a_file_that_was_not_answered_ends_the_command_with_the_reason(self, answered, rows, capsys):
        answered |= {"state": "refused", "why": "the file is a web page"}

        assert main(["predict", "bike", rows]) == 2
        assert "batch/may.csv was not answered: the file is a web page" in capsys.readouterr().err

    @pytest.mark.parametrize(
        ("arguments", "says"),
        [
            (["nowhere.csv"], "there is no file nowhere.csv"),
            ([__file__, "--no-wait", "--to", "x"], "leave one of them out"),
        ],
    )
    def test_what_cannot_be_done_is_said_before_anything_is_sent(self, aws, arguments, says, capsys):
        assert main(["predict", "bike", *arguments]) == 2
        assert says in capsys.readouterr().err
        assert "Contents" not in aws.list_objects_v2(Bucket="data")

    def test_a_refused_upload_is_one_line(self, deployed, rows, capsys):
        deployed["DataBucketName"] = "nowhere"

        assert main(["predict", "bike", rows]) == 2
        [line] = capsys.readouterr().err.splitlines()
        assert "AWS refused: Failed to upload" in line
        assert "NoSuchBucket" in line

    def test_a_folder_that_cannot_be_made_is_told(self, answered, rows, capsys):
        assert main(["predict", "bike", rows, "--to", rows]) == 2
        assert f"{rows} cannot be written: File exists" in capsys.readouterr().err

    def test_a_pipeline_that_answers_no_files_says_how_it_would(self, deployed, rows, capsys):
        del deployed["PredictBatchArn"]

        assert main(["predict", "bike", rows]) == 2
        assert "bike answers no files: add" in capsys.readouterr().err
