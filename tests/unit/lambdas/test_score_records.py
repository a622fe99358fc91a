import base64
import json

import pytest

from headrace.aws.delivery import DeliveryError
from headrace.aws.model_endpoint import Answers, EndpointUnavailableError, RowsRefusedError
from headrace.aws.stream_records import StreamRecord, partial_failure, read_records
from lambdas.score_records.handler import Dependencies, score_records
from lambdas.score_records.scoring import MOST_BYTES, Ports, score_batch

UNANSWERABLE = "no column 'temp'"


class Model:
    """Doubles `x`; refuses a request in which a row has no `x`; fails when asked about one of `down`."""

    def __init__(self, down=()):
        self.down, self.requests = set(down), []

    def predict(self, rows, inference_id):
        values = [json.loads(row).get("x") for row in rows]
        self.requests.append((values, inference_id))
        if self.down.intersection(values):
            raise EndpointUnavailableError("ThrottlingException")
        if None in values:
            raise RowsRefusedError(f"row {values.index(None) + 1} has {UNANSWERABLE}")
        return Answers([{"score": 2 * value} for value in values], "v3")


class Taking(list):
    """Takes what is put; refuses it while `full`."""

    full = False

    def put(self, entries):
        if self.full:
            raise DeliveryError("the target did not take 1 of 1 entries in 5 attempts")
        self.extend(entries)


def record(number, data, key="k"):
    if not isinstance(data, bytes):
        data = json.dumps(data).encode()
    return StreamRecord(f"{number:056d}", key, data, 1000.0 + number, f"shardId-000000000001:{number}")


def records(*data):
    return [record(number, entry) for number, entry in enumerate(data)]


class World:
    def __init__(self, down=()):
        self.model, self.output, self.letters = Model(down), Taking(), Taking()
        self.ports = Ports(self.model, self.output, self.letters)

    def score(self, batch, **options):
        return score_batch(batch, self.ports, id_column="id", **options)

    @property
    def put(self):
        return [json.loads(entry.data) for entry in self.output]

    @property
    def reasons(self):
        return [(int(letter.record.sequence_number), letter.reason) for letter in self.letters]


@pytest.fixture
def world():
    return World()


def test_a_batch_is_one_request_and_each_record_gets_its_prediction(world):
    outcome = world.score([record(7, {"id": "a", "x": 1}, "north"), record(8, {"id": "b", "x": 2}, "south")])

    assert world.model.requests == [([1, 2], f"{7:056d}")]
    assert [entry.partition_key for entry in world.output] == ["north", "south"]
    assert world.put == [
        {
            "id": "a",
            "sequence_number": f"{7:056d}",
            "prediction": {"score": 2},
            "model_version": "v3",
            "inference_id": f"{7:056d}",
            "row": 0,
        },
        {
            "id": "b",
            "sequence_number": f"{8:056d}",
            "prediction": {"score": 4},
            "model_version": "v3",
            "inference_id": f"{7:056d}",
            "row": 1,
        },
    ]
    assert (outcome.scored, outcome.refused, outcome.first_failed) == (2, [], None)


def test_an_inference_id_is_no_longer_than_sagemaker_allows(world):
    world.score(records({"x": 1}))

    ((_, inference_id),) = world.model.requests
    assert len(inference_id) <= 64


def test_an_empty_batch_asks_nobody(world):
    outcome = world.score([])

    assert (world.model.requests, outcome.scored, outcome.first_failed) == ([], 0, None)


@pytest.mark.parametrize(
    ("data", "reason"),
    [
        (b"not json", "not_json"),
        (b"", "not_json"),
        (b'{"x": NaN}', "not_json"),
        (b'{"x": "\xff"}', "not_json"),
        (b"[" * 100_000, "not_json"),
        (b"[1]", "not_an_object"),
        (b"null", "not_an_object"),
        (b'{"x": "%s"}' % (b"a" * MOST_BYTES), "too_large"),
        (b'{"y": 1}', "refused_by_model"),
    ],
)
def test_a_record_that_can_never_be_answered_does_not_hold_up_the_others(world, data, reason):
    outcome = world.score(records({"x": 1}, data, {"x": 3}))

    assert [answer["prediction"] for answer in world.put] == [{"score": 2}, {"score": 6}]
    assert world.reasons == [(1, reason)]
    assert outcome.first_failed is None


def test_the_letter_says_what_the_container_said(world):
    world.score(records({"y": 1}))

    (letter,) = world.letters
    assert letter.detail == f"row 1 has {UNANSWERABLE}"
    assert json.loads(letter.message()) == {
        "reason": "refused_by_model",
        "detail": letter.detail,
        "shard_id": "shardId-000000000001",
        "sequence_number": f"{0:056d}",
        "partition_key": "k",
        "arrived_at": 1000.0,
        "data": base64.b64encode(b'{"y": 1}').decode(),
    }


def test_a_letter_that_is_too_long_for_a_message_leaves_the_data_in_the_stream(world):
    world.score(records(b'"%s"' % (b"a" * 200_000)))

    (letter,) = world.letters
    assert json.loads(letter.message())["data"] is None
    assert json.loads(letter.message())["reason"] == "not_an_object"


def test_predictions_keep_the_order_of_the_shard_when_a_request_is_halved(world):
    outcome = world.score(records(*({"x": n} if n != 5 else {} for n in range(8))))

    assert [answer["prediction"]["score"] for answer in world.put] == [0, 2, 4, 6, 8, 12, 14]
    assert world.reasons == [(5, "refused_by_model")]
    assert outcome.scored == 7


def test_a_batch_of_nothing_but_poison_ends(world):
    outcome = world.score(records(*[{}] * 16))

    assert world.reasons == [(number, "refused_by_model") for number in range(16)]
    assert (outcome.scored, outcome.first_failed) == (0, None)


def test_a_throttled_endpoint_makes_the_batch_come_again_from_its_first_record():
    world = World(down=[2])

    outcome = world.score(records({"x": 1}, {"x": 2}))

    assert int(outcome.first_failed.sequence_number) == 0
    assert world.put == []


def test_after_halving_only_what_failed_and_what_follows_comes_again():
    world = World(down=[3])
    # The whole is throttled only once it is known that a record in it is refused.
    world.model.predict = refusing_first(world.model)

    outcome = world.score(records({"x": 0}, {}, {"x": 2}, {"x": 3}))

    assert int(outcome.first_failed.sequence_number) == 2
    assert [answer["prediction"]["score"] for answer in world.put] == [0]
    assert world.reasons == [(1, "refused_by_model")]


def refusing_first(model):
    predict = model.predict

    def refuse(rows, inference_id):
        if any("x" not in json.loads(row) for row in rows):
            raise RowsRefusedError("a row is refused")
        return predict(rows, inference_id)

    return refuse


def test_what_comes_again_is_not_sent_to_the_dead_letters_twice():
    world = World(down=[1])

    outcome = world.score(records(b"before", {"x": 1}, b"behind"))

    assert int(outcome.first_failed.sequence_number) == 1
    assert world.reasons == [(0, "not_json")]
    assert len(outcome.refused) == 1


def test_predictions_that_cannot_be_put_are_made_again(world):
    world.output.full = True

    outcome = world.score(records({"x": 1}, {"x": 2}))

    assert int(outcome.first_failed.sequence_number) == 0
    assert outcome.scored == 0


def test_a_letter_that_cannot_be_sent_makes_its_record_come_again(world):
    world.letters.full = True

    outcome = world.score(records({"x": 1}, b"poison", {"x": 3}))

    assert int(outcome.first_failed.sequence_number) == 1
    assert outcome.refused == []


def test_when_time_is_over_the_rest_comes_again(world):
    outcome = world.score(records({"x": 1}), enough_time=lambda: False)

    assert int(outcome.first_failed.sequence_number) == 0
    assert world.model.requests == []


def test_a_request_stays_below_what_an_endpoint_takes(world):
    large = [{"x": n, "text": "a" * (MOST_BYTES // 2)} for n in range(3)]

    world.score(records(*large))

    assert [values for values, _ in world.model.requests] == [[0], [1], [2]]


class Counted(dict):
    def put(self, metrics, unit=None):
        self.update(metrics)


class Context:
    def get_remaining_time_in_millis(self):
        return 300_000


def run(world, batch):
    metrics = Counted()
    deps = Dependencies("id", world.ports, metrics, lambda: 1010.0)
    return score_records(batch, deps, Context()), metrics


def test_what_was_scored_and_refused_is_counted_and_the_oldest_record_tells_the_latency(world):
    _, metrics = run(world, records({"x": 1}, b"poison", {"x": 3}))

    # The first record arrived at 1000, and the clock says 1010.
    assert metrics == {"RecordsScored": 2, "RecordsRefused": 1, "ScoringLatency": 10_000}


def test_a_batch_that_must_come_again_has_no_latency():
    _, metrics = run(World(down=[1]), records({"x": 1}))

    assert metrics == {"RecordsScored": 0, "RecordsRefused": 0}


def test_the_log_names_refused_records_and_repeats_no_value(world, caplog):
    run(world, records({"x": 1}, b"the secret is 4711", {"id": "Ada", "y": 5}))

    (line,) = caplog.records
    assert line.count == 2
    assert line.records == [
        {"event_id": "shardId-000000000001:1", "reason": "not_json"},
        {"event_id": "shardId-000000000001:2", "reason": "refused_by_model"},
    ]
    assert "4711" not in str(vars(line))
    assert "Ada" not in str(vars(line))


def test_lambda_is_told_the_first_record_that_must_come_again():
    outcome, _ = run(World(down=[1]), records({"x": 1}, {"x": 2}))

    assert partial_failure(outcome.first_failed) == {"batchItemFailures": [{"itemIdentifier": f"{0:056d}"}]}


def test_records_are_read_as_lambda_sends_them():
    """The example event of the Lambda developer guide, "Process Kinesis records with Lambda", shortened."""
    kinesis = {
        "kinesisSchemaVersion": "1.0",
        "partitionKey": "1",
        "sequenceNumber": "49590338271490256608559692538361571095921575989136588898",
        "data": "SGVsbG8sIHRoaXMgaXMgYSB0ZXN0Lg==",
        "approximateArrivalTimestamp": 1545084650.987,
    }
    event_id = "shardId-000000000006:49590338271490256608559692538361571095921575989136588898"

    (found,) = read_records({"Records": [{"kinesis": kinesis, "eventID": event_id}]})

    assert found == StreamRecord(
        kinesis["sequenceNumber"], "1", b"Hello, this is a test.", 1545084650.987, event_id
    )
