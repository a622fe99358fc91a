import io
import json
from dataclasses import replace

import pytest
from botocore.exceptions import ClientError

from headrace.aws.contract_store import KEY, ContractStore, version_key
from headrace.ml.contract import ColumnSchema, Contract

OURS = Contract("regression", (ColumnSchema("y", "number", "target"), ColumnSchema("x", "number")))
THEIRS = Contract("regression", (ColumnSchema("y", "number", "target"), ColumnSchema("x", "category")))


def refused(code):
    return ClientError({"Error": {"Code": code}}, "PutObject")


class Bucket(dict):
    """S3 with conditional writes, which answers to the first writes of the contract as it is told."""

    def __init__(self, *refusals):
        self.refusals, self.writes = list(refusals), 0

    def get_object(self, Bucket, Key):  # noqa: N803 - AWS's names
        if Key not in self:
            raise ClientError({"Error": {"Code": "NoSuchKey"}}, "GetObject")
        return {"Body": io.BytesIO(self[Key]), "ETag": str(hash(self[Key]))}

    def put_object(self, Bucket, Key, Body, IfNoneMatch=None, IfMatch=None):  # noqa: N803
        assert (IfNoneMatch == "*") != bool(IfMatch)
        if Key == KEY:
            self.writes += 1
            if self.refusals:
                code, contract = self.refusals.pop(0)
                if contract:
                    self[KEY] = json.dumps(contract.as_dict()).encode()
                raise refused(code)
        if (IfNoneMatch and Key in self) or (IfMatch and str(hash(self[Key])) != IfMatch):
            raise refused("PreconditionFailed")
        self[Key] = Body

    def versions(self):
        return sorted(key for key in self if key != KEY)


def store(*refusals):
    bucket = Bucket(*refusals)
    return bucket, ContractStore(bucket, "artifacts")


def test_before_the_first_file_there_is_no_contract():
    assert store()[1].load() is None


def test_the_first_contract_that_is_offered_counts():
    bucket, contracts = store()

    assert contracts.offer(OURS) == OURS
    assert contracts.load() == OURS
    assert bucket.versions() == ["contract/v0001.json"]


def test_the_contract_of_a_quicker_file_counts_for_this_one_too():
    _, contracts = store(("PreconditionFailed", THEIRS))

    assert contracts.offer(OURS) == THEIRS


def test_two_writes_at_the_same_time_leave_one_contract_for_both():
    """S3 answers 409 while the other write goes on, of which nothing can be seen yet."""
    bucket, contracts = store(("ConditionalRequestConflict", None), ("PreconditionFailed", THEIRS))

    assert contracts.offer(OURS) == THEIRS
    assert bucket.writes == 2


def test_writes_that_never_stop_conflicting_let_the_file_come_again():
    _, contracts = store(*[("ConditionalRequestConflict", None)] * 10)

    with pytest.raises(ClientError, match="ConditionalRequestConflict"):
        contracts.offer(OURS)


def test_a_refusal_of_another_kind_is_not_taken_for_a_contract():
    _, contracts = store(("AccessDenied", None))

    with pytest.raises(ClientError, match="AccessDenied"):
        contracts.offer(OURS)


def test_every_version_is_kept_beside_the_present_one():
    bucket, contracts = store()

    contracts.offer(OURS)
    second = contracts.offer(replace(THEIRS, version=2))

    assert contracts.load() == second
    assert json.loads(bucket[version_key(1)]) == OURS.as_dict()
    assert json.loads(bucket[version_key(2)]) == second.as_dict()


def test_a_version_that_is_not_the_next_one_any_more_gives_way():
    bucket, contracts = store()
    contracts.offer(OURS)
    quicker = contracts.offer(replace(THEIRS, version=2))
    before = dict(bucket)

    assert contracts.offer(replace(OURS, version=2)) == quicker
    assert bucket == before


def test_the_version_of_a_writer_that_was_stopped_is_kept_by_the_next():
    bucket, contracts = store()
    contracts.offer(OURS)
    del bucket[version_key(1)]

    contracts.offer(replace(THEIRS, version=2))

    assert bucket.versions() == ["contract/v0001.json", "contract/v0002.json"]


def test_a_contract_of_a_release_without_versions_is_the_first():
    bucket, contracts = store()
    bucket[KEY] = json.dumps({"problem": "regression", "columns": [{"name": "x", "kind": "number"}]}).encode()

    assert contracts.load().version == 1
