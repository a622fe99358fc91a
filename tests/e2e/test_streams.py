"""Records through the deployed stacks: labelled ones become files that are taken in, others are answered; labels of
answers are joined to them and learnt from."""

import io
import json
import shutil
import sys
import tarfile
from datetime import UTC, datetime
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import requests
from botocore.auth import SigV4Auth
from botocore.awsrequest import AWSRequest
from botocore.credentials import Credentials

from headrace.aws.letter_box import LetterBox
from local_cloud.sagemaker.images import Image, ImageStore
from tests.e2e.cloud import ACCOUNT, REGION, eventually, running
from tests.e2e.deployment import deployed
from tests.integration.sagemaker_jobs.opt_ml import OptMl, rows

REPO = Path(__file__).parents[2]
IMAGE = f"{ACCOUNT}.dkr.ecr.{REGION}.amazonaws.com/rides:1"
PIPELINE = {
    "name": "rides",
    "problem": "regression",
    "target": "rides",
    "id": "ride_id",
    "stream": {"training": True, "scoring": True, "shards": 1, "buffer_seconds": 1},
    "feedback": {"api": True, "gather_seconds": 0},
}
STACKS = ("data", "stream", "feedback")


@pytest.fixture(scope="module")
def cloud(new_cloud):
    with running(new_cloud()) as cloud:
        yield cloud


@pytest.fixture(scope="module")
def outputs(cloud, tmp_path_factory):
    """The outputs of the stacks that records need; training and serving are left out."""
    return deployed(cloud, tmp_path_factory.mktemp("app"), PIPELINE, *STACKS)


@pytest.fixture(scope="module")
def model(tmp_path_factory):
    """The archive of a trained model."""
    job = OptMl(tmp_path_factory.mktemp("model"), estimator="linear")
    assert job.train(rows(300), rows(100, 1)) == 0
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w:gz") as tar:
        tar.add(job.model, ".")
    return buffer.getvalue()


@pytest.fixture(scope="module")
def endpoint(cloud, outputs, model):
    """The pipeline's endpoint with the pipeline's own container, as the serving stack would have made it."""
    store = ImageStore(cloud.settings.state_dir / "images")
    root = store.folder_of("rides", "1") / "root"
    for package in ("headrace", "sagemaker_jobs"):
        shutil.copytree(
            REPO / package, root / "program" / package, ignore=shutil.ignore_patterns("__pycache__")
        )
    store.save("rides", "1", Image(root, "/program", ("python", "-m", "sagemaker_jobs"), {}))
    bucket, sagemaker, name = outputs["ArtifactsBucketName"], cloud.client("sagemaker"), "headrace-rides"
    cloud.client("s3").put_object(Bucket=bucket, Key="model.tar.gz", Body=model)
    sagemaker.create_model(
        ModelName=name,
        ExecutionRoleArn=cloud.role({"Action": "s3:*", "Resource": "*"}, principal="sagemaker"),
        PrimaryContainer={"Image": IMAGE, "ModelDataUrl": f"s3://{bucket}/model.tar.gz"},
    )
    variant = {"VariantName": "v1", "ModelName": name}
    serverless = {"MemorySizeInMB": 2048, "MaxConcurrency": 5}
    sagemaker.create_endpoint_config(
        EndpointConfigName=name, ProductionVariants=[{**variant, "ServerlessConfig": serverless}]
    )
    sagemaker.create_endpoint(EndpointName=name, EndpointConfigName=name)
    in_service(sagemaker, name)
    yield name
    sagemaker.delete_endpoint(EndpointName=name)


def in_service(sagemaker, name):
    endpoint = eventually(
        lambda: sagemaker.describe_endpoint(EndpointName=name),
        lambda endpoint: endpoint["EndpointStatus"] != "Creating",
    )
    assert endpoint["EndpointStatus"] == "InService", endpoint["FailureReason"]


@pytest.fixture(scope="module")
def put_file(cloud, tmp_path_factory):
    """Put the rows of a frame with the producer of the documentation."""

    def put_file(stream, frame):
        file = tmp_path_factory.mktemp("rows") / "rows.csv"
        frame.to_csv(file, index=False)
        return cloud.run(sys.executable, "-m", "demo.put_records", stream, file, PYTHONPATH=str(REPO))

    return put_file


def some_rows(count):
    frame = rows(count)[["temp", "season", "holiday", "at", "rides"]]
    return frame.assign(ride_id=[f"ride-{number}" for number in range(count)])


def test_labelled_records_become_a_file_that_is_taken_in(cloud, outputs, put_file):
    done = put_file(outputs["LabelledStreamName"], some_rows(40))

    s3, bucket = cloud.client("s3"), outputs["DataBucketName"]

    def keys(prefix):
        found = s3.list_objects_v2(Bucket=bucket, Prefix=prefix).get("Contents", [])
        return [entry["Key"] for entry in found]

    (file,) = eventually(lambda: keys("incoming/stream/"))
    lines = s3.get_object(Bucket=bucket, Key=file)["Body"].read().decode().splitlines()
    assert done.stdout == f"40 records put into {outputs['LabelledStreamName']}\n", done.stderr
    assert [json.loads(line)["ride_id"] for line in lines] == [f"ride-{number}" for number in range(40)]
    eventually(lambda: keys("curated/"))
    assert keys("quarantine/") == []

    def taken():
        entries = cloud.client("dynamodb").scan(TableName=outputs["LedgerTableName"])["Items"]
        return [entry for entry in entries if entry["pk"]["S"] == "file" and file in json.dumps(entry)]

    (entry,) = eventually(taken)
    assert (entry["rows"]["N"], entry["quarantined"]["N"]) == ("40", "0")


def test_records_are_answered_and_poison_does_not_hold_them_up(cloud, outputs, endpoint, put_file):
    kinesis, stream = cloud.client("kinesis"), outputs["RecordStreamName"]
    put_file(stream, some_rows(10).drop(columns="rides"))
    kinesis.put_record(StreamName=stream, PartitionKey="k", Data=b"the secret is 4711")
    kinesis.put_record(StreamName=stream, PartitionKey="k", Data=b'{"ride_id": "poor", "temp": 4711}')
    put_file(stream, some_rows(11).tail(1).drop(columns="rides"))

    answers = eventually(lambda: predictions(cloud, outputs), lambda found: len(found) >= 11)
    letters = eventually(lambda: dead_letters(cloud, outputs), lambda found: len(found) == 2)

    assert {answer["id"] for answer in answers} == {f"ride-{number}" for number in range(11)}
    assert {answer["model_version"] for answer in answers} == {"v1"}
    assert all(isinstance(answer["prediction"]["score"], float) for answer in answers)
    assert dict(letters).keys() == {"not_json", "refused_by_model"}
    assert "no columns 'season', 'holiday', 'at'" in dict(letters)["refused_by_model"]
    assert "4711" not in json.dumps(logs(cloud, "ScoreRecords"))


def test_dead_letters_have_a_second_way_in(cloud, outputs, endpoint):
    letters = LetterBox(cloud.client("sqs"), cloud.client("kinesis"), *queue_and_stream(outputs))
    before = eventually(letters.look, lambda found: len(found) == 2)

    put = letters.put_back()

    # Nobody has repaired them, so they are refused again.
    again = eventually(letters.look, lambda found: len(found) == 2)
    assert put == (2, 0)
    assert {letter.record for letter in again} == {letter.record for letter in before}
    assert {letter.first for letter in again}.isdisjoint(letter.first for letter in before)


def queue_and_stream(outputs):
    return outputs["DeadLettersUrl"], outputs["RecordStreamName"]


def predictions(cloud, outputs):
    """Read the stream of predictions from its beginning, as one who may do that and nothing else."""
    stream = outputs["PredictionStreamName"]
    arn = f"arn:aws:kinesis:{REGION}:{ACCOUNT}:stream/{stream}"
    key = cloud.client("kinesis").describe_stream(StreamName=stream)["StreamDescription"]["KeyId"]
    kinesis = cloud.as_role(
        {"Action": ["kinesis:GetShardIterator", "kinesis:GetRecords"], "Resource": arn},
        {"Action": "kms:Decrypt", "Resource": key},
    )("kinesis")
    start = {"StreamName": stream, "ShardId": "shardId-000000000000", "ShardIteratorType": "TRIM_HORIZON"}
    iterator = kinesis.get_shard_iterator(**start)["ShardIterator"]
    return [json.loads(record["Data"]) for record in kinesis.get_records(ShardIterator=iterator)["Records"]]


def dead_letters(cloud, outputs):
    """Return reason and detail of the letters that lie in the queue."""
    sqs, queue = cloud.client("sqs"), outputs["DeadLettersUrl"]
    answer = sqs.receive_message(QueueUrl=queue, MaxNumberOfMessages=10, VisibilityTimeout=1)
    letters = [json.loads(message["Body"]) for message in answer.get("Messages", [])]
    return [(letter["reason"], letter["detail"]) for letter in letters]


def logs(cloud, function):
    client = cloud.client("logs")
    groups = [group["logGroupName"] for group in client.describe_log_groups()["logGroups"]]
    (group,) = [name for name in groups if function in name]
    return [event["message"] for event in client.filter_log_events(logGroupName=group)["events"]]


def test_labels_find_their_predictions_and_are_learnt_from(cloud, outputs):
    """The predictions are put where they are recorded: the stack that records them is not deployed here."""
    s3, data, artifacts = cloud.client("s3"), outputs["DataBucketName"], outputs["ArtifactsBucketName"]
    answered = some_rows(3).drop(columns="rides").rename(columns={"ride_id": "_entity"})
    answered = answered.assign(
        _event_id=["a", "b", "c"],
        _inference_id=["ask-1", "ask-2", "ask-3"],
        _row=np.zeros(3, np.int32),
        _time=datetime.now(UTC).replace(tzinfo=None),
        _prediction="1",
        _score=1.0,
    )
    s3.put_object(
        Bucket=artifacts,
        Key=f"predictions/variant=v1/date={datetime.now(UTC):%Y-%m-%d}/a.parquet",
        Body=answered.to_parquet(),
    )

    s3.put_object(
        Bucket=data, Key="feedback/labels.csv", Body=b"inference_id,label\nask-1,7\nask-9,1\nask-2,x\n"
    )
    status, answer = call(cloud, outputs, {"labels": [{"inference_id": "ask-3", "label": 9}]})

    assert (status, answer["accepted"]) == (200, 1)
    dropped = eventually(
        lambda: objects(s3, data, "incoming/feedback/"), lambda found: len(tables(found)) == 2
    )
    labelled = tables(objects(s3, artifacts, "labelled/"))
    assert {row["_inference_id"]: row["_label"] for row in labelled} == {"ask-1": "7", "ask-3": "9"}
    assert {row["ride_id"] for row in tables(dropped)} == {"ride-0", "ride-2"}
    assert call(cloud, outputs, {"labels": []})[0] == 400
    eventually(lambda: taken(cloud, outputs, *dropped))
    assert any("rejected.csv" in key for key in objects(s3, data, "quarantine/feedback/"))
    assert "ask-9" not in json.dumps(logs(cloud, "JoinFeedback"))


def call(cloud, outputs, document):
    """Post to the function's URL, signed as the root of the account; on AWS the host is the URL's own."""
    url = f"{cloud.endpoint}/_aws/lambda-url/{outputs['FeedbackUrl'].split('//')[1].split('.')[0]}/"
    request = AWSRequest("POST", url, data=json.dumps(document), headers={"content-type": "application/json"})
    SigV4Auth(Credentials(ACCOUNT, "local"), "lambda", REGION).add_auth(request)
    answer = requests.post(url, data=request.data, headers=dict(request.headers), timeout=30)
    return answer.status_code, answer.json()


def objects(s3, bucket, prefix):
    found = s3.list_objects_v2(Bucket=bucket, Prefix=prefix).get("Contents", [])
    return {item["Key"]: s3.get_object(Bucket=bucket, Key=item["Key"])["Body"].read() for item in found}


def tables(found):
    return [row for body in found.values() for row in pd.read_parquet(io.BytesIO(body)).to_dict("records")]


def taken(cloud, outputs, *keys):
    """Tell whether files have come in."""
    entries = cloud.client("dynamodb").scan(TableName=outputs["LedgerTableName"])["Items"]
    known = {entry["key"]["S"] for entry in entries if entry["pk"]["S"] == "file" and int(entry["rows"]["N"])}
    return known.issuperset(keys)


def test_while_there_is_no_endpoint_records_wait(cloud, outputs, endpoint, put_file):
    sagemaker = cloud.client("sagemaker")
    sagemaker.delete_endpoint(EndpointName=endpoint)
    before = len(predictions(cloud, outputs))

    put_file(outputs["RecordStreamName"], some_rows(1).drop(columns="rides"))
    eventually(lambda: logs(cloud, "ScoreRecords"), lambda lines: "to be tried again" in " ".join(lines))
    sagemaker.create_endpoint(EndpointName=endpoint, EndpointConfigName=endpoint)

    after = eventually(lambda: predictions(cloud, outputs), lambda found: len(found) > before, within_s=60)
    assert len(after) == before + 1


def test_a_stack_that_is_deleted_leaves_no_stream(cloud, outputs):
    cloudformation = cloud.client("cloudformation")
    cloudformation.delete_stack(StackName="rides-stream")
    cloudformation.get_waiter("stack_delete_complete").wait(
        StackName="rides-stream", WaiterConfig={"Delay": 1}
    )

    assert cloud.client("kinesis").list_streams()["StreamNames"] == []
    assert cloud.client("firehose").list_delivery_streams()["DeliveryStreamNames"] == []
    mappings = cloud.client("lambda").list_event_source_mappings()["EventSourceMappings"]
    assert [mapping for mapping in mappings if ":kinesis:" in mapping["EventSourceArn"]] == []
    groups = cloud.client("logs").describe_log_groups()["logGroups"]
    assert [group["logGroupName"] for group in groups if "rides-stream" in group["logGroupName"]] == []
