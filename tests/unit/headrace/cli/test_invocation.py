"""`headrace invoke`, with clients that answer as each kind of endpoint does."""

import io
import json
import re
from types import SimpleNamespace

import pytest
from botocore.exceptions import ClientError

from headrace.aws import deployed_pipeline
from headrace.cli import main

OUTPUTS = {
    "EndpointName": "headrace-bike",
    "ArtifactsBucketName": "artifacts",
    "InvokeLikeThis": "aws sagemaker-runtime invoke-endpoint …",
}


class World:
    """A pipeline's session, and every client of it."""

    def __init__(self, answer, kind="realtime"):
        self.answer, self.kind, self.asked, self.outputs, self.session = answer, kind, [], OUTPUTS, self

    def client(self, service):
        return self

    def describe_endpoint(self, **request):
        if self.kind == "none yet":
            raise ClientError({"Error": {"Code": "ValidationException", "Message": "Could not find"}}, "D")
        return {"AsyncInferenceConfig": {}} if self.kind == "asynchronous" else {}

    def invoke_endpoint(self, **request):
        self.asked.append(request)
        if isinstance(self.answer, Exception):
            raise self.answer
        return {"Body": io.BytesIO(self.answer), "InvokedProductionVariant": "v3"}

    def invoke_endpoint_async(self, **request):
        self.asked.append(request)
        return {"InferenceId": "1", "OutputLocation": "s3://artifacts/async/output/1.out"}

    def put_object(self, **request):
        self.asked.append(request)

    def list_objects_v2(self, **request):
        return {"Contents": [{"Key": request["Prefix"]}]}

    def get_object(self, **request):
        return {"Body": io.BytesIO(self.answer)}


@pytest.fixture
def run(monkeypatch, capsys, tmp_path):
    def run(world, *arguments, file="rows.csv"):
        monkeypatch.setattr(deployed_pipeline.DeployedPipeline, "find", lambda name: world)
        (tmp_path / "rows.csv").write_bytes(b"1,2\n")
        code = main(["invoke", "bike", str(tmp_path / file), *arguments])
        printed = capsys.readouterr()
        return SimpleNamespace(code=code, out=printed.out, err=printed.err)

    return run


def predictions(*values):
    return json.dumps({"predictions": values}).encode()


def test_predictions_are_a_table_for_people(run):
    world = World(predictions({"label": "yes", "probabilities": {"yes": 0.9, "no": 0.1}}))

    out = run(world).out

    assert all(told in out for told in ("label", "yes", "0.9", "no", "0.1", "answered by v3"))
    assert world.asked[0]["ContentType"] == "text/csv"


def test_predictions_are_json_for_scripts(run):
    found = json.loads(run(World(predictions({"score": 1.5})), "--json").out)

    assert (found["predictions"], found["variant"], found["place"]) == ([{"score": 1.5}], "v3", None)


def test_an_asynchronous_endpoint_is_asked_by_way_of_the_bucket_and_waited_for(run):
    world = World(predictions({"score": 1.5}), kind="asynchronous")

    out = run(world, "--inference-id", "mine").out

    put, asked = world.asked
    assert re.fullmatch(r"async/input/[0-9a-f]{32}-rows\.csv", put["Key"])
    assert put["Body"] == b"1,2\n"
    assert (asked["InputLocation"], asked["InferenceId"]) == (f"s3://artifacts/{put['Key']}", "mine")
    assert "answered in s3://artifacts/async/output/1.out" in out


def test_of_many_predictions_the_first_are_shown(run):
    out = run(World(predictions(*({"score": float(n)} for n in range(30))))).out

    assert "and 10 more" in out


def test_an_answer_can_be_put_into_a_file_as_it_comes(run, tmp_path):
    target = tmp_path / "answer.csv"

    out = run(World(b"1.5\n"), "--accept", "text/csv", "--output", str(target)).out

    assert target.read_bytes() == b"1.5\n"
    assert str(target) in out.replace("\n", "")


def test_an_answer_that_cannot_be_put_there_is_told(run, tmp_path):
    missing = str(tmp_path / "no folder" / "answer.csv")

    shown = run(World(b"1.5\n"), "--accept", "text/csv", "--output", missing)

    assert shown.code == 2
    assert "cannot be written: No such file" in shown.err


def test_a_refusal_of_the_model_is_told_with_its_reason(run):
    refusal = ClientError({"Error": {"Code": "ModelError", "Message": "Received"}}, "InvokeEndpoint")
    refusal.response["OriginalMessage"] = "row 1: temp is no number"

    refused = run(World(refusal))

    assert (refused.code, refused.err) == (2, "headrace: the model refuses: row 1: temp is no number\n")


def test_where_no_model_is_deployed_yet_it_is_said_what_to_look_at(run):
    refused = run(World(b"", kind="none yet"))

    assert refused.code == 2
    assert "there is no endpoint headrace-bike: no model has been deployed yet" in refused.err


def test_where_files_are_answered_it_is_said_where_to_drop_this_one(run):
    world = World(b"")
    world.outputs = {**OUTPUTS, "InvokeLikeThis": "aws s3 cp rows.csv s3://data/batch/"}

    refused = run(world)

    assert refused.code == 2
    assert re.search(r"it answers files: aws s3 cp \S+/rows.csv s3://data/batch/$", refused.err)


def test_a_file_whose_kind_does_not_show_has_to_be_introduced(run):
    assert "--content-type" in run(World(b""), file="rows").err


def test_a_file_that_is_not_there_is_named(run):
    assert "gone.csv cannot be read" in run(World(b""), file="gone.csv").err
