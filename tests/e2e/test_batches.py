"""Files through the deployed stacks, as one batch: each accounted for, one training for all."""

import json
from concurrent.futures import ThreadPoolExecutor

import pytest

from tests.e2e.cloud import eventually, policy_document, running
from tests.e2e.deployment import deployed

PIPELINE = {
    "name": "parcels",
    "problem": "regression",
    "target": "price",
    "arrival": {"train": "batch"},
    "training": {"min_rows": 100_000},  # the guard says no: what is tested is how often it is asked
}
STACKS = ("data", "batches", "training")


@pytest.fixture(scope="module")
def cloud(new_cloud):
    with running(new_cloud()) as cloud:
        yield cloud


@pytest.fixture(scope="module")
def outputs(cloud, tmp_path_factory):
    """The outputs of the stacks that batches need; serving and monitoring are left out."""
    return deployed(cloud, tmp_path_factory.mktemp("app"), PIPELINE, *STACKS)


@pytest.fixture(scope="module")
def drop(cloud, outputs):
    def drop(key, body):
        cloud.client("s3").put_object(Bucket=outputs["DataBucketName"], Key=f"incoming/{key}", Body=body)

    return drop


@pytest.fixture(scope="module")
def trainings(cloud, outputs):
    """Return a function that finds the trainings that a marker or a manifest has started."""

    def trainings(key):
        client = cloud.client("stepfunctions")
        runs = client.list_executions(stateMachineArn=outputs["TrainStateMachineArn"])["executions"]
        inputs = [
            json.loads(client.describe_execution(executionArn=run["executionArn"])["input"]) for run in runs
        ]
        return [start["detail"] for start in inputs if start["detail"]["key"] == f"incoming/{key}"]

    return trainings


@pytest.fixture(scope="module")
def entries(cloud, outputs):
    """Return a function that gives the ledger's entries of files below a folder."""

    def entries(folder):
        items = cloud.client("dynamodb").query(
            TableName=outputs["LedgerTableName"],
            KeyConditionExpression="pk = :file",
            ExpressionAttributeValues={":file": {"S": "file"}},
        )["Items"]
        return [item for item in items if item["key"]["S"].startswith(f"incoming/{folder}/")]

    return entries


def rows(number):
    return ("weight,price\n" + "".join(f"{number}.{n},{number * n}\n" for n in range(10))).encode()


def test_thirty_files_and_a_marker_start_one_training(drop, trainings, entries):
    files = {f"day/{n}.csv": b"<html>" if n % 10 == 9 else rows(n) for n in range(30)}

    with ThreadPoolExecutor(8) as pool:
        list(pool.map(drop, files, files.values()))
    drop("day/_SUCCESS", b"")

    (batch,) = eventually(lambda: trainings("day/_SUCCESS"))
    assert (batch["files"], batch["accepted"], batch["quarantined"], batch["rows"]) == (30, 27, 3, 270)
    assert len(entries("day")) == 30


def test_a_marker_that_is_announced_twice_starts_one_training(cloud, outputs, drop, trainings):
    client, machine = cloud.client("stepfunctions"), outputs["BatchStateMachineArn"]
    drop("twice/a.csv", rows(1))
    drop("twice/_SUCCESS", b"")
    eventually(lambda: trainings("twice/_SUCCESS"))
    runs = client.list_executions(stateMachineArn=machine)["executions"]
    inputs = [client.describe_execution(executionArn=run["executionArn"])["input"] for run in runs]
    (event,) = [event for event in inputs if "twice/_SUCCESS" in event]

    again = client.start_execution(stateMachineArn=machine, input=event)["executionArn"]
    eventually(lambda: client.describe_execution(executionArn=again)["status"] == "SUCCEEDED")

    assert len(trainings("twice/_SUCCESS")) == 1


def test_a_manifest_may_come_before_its_files(cloud, outputs, drop, trainings):
    bucket = outputs["DataBucketName"]
    entries = [{"url": "a.csv"}, {"url": f"s3://{bucket}/incoming/late/b.csv"}]
    drop("late/all.manifest.json", json.dumps({"entries": entries}).encode())
    drop("late/b.csv", rows(1))
    machine = outputs["BatchStateMachineArn"]
    running = {"stateMachineArn": machine, "statusFilter": "RUNNING"}
    eventually(lambda: cloud.client("stepfunctions").list_executions(**running)["executions"])
    assert trainings("late/all.manifest.json") == []

    drop("late/a.csv", rows(2))

    (batch,) = eventually(lambda: trainings("late/all.manifest.json"))
    assert (batch["files"], batch["rows"]) == (2, 20)


def test_a_file_that_cannot_be_taken_waits_with_the_dead_letters_until_its_cause_is_gone(
    cloud, drop, entries
):
    """Of three messages that are sent back, two are the same, and one is about a version that was deleted."""
    sqs, iam = cloud.client("sqs"), cloud.client("iam")
    mapping = next(
        m
        for m in cloud.client("lambda").list_event_source_mappings()["EventSourceMappings"]
        if "IngestFile" in m["FunctionArn"]
    )
    queue = sqs.get_queue_url(QueueName=mapping["EventSourceArn"].rpartition(":")[2])["QueueUrl"]
    redrive = sqs.get_queue_attributes(QueueUrl=queue, AttributeNames=["RedrivePolicy"])["Attributes"]
    dead = json.loads(redrive["RedrivePolicy"])["deadLetterTargetArn"].rpartition(":")[2]
    dead_letters = sqs.get_queue_url(QueueName=dead)["QueueUrl"]
    sqs.set_queue_attributes(QueueUrl=queue, Attributes={"VisibilityTimeout": "1"})
    role = cloud.client("lambda").get_function(FunctionName=mapping["FunctionArn"])["Configuration"]["Role"]
    fault = {"RoleName": role.rpartition("/")[2], "PolicyName": "fault"}
    denied = policy_document({"Effect": "Deny", "Action": "s3:GetObjectVersion", "Resource": "*"})
    iam.put_role_policy(**fault, PolicyDocument=denied)
    drop("poison/a.csv", rows(3))

    def receive():
        return sqs.receive_message(QueueUrl=dead_letters, AttributeNames=["All"]).get("Messages")

    (letter,) = eventually(receive, within_s=60)
    assert entries("poison") == []
    iam.delete_role_policy(**fault)
    for body in (letter["Body"], letter["Body"], letter["Body"].replace("poison/a.csv", "poison/gone.csv")):
        sqs.send_message(QueueUrl=queue, MessageBody=body)

    found = eventually(lambda: entries("poison"), lambda items: len(items) == 2)
    assert {(item["key"]["S"], item["refused"].get("S")) for item in found} == {
        ("incoming/poison/a.csv", None),
        ("incoming/poison/gone.csv", "object_missing"),
    }
