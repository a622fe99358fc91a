import json

import pytest
from botocore.exceptions import ClientError, ReadTimeoutError

from headrace.aws.dead_letters import DeadLetter, DeadLetters
from headrace.aws.delivery import DeliveryError, deliver_all
from headrace.aws.stream_records import StreamRecord
from headrace.aws.stream_writer import OutputRecord, StreamWriter


class Kinesis:
    """Takes no record whose key is in `full`, as often as that says."""

    def __init__(self, full=()):
        self.full, self.requests = dict(full), []

    def put_records(self, **request):
        keys = [record["PartitionKey"] for record in request["Records"]]
        self.requests.append(keys)
        results = [self._result(key) for key in keys]
        return {"FailedRecordCount": sum("ErrorCode" in r for r in results), "Records": results}

    def _result(self, key):
        if self.full.get(key, 0) > 0:
            self.full[key] -= 1
            return {"ErrorCode": "ProvisionedThroughputExceededException", "ErrorMessage": "Rate exceeded"}
        return {"SequenceNumber": "1", "ShardId": "shardId-000000000000"}


def put(client, *keys, data=b"{}"):
    pauses = []
    StreamWriter(
        client, "arn:aws:kinesis:us-east-1:123456789012:stream/predictions", sleep=pauses.append
    ).put([OutputRecord(key, data) for key in keys])
    return pauses


def test_only_the_records_that_were_not_taken_are_put_again():
    client = Kinesis({"b": 2})

    pauses = put(client, "a", "b", "c")

    assert client.requests == [["a", "b", "c"], ["b"], ["b"]]
    assert len(pauses) == 2


def test_a_shard_that_stays_full_is_an_error():
    with pytest.raises(DeliveryError, match="did not take 1 of 2 entries in 5 attempts"):
        put(Kinesis({"b": 99}), "a", "b")


def test_a_request_has_at_most_what_kinesis_takes():
    by_number, by_size = Kinesis(), Kinesis()

    put(by_number, *["k"] * 501)
    put(by_size, *["k"] * 5, data=b"a" * 2**20)

    assert [len(request) for request in by_number.requests] == [500, 1]
    assert [len(request) for request in by_size.requests] == [3, 2]


@pytest.mark.parametrize(
    "error",
    [
        ClientError({"Error": {"Code": "ResourceNotFoundException", "Message": "gone"}}, "PutRecords"),
        ReadTimeoutError(endpoint_url="https://kinesis"),
    ],
)
def test_a_request_that_fails_is_an_error_of_the_same_kind(error):
    class Failing:
        def put_records(self, **_):
            raise error

    with pytest.raises(DeliveryError, match="the stream predictions"):
        put(Failing(), "a")


def test_pauses_grow():
    pauses = []

    with pytest.raises(DeliveryError):
        deliver_all(["a"], lambda left: left, target="t", sleep=pauses.append)

    assert [0.1 * 2**n >= pause for n, pause in enumerate(pauses, 1)] == [True] * 4
    assert pauses == sorted(pauses)


class Sqs:
    """Takes no message of the first `failures` requests but for the first of each."""

    def __init__(self, failures=0):
        self.failures, self.requests = failures, []

    def send_message_batch(self, **request):
        entries = request["Entries"]
        self.requests.append([json.loads(entry["MessageBody"])["sequence_number"] for entry in entries])
        if len(self.requests) > self.failures:
            return {"Successful": []}
        failed = [{"Id": entry["Id"], "Code": "InternalError", "SenderFault": False} for entry in entries[1:]]
        return {"Successful": [], "Failed": failed}


def letters(count, data=b"x"):
    return [DeadLetter(StreamRecord(str(n), "k", data, 0.0), "not_json", "") for n in range(count)]


def test_only_the_letters_that_were_not_taken_are_sent_again():
    client = Sqs(failures=1)

    DeadLetters(client, "url", sleep=lambda _: None).put(letters(3))

    assert client.requests == [["0", "1", "2"], ["1", "2"]]


def test_a_request_has_at_most_what_sqs_takes():
    by_number, by_size = Sqs(), Sqs()

    DeadLetters(by_number, "url").put(letters(11))
    DeadLetters(by_size, "url").put(letters(3, data=b"a" * 90_000))  # 120,000 characters in base64

    assert [len(request) for request in by_number.requests] == [10, 1]
    assert [len(request) for request in by_size.requests] == [2, 1]
