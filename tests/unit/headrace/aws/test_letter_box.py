import base64
import json
from types import SimpleNamespace

from headrace.aws.dead_letters import DeadLetter
from headrace.aws.letter_box import LetterBox
from headrace.aws.stream_records import StreamRecord

ARN = "arn:aws:kinesis:us-east-1:123456789012:stream/records"
GIVEN_UP = {
    "requestContext": {"condition": "RetryAttemptsExhausted"},
    "KinesisBatchInfo": {
        "shardId": "shardId-000000000000",
        "startSequenceNumber": "10",
        "endSequenceNumber": "12",
        "batchSize": 3,
        "streamArn": ARN,
    },
}
"""What Lambda sends, as far as it is read; the Lambda developer guide has the rest."""


def letter(number, data=b"{}", key="k"):
    record = StreamRecord(str(number), key, data, 1.0, f"shardId-000000000000:{number}")
    return DeadLetter(record, "not_json", "no JSON").message()


class Queue:
    def __init__(self, *bodies):
        self.messages = {f"r{n}": body for n, body in enumerate(bodies)}
        self.hidden = set()

    def receive_message(self, **request):
        seen = [name for name in self.messages if name not in self.hidden][: request["MaxNumberOfMessages"]]
        self.hidden.update(seen)
        return {"Messages": [{"Body": self.messages[name], "ReceiptHandle": name} for name in seen]}

    def change_message_visibility(self, **request):
        self.hidden.discard(request["ReceiptHandle"])

    def delete_message(self, **request):
        del self.messages[request["ReceiptHandle"]]


class Stream:
    """A shard with records from 8 on, two of which are read at once."""

    def __init__(self, queue, *, oldest=8, newest=14):
        self.queue, self.numbers, self.put = queue, range(oldest, newest + 1), []

    def describe_stream_summary(self, **_):
        return {"StreamDescriptionSummary": {"StreamARN": ARN}}

    def put_records(self, **request):
        self.put += [(record["PartitionKey"], record["Data"]) for record in request["Records"]]
        # What is put is refused again, at once.
        self.queue.messages[f"again{len(self.put)}"] = letter(99)
        return {"FailedRecordCount": 0, "Records": []}

    def get_shard_iterator(self, **request):
        return {"ShardIterator": max(int(request["StartingSequenceNumber"]), self.numbers[0])}

    def get_records(self, **request):
        start = request["ShardIterator"]
        found = [number for number in self.numbers if start <= number < start + 2]
        records = [
            {"SequenceNumber": str(n), "PartitionKey": f"k{n}", "Data": f"{n}".encode()} for n in found
        ]
        return {"Records": records, "NextShardIterator": start + 2, "MillisBehindLatest": 0}


def box(*bodies, **stream):
    queue = Queue(*bodies)
    kinesis = Stream(queue, **stream)
    return SimpleNamespace(queue=queue, stream=kinesis, box=LetterBox(queue, kinesis, "url", "records"))


def test_looking_leaves_the_letters_where_they_are():
    made = box(letter(1), letter(2))

    first, second = made.box.look(), made.box.look()

    assert [found.first for found in first] == [found.first for found in second] == ["1", "2"]
    assert first[0].reason == "not_json"


def test_a_record_is_put_back_as_it_came_once_even_if_it_is_refused_again():
    made = box(letter(1, b'{"temp": 1}', "north"))

    assert made.box.put_back() == (1, 0)
    assert made.stream.put == [("north", b'{"temp": 1}')]
    assert list(made.queue.messages) == ["again1"]


def test_a_batch_that_lambda_gave_up_is_read_from_its_shard():
    made = box(json.dumps(GIVEN_UP))

    assert made.box.put_back() == (3, 0)
    assert made.stream.put == [("k10", b"10"), ("k11", b"11"), ("k12", b"12")]


def test_a_letter_whose_data_was_left_out_is_read_from_its_shard():
    without = json.dumps({**json.loads(letter(13)), "data": None})

    made = box(without)

    assert made.box.put_back() == (1, 0)
    assert made.stream.put == [("k13", b"13")]


def test_a_letter_whose_records_the_stream_no_longer_has_is_kept():
    made = box(json.dumps(GIVEN_UP), oldest=11)

    assert made.box.put_back() == (0, 1)
    assert made.stream.put == []
    assert len(made.queue.messages) == 1


def test_data_of_any_bytes_survives():
    data = bytes(range(256))
    made = box(letter(1, data))

    made.box.put_back()

    assert made.stream.put == [("k", data)]
    assert base64.b64decode(json.loads(letter(1, data))["data"]) == data
