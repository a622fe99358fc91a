import json

import pytest

from demo import put_records


class Kinesis:
    """Takes no record whose key is `full`, the first `failures` times."""

    def __init__(self, failures=0):
        self.failures, self.requests = failures, []

    def put_records(self, **request):
        keys = [record["PartitionKey"] for record in request["Records"]]
        self.requests.append(keys)
        failing = len(self.requests) <= self.failures
        results = [{"ErrorCode": "x"} if failing and key == "full" else {} for key in keys]
        return {"FailedRecordCount": sum(map(bool, results)), "Records": results}


@pytest.fixture
def put(monkeypatch, tmp_path):
    """Put the rows of a text, and return the stream."""

    def put(text, *options, failures=0):
        kinesis, file = Kinesis(failures), tmp_path / "rows.csv"
        file.write_text(text)
        monkeypatch.setattr(put_records.boto3, "client", lambda _: kinesis)
        monkeypatch.setattr(put_records.time, "sleep", lambda _: None)
        put_records.main(["stream", str(file), *options])
        return kinesis

    return put


def test_a_row_becomes_an_object_with_numbers_and_nulls(tmp_path):
    (record,) = put_records._rows(["id,temp,season,hum\n", "7,0.5,fall,\n"], None)

    assert json.loads(record["Data"]) == {"id": 7, "temp": 0.5, "season": "fall", "hum": None}
    assert record["PartitionKey"] == "7"


def test_only_what_was_not_taken_is_put_again(put, capsys):
    kinesis = put("id,key\n1,free\n2,full\n", "--key", "key", failures=2)

    assert kinesis.requests == [["free", "full"], ["full"], ["full"]]
    assert capsys.readouterr().out == "2 records put into stream\n"


def test_a_request_has_at_most_500_records(put):
    kinesis = put("id\n" + "".join(f"{number}\n" for number in range(501)))

    assert [len(request) for request in kinesis.requests] == [500, 1]


def test_a_stream_that_stays_full_is_an_error(put):
    with pytest.raises(RuntimeError, match="stream did not take 1 records"):
        put("id\nfull\n", failures=99)
