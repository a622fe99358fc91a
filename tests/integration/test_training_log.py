from datetime import UTC, datetime, timedelta

import boto3
import pytest
from moto import mock_aws

from headrace.aws.training_log import Champion, LastTraining, Lock, TrainingLog

NOW = datetime(2026, 1, 31, 12, 0, tzinfo=UTC)
HOUR = timedelta(hours=1)


@pytest.fixture
def table():
    with mock_aws():
        dynamodb = boto3.resource("dynamodb", region_name="us-east-1")
        yield dynamodb.create_table(
            TableName="Ledger",
            KeySchema=[
                {"AttributeName": "pk", "KeyType": "HASH"},
                {"AttributeName": "sk", "KeyType": "RANGE"},
            ],
            AttributeDefinitions=[
                {"AttributeName": "pk", "AttributeType": "S"},
                {"AttributeName": "sk", "AttributeType": "S"},
            ],
            BillingMode="PAY_PER_REQUEST",
        )


@pytest.fixture
def log(table):
    return TrainingLog(table)


def lock(execution, at=NOW):
    return Lock(execution, at.isoformat(), "drift")


def test_only_one_execution_holds_the_lock(log):
    assert log.acquire("training", lock("e1"), stale_after=HOUR) is None
    assert log.acquire("training", lock("e2"), stale_after=HOUR) == lock("e1")
    assert log.acquire("training", lock("e1"), stale_after=HOUR) is None


def test_training_and_deployment_have_a_lock_each(log):
    log.acquire("training", lock("e1"), stale_after=HOUR)

    assert log.acquire("deployment", lock("e2"), stale_after=HOUR) is None
    assert log.holder("deployment") == lock("e2")


def test_a_stale_lock_is_taken_over(log):
    log.acquire("training", lock("e1"), stale_after=HOUR)

    later = lock("e2", NOW + HOUR + timedelta(seconds=1))

    assert log.acquire("training", later, stale_after=HOUR) is None
    assert log.holder("training") == later


def test_a_lock_is_given_back_by_its_holder_only(log):
    log.acquire("training", lock("e1"), stale_after=HOUR)

    log.release("training", "e2")
    assert log.holder("training") == lock("e1")

    log.release("training", "e1")
    log.release("training", "e1")
    assert log.holder("training") is None


def test_a_drift_alarm_is_pending_until_it_is_answered(log):
    assert not log.drift_training_is_pending()

    log.ask_for_drift_training(NOW)
    assert log.drift_training_is_pending()

    log.drift_training_is_done()
    assert not log.drift_training_is_pending()


def test_the_last_training_and_the_champion_are_read_as_they_were_written(log):
    training = LastTraining("e1", "t1", "t2", "failed", "why", True, None, None, 700, False)
    champion = Champion(3, "arn", "s3://b/m", "v3", "t1", "t2", "h")
    assert log.last() is None
    assert log.champion() is None

    log.record(training)
    log.crown(champion)

    assert log.last() == training
    assert log.champion() == champion


def test_rows_are_counted_over_all_files_and_pages(log, table):
    with table.batch_writer() as batch:
        for n in range(300):
            # Large enough for several pages of one megabyte.
            batch.put_item(Item={"pk": "file", "sk": f"{n:04}", "rows": 2, "padding": "x" * 5000})

    assert log.rows() == 600
    assert [item["sk"] for item in log.files()] == [f"{n:04}" for n in range(300)]
