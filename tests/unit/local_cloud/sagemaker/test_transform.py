"""Transform jobs, with a container and a bucket that are fakes."""

import gzip
import json
import threading
from pathlib import Path

import pytest

from local_cloud.sagemaker.errors import ApiError, JobError
from local_cloud.sagemaker.records import Records
from local_cloud.sagemaker.servers import Reply
from local_cloud.sagemaker.transform import TransformJobs

ROLE = "arn:aws:iam::123456789012:role/model"


class Bucket:
    """S3 that holds the objects of one bucket."""

    def __init__(self, **objects):
        self.objects = objects
        self.encryption = {}

    def get_paginator(self, _):
        return self

    def paginate(self, **asked):
        keys = sorted(key for key in self.objects if key.startswith(asked["Prefix"]))
        return [{"Contents": [{"Key": key} for key in keys]}]

    def download_file(self, bucket, key, path):
        Path(path).write_bytes(self.objects[key])

    def upload_file(self, path, bucket, key, **more):
        self.objects[key] = Path(path).read_bytes()
        self.encryption[key] = more["ExtraArgs"]


class Surroundings:
    """A cloud with one bucket, and a record of what it was told."""

    account, region = "123456789012", "us-east-1"

    def __init__(self, bucket):
        self.bucket, self.events, self.logs = bucket, [], []

    def role_session(self, role_arn):
        return self if role_arn == ROLE else None

    def client(self, _):
        return self.bucket

    def emit(self, detail_type, detail, resource):
        self.events.append((detail_type, detail["TransformJobStatus"]))

    def put_log(self, group, stream, lines):
        self.logs += [(group, stream, line) for line in lines]


class Container:
    """A model that answers each line with its length, or as it is told."""

    def __init__(self, parameters=None, answer=None):
        self.parameters, self.bodies, self.headers = parameters, [], {}
        self.answer = answer or (lambda body: b"".join(b"%d\n" % len(line) for line in body.split(b"\n")))
        self.environment, self.stopped, self.busy, self.busiest = {}, False, 0, 0
        self.lock = threading.Lock()

    def get(self, path):
        assert path == "/execution-parameters"
        return (
            Reply(200, json.dumps(self.parameters).encode(), {}) if self.parameters else Reply(404, b"", {})
        )

    def invoke(self, body, headers):
        with self.lock:
            self.bodies.append(body)
            self.headers, self.busy = headers, self.busy + 1
            self.busiest = max(self.busiest, self.busy)
        answer = self.answer(body)
        with self.lock:
            self.busy -= 1
        return answer if isinstance(answer, Reply) else Reply(200, answer, {})

    def stop(self):
        self.stopped = True


class Cloud:
    """A model, a bucket with files under ``in/``, and the jobs of an account."""

    def __init__(self, container, files):
        self.bucket = Bucket(**{f"in/{name}": body for name, body in files.items()})
        self.around, self.container = Surroundings(self.bucket), container
        self.records = Records("123456789012", "us-east-1")
        model = {
            "ModelName": "m",
            "ExecutionRoleArn": ROLE,
            "Containers": [{"Image": "i", "Environment": {"OWN": "1", "CAPTURE": "log"}}],
        }
        self.jobs = TransformJobs(self.records, None, self.around, lambda name: model, self._start)

    def _start(self, model, images, around, log):
        self.container.environment = model["Containers"][0]["Environment"]
        return self.container

    def transform(self, **request):
        request = {
            "TransformJobName": "t",
            "ModelName": "m",
            "TransformInput": given(),
            "TransformOutput": {"S3OutputPath": "s3://bucket/out/", "AssembleWith": "Line"},
            "TransformResources": {"InstanceType": "ml.m5.large", "InstanceCount": 1},
            **request,
        }
        self.jobs.create(request)
        return self.jobs.wait("t")

    def output(self, name="rows.csv"):
        return self.bucket.objects.get(f"out/{name}.out")


def given(split="Line", content_type="text/csv", **more):
    source = {"S3DataSource": {"S3DataType": "S3Prefix", "S3Uri": "s3://bucket/in/"}}
    return {"DataSource": source, "ContentType": content_type, "SplitType": split, **more}


@pytest.fixture
def cloud():
    return lambda container=None, **files: Cloud(
        container or Container(), {name.replace("__", "."): body for name, body in files.items()}
    )


def test_lines_are_asked_together_and_answered_in_their_order(cloud):
    made = cloud(rows__csv=b"1,2\r\n33,44\n\n5,6")

    job = made.transform(
        TransformOutput={"S3OutputPath": "s3://bucket/out", "AssembleWith": "Line", "KmsKeyId": "k"}
    )

    assert job["TransformJobStatus"] == "Completed"
    assert made.container.bodies == [b"1,2\n33,44\n5,6"]
    assert made.output() == b"3\n5\n3\n"
    assert made.bucket.encryption["out/rows.csv.out"] == {
        "ServerSideEncryption": "aws:kms",
        "SSEKMSKeyId": "k",
    }
    assert made.container.stopped


def test_one_record_each_if_that_is_the_strategy(cloud):
    made = cloud(rows__csv=b"1\n22\n")

    made.transform(BatchStrategy="SingleRecord")

    assert made.container.bodies == [b"1", b"22"]
    assert made.output() == b"1\n2\n"


def test_a_request_holds_as_many_records_as_fit(cloud):
    line = b"x" * 400_000
    made = cloud(rows__csv=b"\n".join([line] * 5))

    made.transform(MaxPayloadInMB=1)

    assert [body.count(b"\n") + 1 for body in made.container.bodies] == [2, 2, 1]
    assert made.output() == b"400000\n" * 5


def test_a_record_that_fits_in_no_request_fails_the_job(cloud):
    made = cloud(rows__csv=b"x" * 2**20 + b"y\n")

    job = made.transform(MaxPayloadInMB=1)

    assert job["FailureReason"] == "ClientError: See job logs for more information"
    assert made.output() is None


def test_a_file_that_is_not_split_is_one_request(cloud):
    made = cloud(rows__csv=b"1\n22\n")

    made.transform(TransformInput=given("None"), TransformOutput={"S3OutputPath": "s3://bucket/out"})

    assert made.container.bodies == [b"1\n22\n"]
    assert made.output() == b"1\n2\n0\n"


def test_files_may_be_packed(cloud):
    made = cloud(rows__csv=gzip.compress(b"1\n22\n"))

    made.transform(TransformInput=given(CompressionType="Gzip"))

    assert made.output() == b"1\n2\n"


def test_the_container_says_how_it_is_asked_and_the_request_has_the_last_word(cloud):
    gate = threading.Barrier(3, timeout=10)

    def wait_for_others(body):
        gate.wait()
        return b"ok\n"

    wishes = {"MaxConcurrentTransforms": 3, "MaxPayloadInMB": 100, "BatchStrategy": "MULTI_RECORD"}
    container = Container(wishes, wait_for_others)
    made = cloud(container, rows__csv=b"1\n2\n3\n")

    job = made.transform(BatchStrategy="SingleRecord")

    assert job["TransformJobStatus"] == "Completed"
    assert container.busiest == 3


def test_the_container_is_told_that_it_serves_a_job(cloud):
    made = cloud(rows__csv=b"1\n")

    made.transform(MaxPayloadInMB=6, Environment={"CAPTURE": "no"})

    assert made.container.environment == {
        "OWN": "1",
        "CAPTURE": "no",
        "SAGEMAKER_BATCH": "true",
        "SAGEMAKER_MAX_PAYLOAD_IN_MB": "6",
    }
    assert made.container.headers == {"content-type": "text/csv"}


def test_answers_are_joined_to_json_lines(cloud):
    container = Container(answer=lambda body: b'{"score": 1}\n' * (body.count(b"\n") + 1))
    made = cloud(container, rows__jsonl=b'{"row": 1, "x": {"a": 2}}\n{"row": 2, "x": {"a": 3}}\n')
    lines = "application/jsonlines"

    made.transform(
        TransformInput=given(content_type=lines),
        TransformOutput={"S3OutputPath": "s3://bucket/out", "AssembleWith": "Line", "Accept": lines},
        DataProcessing={
            "InputFilter": "$.x",
            "JoinSource": "Input",
            "OutputFilter": "$['row','SageMakerOutput']",
        },
    )

    assert container.bodies == [b'{"a": 2}\n{"a": 3}']
    assert list(map(json.loads, made.output("rows.jsonl").splitlines())) == [
        {"row": 1, "SageMakerOutput": {"score": 1}},
        {"row": 2, "SageMakerOutput": {"score": 1}},
    ]


def test_too_few_answers_cannot_be_joined(cloud):
    made = cloud(Container(answer=lambda body: b"1\n"), rows__csv=b"1\n2\n")
    output = {"S3OutputPath": "s3://bucket/out", "AssembleWith": "Line", "Accept": "text/csv"}

    job = made.transform(TransformOutput=output, DataProcessing={"JoinSource": "Input"})

    assert job["TransformJobStatus"] == "Failed"
    assert any("1 predictions for 2 records" in line for _, _, line in made.around.logs)


def test_a_refused_request_fails_the_job_at_once_and_the_log_says_why(cloud):
    container = Container(answer=lambda body: Reply(400, b"row 1 is no row", {}))
    made = cloud(container, rows__csv=b"1\n")

    job = made.transform()

    assert job["FailureReason"] == "ClientError: See job logs for more information"
    assert len(container.bodies) == 1
    assert (
        "/aws/sagemaker/TransformJobs",
        "t/data-log",
        "[sagemaker logs]: bucket/in/rows.csv: ClientError: 400. Message: row 1 is no row",
    ) in made.around.logs


def test_a_container_that_fails_is_asked_again(cloud):
    replies = [Reply(500, b"", {}), b"1\n"]
    made = cloud(Container(answer=lambda body: replies.pop(0)), rows__csv=b"1\n")

    assert made.transform()["TransformJobStatus"] == "Completed"


def test_a_container_that_always_fails_fails_the_job(cloud):
    container = Container(answer=lambda body: Reply(500, b"", {}))
    made = cloud(container, rows__csv=b"1\n")

    job = made.transform(ModelClientConfig={"InvocationsMaxRetries": 1})

    assert job["FailureReason"] == "AlgorithmError: See job logs for more information"
    assert len(container.bodies) == 2


def test_files_that_could_be_answered_are_stored_though_another_fails(cloud):
    container = Container(answer=lambda body: Reply(400, b"", {}) if b"bad" in body else b"1\n")
    made = cloud(container, a__csv=b"good\n", b__csv=b"bad\n", c__csv=b"good\n")

    assert made.transform()["TransformJobStatus"] == "Failed"
    assert (made.output("a.csv"), made.output("b.csv"), made.output("c.csv")) == (b"1\n", None, b"1\n")


def test_a_job_without_files_fails(cloud):
    assert "No S3 objects found" in cloud().transform()["FailureReason"]


def test_a_job_that_is_stopped_stores_nothing(cloud):
    asked, go_on = threading.Event(), threading.Event()

    def slow(body):
        asked.set()
        go_on.wait(10)
        return b"1\n"

    made = cloud(Container(answer=slow), rows__csv=b"1\n")
    waiting = threading.Thread(target=made.transform)
    waiting.start()
    asked.wait(10)
    made.jobs.stop("t")
    go_on.set()
    waiting.join(10)

    assert made.jobs.wait("t")["TransformJobStatus"] == "Stopped"
    assert made.output() is None


def test_the_event_bus_hears_of_the_job(cloud):
    made = cloud(rows__csv=b"1\n")

    made.transform()

    kind = "SageMaker Transform Job State Change"
    assert made.around.events == [(kind, "InProgress"), (kind, "Completed")]


@pytest.mark.parametrize(
    ("request_", "says"),
    [
        ({"MaxPayloadInMB": 101}, "cannot exceed 100 MB"),
        ({"MaxPayloadInMB": 20, "MaxConcurrentTransforms": 6}, "cannot exceed 100 MB"),
        ({"TransformInput": given("RecordIO")}, "SplitType RecordIO is not available"),
        ({"DataCaptureConfig": {"DestinationS3Uri": "s3://b/c"}}, "DataCaptureConfig of transform jobs"),
        ({"DataProcessing": {"InputFilter": "$..x"}}, "InputFilter"),
        ({"DataProcessing": {"OutputFilter": "id"}}, "OutputFilter"),
        ({"DataProcessing": {"JoinSource": "Input"}}, "the same ContentType and Accept"),
        (
            {
                "DataProcessing": {"JoinSource": "Input"},
                "TransformOutput": {"S3OutputPath": "s3://b/o", "Accept": "text/csv"},
            },
            "the same SplitType and AssembleWith",
        ),
    ],
)
def test_what_aws_refuses_and_what_is_not_built_here_is_refused(cloud, request_, says):
    made = cloud(rows__csv=b"1\n")

    with pytest.raises(ApiError, match=says):
        made.transform(**request_)
    assert made.records.tables["TransformJob"] == {}


def test_a_container_that_does_not_start_fails_the_job(cloud):
    made = cloud(rows__csv=b"1\n")

    def broken(*_):
        raise JobError("no ping")

    made.jobs._start_server = broken

    assert made.transform()["FailureReason"] == "AlgorithmError: See job logs for more information"
