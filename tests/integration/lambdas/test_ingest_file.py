"""Dropped files, through the handler, to everything that it writes."""

import gzip
import io
import json
from dataclasses import replace

import awswrangler as wr
import pandas as pd
import pytest

from headrace.aws.contract_store import ContractStore
from headrace.config.contract import ContractBlock
from headrace.ml.contract import ColumnSchema, Contract
from lambdas.ingest_file import handler as ingest_file
from tests.integration.lambdas.ingestion import GOOD, HEADER, PARTLY_BAD, PIPELINE, message, take


def test_a_good_file_becomes_typed_rows_in_the_catalogue(cloud):
    assert take(cloud.drop(GOOD)) == []

    rows = cloud.curated()
    assert rows["cnt"].tolist() == [3.0 * n for n in range(1, 11)]
    assert rows["air_temp"].dtype == "float64"
    table = wr.catalog.get_table_types(database="headrace_bike", table="curated")
    assert table == {
        "instant": "string",
        "day": "timestamp",
        "air_temp": "double",
        "cnt": "double",
        "ingest_date": "string",
    }
    assert wr.catalog.get_partitions(database="headrace_bike", table="curated") == {
        "s3://data/curated/ingest_date=2026-01-31/": ["2026-01-31"]
    }


def test_a_good_file_is_written_down_and_announced(cloud):
    take(cloud.drop(GOOD))

    (item,) = cloud.ledger()
    assert (item["key"], item["rows"], item["quarantined"], item["refused"]) == (
        "incoming/2011-01.csv",
        10,
        0,
        None,
    )
    assert len(item["sha256"]) == 64
    (event,) = cloud.events
    assert event["DetailType"] == "DataAccepted"
    assert json.loads(event["Detail"])["rows"] == 10
    assert cloud.keys("quarantine/") == []


def test_the_good_rows_of_a_partly_bad_file_are_kept(cloud):
    take(cloud.drop(GOOD))
    take(cloud.drop(PARTLY_BAD, "2011-02.csv"))

    assert len(cloud.curated()) == 10 + 3
    (rejected,) = [key for key in cloud.keys("quarantine/2011-02.csv/") if key.endswith("rejected.csv")]
    refused = pd.read_csv(io.StringIO(cloud.text(rejected)), dtype=str)
    assert refused[["row", "bad_column", "value_class", "reason"]].to_numpy().tolist() == [
        ["1", "Air Temp", "text", "not_a_number"],
        ["3", "cnt", "nothing", "missing"],
    ]
    assert refused["Air Temp"].tolist() == ["warm", "0.4"]


def test_the_reason_names_row_and_column_and_repeats_no_value(cloud):
    take(cloud.drop(GOOD))
    take(cloud.drop(PARTLY_BAD, "2011-02.csv"))

    reason = cloud.reason()
    assert (reason["file"], reason["accepted"], reason["rows"]) == ("incoming/2011-02.csv", 3, 2)
    assert {(e["row"], e["column"], e["reason"]) for e in reason["examples"]} == {
        (1, "Air Temp", "not_a_number"),
        (3, "cnt", "missing"),
    }
    assert "warm" not in json.dumps(reason)


@pytest.mark.parametrize(
    ("body", "code"),
    [
        (b"", "empty"),
        (HEADER.encode(), "no_rows"),
        (b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR", "binary"),
        (b"<html><body>Sign in</body></html>", "not_a_table"),
        (b'{"instant": 1}', "contract"),
        (b"PAR1 cut off", "damaged"),
        (gzip.compress(GOOD.encode())[:40], "broken_archive"),
        (b"a,b\n1,2\n", "contract"),
        ((HEADER + "1,2011-01-01,x,1\n2,2011-01-02,y,\n3,2011-01-03,z,\n").encode(), None),
        (GOOD.encode() + b"9" * 2**20, "too_large"),
        (gzip.compress(GOOD.encode() + b"\n" * 2**21), "too_large"),
    ],
    ids="empty header image page json parquet gzip columns kinds large bomb".split(),
)
def test_a_file_that_cannot_be_used_is_kept_whole_with_the_reason(cloud, body, code):
    if code is None:
        take(cloud.drop(GOOD, "first.csv"))
        code = "contract_kind_changed"
    assert take(cloud.drop(body, "bad.csv")) == []

    reason = cloud.reason()
    assert reason["code"] == code
    assert reason["why"]
    (original,) = [key for key in cloud.keys("quarantine/bad.csv/") if key.endswith("original")]
    assert cloud.s3.get_object(Bucket="data", Key=original)["Body"].read() == body
    assert [item["refused"] for item in cloud.ledger() if "bad" in item["key"]] == [code]
    assert all("bad.csv" not in event["Detail"] for event in cloud.events)


def test_a_refused_file_leaves_its_tags_behind(cloud):
    """To copy them takes permissions on tags, which the function does not have."""
    announced = cloud.drop(b"", "bad.csv")
    tags = {"TagSet": [{"Key": "owner", "Value": "ops"}]}
    cloud.s3.put_object_tagging(Bucket="data", Key="incoming/bad.csv", Tagging=tags)

    assert take(announced) == []

    (original,) = [key for key in cloud.keys("quarantine/bad.csv/") if key.endswith("original")]
    assert cloud.s3.get_object_tagging(Bucket="data", Key=original)["TagSet"] == []


def test_a_version_that_was_overwritten_meanwhile_is_the_one_that_is_kept_in_quarantine(cloud):
    announced = cloud.drop(b"not,what\n1,2\n", "a.csv")
    cloud.drop(GOOD, "a.csv")

    take(announced)

    (original,) = [key for key in cloud.keys("quarantine/a.csv/") if key.endswith("original")]
    assert cloud.text(original) == "not,what\n1,2\n"


def test_parquet_and_gzip_are_recognised_by_their_content(cloud):
    frame = pd.read_csv(io.StringIO(GOOD))
    buffer = io.BytesIO()
    frame.to_parquet(buffer)

    assert take(cloud.drop(buffer.getvalue(), "a.csv")) == []
    later = GOOD.replace("2011-01", "2011-02").encode()
    assert take(cloud.drop(gzip.compress(later), "b.txt")) == []

    assert len(cloud.curated()) == 20


@pytest.mark.parametrize(
    "key", ["a b.csv", "größe+1.csv", "2011/01/März (final) %20.csv", "a&b=c?.csv", "日本.csv"]
)
def test_any_name_of_a_file_will_do(cloud, key):
    assert take(cloud.drop(GOOD, key)) == []
    assert take(cloud.drop(PARTLY_BAD, key)) == []

    assert len(cloud.curated()) == 13
    assert any(name.startswith(f"quarantine/{key}/") for name in cloud.keys("quarantine/"))


@pytest.mark.parametrize("letter", ["n", "温"])
def test_the_longest_name_that_s3_allows_will_do(cloud, letter):
    key = letter * ((1024 - len("incoming/.csv")) // len(letter.encode())) + ".csv"

    assert take(cloud.drop(GOOD, key)) == []
    assert take(cloud.drop(PARTLY_BAD, key)) == []

    assert len(cloud.curated()) == 13
    assert [item["key"] for item in cloud.ledger()] == [f"incoming/{key}"] * 2
    assert cloud.reason()["file"] == f"incoming/{key}"


def test_an_event_that_comes_twice_is_taken_once(cloud):
    announced = cloud.drop(GOOD)

    take(announced)
    take(announced)

    assert len(cloud.curated()) == 10
    assert len(cloud.ledger()) == 1
    assert len(cloud.events) == 1


def test_a_new_version_of_a_file_is_another_file(cloud):
    first = cloud.drop(GOOD)
    second = cloud.drop(GOOD.replace("2011-01", "2011-03"))

    take(first, second)

    days = cloud.curated()["day"]
    assert sorted(set(days.dt.strftime("%Y-%m"))) == ["2011-01", "2011-03"]
    assert len(cloud.ledger()) == 2


def test_a_message_that_fails_comes_again_and_holds_up_no_other(cloud):
    lost = {**message("incoming/foreign.csv", "v1", 10), "body": '{"source": "aws.s3"}'}

    assert take(lost, cloud.drop(GOOD)) == [lost["messageId"]]
    assert len(cloud.curated()) == 10


def test_a_file_that_was_deleted_before_it_was_read_is_written_down_as_missing(cloud):
    announced = cloud.drop(GOOD)
    for version in cloud.s3.list_object_versions(Bucket="data")["Versions"]:
        cloud.s3.delete_object(Bucket="data", Key=version["Key"], VersionId=version["VersionId"])

    assert take(announced) == []

    (item,) = cloud.ledger()
    assert (item["refused"], item["sha256"]) == ("object_missing", "")
    assert cloud.reason()["code"] == "object_missing"


def test_a_file_whose_ledger_entry_failed_is_taken_again_and_not_doubled(cloud, monkeypatch):
    announced = cloud.drop(GOOD)
    ledger = ingest_file._deps().ports.ledger

    def broken(_):
        raise ConnectionError("the table is away")

    with monkeypatch.context() as patch:
        patch.setattr(type(ledger), "record", lambda self, file: broken(file))
        assert take(announced) == [announced["messageId"]]
    assert take(announced) == []

    assert len(cloud.curated()) == 10
    assert len(cloud.ledger()) == 1


def test_a_folder_made_in_the_console_is_no_file(cloud):
    assert take(cloud.drop(b"", "2011/")) == []

    assert cloud.ledger() == []
    assert cloud.keys("quarantine/") == []


def test_no_value_of_a_row_is_logged(cloud, log, capfd):
    secret = "Hildegard4711"
    take(cloud.drop(GOOD))
    take(cloud.drop(HEADER + f"31,2011-02-01,{secret},5\n" + "32,2011-02-02,1,5\n" * 1, "2.csv"))

    printed = capfd.readouterr()
    assert "file taken" in log.getvalue()
    assert secret not in log.getvalue() + printed.out + printed.err


def test_the_counts_of_rows_become_metrics(cloud, capfd):
    take(cloud.drop(GOOD))
    capfd.readouterr()
    take(cloud.drop(PARTLY_BAD, "2.csv"))

    emitted = [json.loads(line) for line in capfd.readouterr().out.splitlines() if '"_aws"' in line]
    values = {name: value for line in emitted for name, value in line.items() if isinstance(value, list)}
    assert (values["RowsAccepted"], values["RowsQuarantined"], values["FilesAccepted"]) == (
        [3.0],
        [2.0],
        [1.0],
    )


def test_a_column_that_came_later_is_added_to_the_table(cloud, function, monkeypatch):
    accepting = PIPELINE.model_copy(update={"contract": ContractBlock(new_columns="accept")})
    monkeypatch.setattr(ingest_file, "_deps", lambda: replace(function, pipeline=accepting))
    wider = "instant,day,Air Temp,wind,cnt\n" + "".join(
        f"{n},2011-02-{n:02d},1,{n}.5,3\n" for n in range(1, 11)
    )

    take(cloud.drop(GOOD))
    assert take(cloud.drop(wider, "2011-02.csv")) == []
    take(cloud.drop(GOOD.replace("2011-01", "2011-03"), "2011-03.csv"))

    assert wr.catalog.get_table_types(database="headrace_bike", table="curated")["wind"] == "double"
    assert sorted(item["contract_version"] for item in cloud.ledger()) == [1, 2, 2]
    assert cloud.keys("contract/", "artifacts") == [
        "contract/contract.json",
        "contract/v0001.json",
        "contract/v0002.json",
    ]
    assert json.loads(cloud.text("contract/v0002.json", "artifacts"))["changes"] == [
        "the new column 'wind' is a number"
    ]
    assert cloud.curated()["wind"].notna().sum() == 10


def test_a_breach_of_the_contract_is_counted_for_the_alarm(cloud, capfd):
    take(cloud.drop(GOOD))
    capfd.readouterr()
    take(cloud.drop(GOOD.replace("Air Temp", "Temp"), "2.csv"))

    emitted = [json.loads(line) for line in capfd.readouterr().out.splitlines() if '"_aws"' in line]
    assert [line["ContractBreaches"] for line in emitted if "ContractBreaches" in line] == [[1.0]]
    assert cloud.reason()["code"] == "contract_missing_column"
    assert cloud.reason()["why"] == "column 'Air Temp' is missing"


def test_files_that_change_the_contract_at_once_agree_on_every_version(cloud):
    """S3 lets one of two conditional writes through; the other file is compared again with what came of it."""
    store = ContractStore(cloud.s3, "artifacts")
    columns = (ColumnSchema("y", "number", "target"), ColumnSchema("x", "number"))
    first = store.offer(Contract("regression", columns))

    def further(present, name):
        columns = (*present.columns, ColumnSchema(name, "number", came_later=True))
        return replace(present, columns=columns, version=present.version + 1, changes=(name,))

    class Slow:
        """A client between whose reading and writing another file changes the contract."""

        def __init__(self):
            self.others = ["quicker", "quickest"]

        def get_object(self, **request):
            answer = cloud.s3.get_object(**request)
            if self.others:
                store.offer(further(store.load(), self.others.pop()))
            return answer

        def put_object(self, **request):
            return cloud.s3.put_object(**request)

    slow, present, versions = ContractStore(Slow(), "artifacts"), first, []
    while not versions:
        proposed = further(present, "slow")
        present = slow.offer(proposed)
        versions += [present.version] * (present == proposed)

    assert versions == [4]
    kept = [json.loads(cloud.text(f"contract/v000{version}.json", "artifacts")) for version in range(1, 5)]
    assert [version["changes"] for version in kept[1:]] == [["quickest"], ["quicker"], ["slow"]]
    assert [len(version["columns"]) for version in kept] == [2, 3, 4, 5]
    assert store.load().as_dict() == kept[-1]
