import io
import json

import pytest
from botocore.exceptions import ClientError

from headrace.aws.contract_store import KEY, ContractStore
from headrace.ml.contract import ColumnSchema, Contract

OURS = Contract("regression", (ColumnSchema("y", "number", "target"), ColumnSchema("x", "number")))
THEIRS = Contract("regression", (ColumnSchema("y", "number", "target"), ColumnSchema("x", "category")))


class Bucket:
    """S3 with one object, which answers to the first writes as it is told."""

    def __init__(self, *refusals):
        self.refusals, self.body, self.writes = list(refusals), None, 0

    def get_object(self, Bucket, Key):  # noqa: N803 - AWS's names
        assert (Bucket, Key) == ("artifacts", KEY)
        if self.body is None:
            raise ClientError({"Error": {"Code": "NoSuchKey"}}, "GetObject")
        return {"Body": io.BytesIO(self.body)}

    def put_object(self, Bucket, Key, Body, IfNoneMatch):  # noqa: N803
        assert IfNoneMatch == "*"
        self.writes += 1
        if self.refusals:
            code, contract = self.refusals.pop(0)
            self.body = contract and json.dumps(contract.as_dict()).encode()
            raise ClientError({"Error": {"Code": code}}, "PutObject")
        self.body = Body


def store(*refusals):
    bucket = Bucket(*refusals)
    return bucket, ContractStore(bucket, "artifacts")


def test_before_the_first_file_there_is_no_contract():
    assert store()[1].load() is None


def test_the_first_contract_that_is_offered_counts():
    _, contracts = store()

    assert contracts.offer(OURS) == OURS
    assert contracts.load() == OURS


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
