"""From a refused row to an accepted one: drop, refuse, repair the cause, retry, with every row accounted for."""

import gzip
import io
import json
from datetime import UTC, datetime, timedelta

import pandas as pd
import pytest

from headrace.aws import quarantine as module
from headrace.aws.quarantine import NothingToRetryError, Quarantine
from headrace.aws.refusal_ledger import BusyError, RefusalLedger
from headrace.ml.contract import Contract
from tests.integration.lambdas.ingestion import GOOD, HEADER, PARTLY_BAD, message, take

NOW = datetime.now(UTC)
DUPLICATES = HEADER + "31,2011-03-01,0.1,5\n31,2011-03-01,0.2,6\n32,2011-03-02,0.2,7\n"
BROKEN = HEADER + "41,2011-04-01,warm,5\n42\n43,2011-04-02,0.2,7\n44,2011-04-02,0.2,7\n"
HOSTILE = (
    'instant,day,=Air,cnt\n51,2011-05-01,=1+1,x\n52,2011-05-02,\'=1+1,x\n53,2011-05-03,"a ""b"",\nc",x\n'
    '54,2011-05-04,-0.5,x\n55,2011-05-05,,x\n56,2011-05-06,\u00a0=1,x\n57,2011-05-07,"@a\rb",x\n'
    + "".join(f"{n},2011-05-08,y,1\n" for n in range(60, 70))
)


@pytest.fixture
def quarantine(cloud):
    return Quarantine(cloud.s3, "data", cloud.tables.Table("ledger"))


@pytest.fixture
def only(quarantine):
    """What was refused, if it was of one file."""

    def only():
        (refusal,) = quarantine.refusals()
        return refusal

    return only


def announced(cloud, retry, at=None):
    """Return the message about what a retry has dropped."""
    size = cloud.s3.head_object(Bucket="data", Key=retry.key, VersionId=retry.version_id)["ContentLength"]
    return message(retry.key, retry.version_id, size, at or f"{NOW:%Y-%m-%dT%H:%M:%SZ}")


def let_air_temp_be_text(cloud):
    """Edit the contract so that a column may hold any text."""
    contract = json.loads(cloud.text("contract/contract.json", "artifacts"))
    for column in contract["columns"]:
        if column["name"] == "Air Temp":
            column["kind"] = "category"
    assert Contract.from_dict(contract)
    cloud.s3.put_object(Bucket="artifacts", Key="contract/contract.json", Body=json.dumps(contract))


def test_accepted_and_quarantined_rows_are_all_rows_from_the_drop_to_the_last_retry(cloud, quarantine, only):
    take(cloud.drop(GOOD))
    take(cloud.drop(PARTLY_BAD, "2.csv"))
    life = quarantine.life(only())
    assert (life.received, life.accepted, life.in_quarantine) == (5, 3, 2)

    let_air_temp_be_text(cloud)
    retry = quarantine.retry(only(), NOW)
    life = quarantine.life(only())
    assert (life.received, life.accepted, life.on_the_way) == (5, 3, 2)

    take(announced(cloud, retry))
    first, again = quarantine.refusals()
    life = quarantine.life(first)
    assert (life.received, life.accepted, life.in_quarantine) == (5, 4, 1)
    assert (first.state, again.state) == ("retried", "waiting")
    assert "warm" in set(cloud.curated()["air_temp"])


def test_rows_are_dropped_again_in_their_own_columns_and_exactly_as_they_were(cloud, quarantine, only):
    take(cloud.drop(HOSTILE.replace(",x\n", ",1\n"), "first.csv"))
    dropped = pd.read_csv(io.StringIO(HOSTILE), dtype=str, keep_default_na=False, lineterminator="\n")
    take(cloud.drop(HOSTILE, "hostile.csv"))

    retry = quarantine.retry(only(), NOW)

    body = cloud.s3.get_object(Bucket="data", Key=retry.key)["Body"].read()
    again = pd.read_parquet(io.BytesIO(body)).fillna("")
    expected = dropped[dropped["cnt"] == "x"].reset_index(drop=True)
    pd.testing.assert_frame_equal(again.astype(object), expected.astype(object))


def test_a_refused_file_is_dropped_again_under_its_own_key_byte_by_byte(cloud, quarantine, only):
    take(cloud.drop(GOOD))
    body = (HEADER + "1,2011-01-01,x,1\n2,2011-01-02,y,\n3,2011-01-03,4,3\n").encode()
    take(cloud.drop(body, "2.csv"))
    let_air_temp_be_text(cloud)

    retry = quarantine.retry(only(), NOW)
    take(announced(cloud, retry))

    assert retry.key == "incoming/2.csv"
    assert cloud.s3.get_object(Bucket="data", Key=retry.key)["Body"].read() == body
    first, _ = quarantine.refusals()
    life = quarantine.life(first)
    assert (life.received, life.accepted, life.in_quarantine) == (3, 2, 1)


def test_nothing_is_deleted_from_quarantine_by_a_retry(cloud, quarantine, only):
    take(cloud.drop(GOOD))
    take(cloud.drop(PARTLY_BAD, "2.csv"))
    before = cloud.keys("quarantine/")

    quarantine.retry(only(), NOW)

    assert cloud.keys("quarantine/") == before
    assert quarantine.places(only()) == [f"s3://data/{key}" for key in before]


def test_nothing_is_retried_twice(cloud, quarantine, only):
    take(cloud.drop(GOOD))
    take(cloud.drop(PARTLY_BAD, "2.csv"))
    seen_before = only()
    quarantine.retry(only(), NOW)

    for refusal in (seen_before, only()):
        with pytest.raises(BusyError):
            quarantine.retry(refusal, NOW + timedelta(days=1))

    assert len(cloud.keys("incoming/retry/")) == 1


def test_an_event_that_comes_again_does_not_undo_the_mark_of_a_retry(cloud, quarantine, only):
    take(cloud.drop(GOOD))
    take(cloud.drop(PARTLY_BAD, "2.csv"))
    quarantine.retry(only(), NOW)
    (record,) = [item for item in cloud.ledger() if item["quarantined"]]

    RefusalLedger(cloud.tables.Table("ledger")).record(only())

    assert record["reasons"] == {"not_a_number": 1, "missing": 1}
    assert only().state == "retried"


@pytest.mark.parametrize("bad", [PARTLY_BAD, "no,table\n1,2\n"])
def test_a_retry_that_crashed_after_the_drop_is_taken_up_without_dropping_again(
    cloud, quarantine, only, monkeypatch, bad
):
    take(cloud.drop(GOOD))
    take(cloud.drop(bad, "2.csv"))

    def crash(*_):
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr(module.RefusalLedger, "settle", crash)
        with pytest.raises(KeyboardInterrupt):
            quarantine.retry(only(), NOW)
    assert only().state == "retrying"
    with pytest.raises(BusyError):
        quarantine.retry(only(), NOW + timedelta(minutes=14))
    retry = quarantine.retry(only(), NOW + timedelta(minutes=16))

    versions = cloud.s3.list_object_versions(Bucket="data", Prefix=retry.key)["Versions"]
    assert len(versions) == (1 if bad == PARTLY_BAD else 2)
    assert retry.version_id == versions[0]["VersionId"]
    assert only().state == "retried"


def test_a_row_with_a_newer_one_of_its_id_is_not_brought_back(cloud, quarantine, only):
    take(cloud.drop(GOOD))
    take(cloud.drop(DUPLICATES, "2.csv"))

    with pytest.raises(NothingToRetryError, match="newer row"):
        quarantine.retry(only(), NOW)

    assert only().state == "waiting"
    assert cloud.keys("incoming/retry/") == []


def test_a_broken_row_stays_in_quarantine_as_it_was(cloud, quarantine, only):
    take(cloud.drop(GOOD))
    take(cloud.drop(BROKEN, "2.csv"))

    retry = quarantine.retry(only(), NOW)

    assert (retry.rows, only().waiting_rows) == (1, 1)


def test_what_quarantine_has_forgotten_is_told(cloud, quarantine, only):
    take(cloud.drop(GOOD))
    take(cloud.drop(PARTLY_BAD, "2.csv"))
    for key in cloud.keys("quarantine/"):
        cloud.s3.delete_object(Bucket="data", Key=key)

    with pytest.raises(NothingToRetryError, match="keep_days"):
        quarantine.retry(only(), NOW)

    assert (only().state, quarantine.reason(only()), quarantine.places(only())) == ("waiting", {}, [])


def test_a_file_that_was_gone_before_it_was_read_cannot_be_retried(cloud, quarantine, only):
    lost = message("incoming/lost.csv", "00000000-0000-0000-0000-000000000000", 10)
    take(lost)

    with pytest.raises(NothingToRetryError, match="drop it again"):
        quarantine.retry(only(), NOW)


def test_the_rows_of_a_retry_that_are_refused_again_can_be_retried_again(cloud, quarantine, only):
    take(cloud.drop(GOOD))
    take(cloud.drop(PARTLY_BAD, "folder/2.csv"))
    let_air_temp_be_text(cloud)
    first = quarantine.retry(only(), NOW)
    take(announced(cloud, first))
    _, again = quarantine.refusals()

    second = quarantine.retry(again, NOW)

    assert first.key.rpartition("/")[0] == second.key.rpartition("/")[0] == "incoming/retry/folder/2.csv"
    take(announced(cloud, second))
    life = quarantine.life(quarantine.refusals()[0])
    assert (life.received, life.accepted, life.in_quarantine) == (5, 4, 1)


def test_every_refused_row_and_file_has_a_record_without_values(cloud):
    take(cloud.drop(GOOD))
    take(cloud.drop(PARTLY_BAD, "2.csv"))
    take(cloud.drop(b"", "3.csv"))

    lines = [
        json.loads(line)
        for key in cloud.keys("refusals/")
        for line in gzip.decompress(cloud.s3.get_object(Bucket="data", Key=key)["Body"].read()).splitlines()
    ]
    found = {
        (line["file"], line["row_number"], line["column_name"], line["value_class"], line["reason"])
        for line in lines
    }
    assert found == {
        ("incoming/2.csv", 1, "Air Temp", "text", "not_a_number"),
        ("incoming/2.csv", 3, "cnt", "nothing", "missing"),
        ("incoming/3.csv", None, None, None, "empty"),
    }
    assert {line["dropped_at"] for line in lines} == {"2026-01-31T12:00:00Z"}
    assert {line["contract_version"] for line in lines if line["row_number"]} == {1}
    assert all(line["version_id"] for line in lines)
    assert "warm" not in json.dumps(lines)


def test_refusals_are_found_by_reason_day_and_file(cloud, quarantine):
    take(cloud.drop(GOOD))
    take(cloud.drop(PARTLY_BAD, "2.csv"))
    take(cloud.drop(b"", "3.csv"))

    def names(**wanted):
        return [refusal.key for refusal in quarantine.refusals(**wanted)]

    assert sorted(names()) == ["incoming/2.csv", "incoming/3.csv"]
    assert names(reason="empty") == ["incoming/3.csv"]
    assert names(reason="missing") == ["incoming/2.csv"]
    assert len(names(since="2026-01-31")) == 2
    assert names(since="2026-02-01") == []
    assert [refusal.key for refusal in quarantine.of_file("2.csv")] == ["incoming/2.csv"]
    assert quarantine.of_file("incoming/2.csv") == quarantine.of_file("2.csv")
