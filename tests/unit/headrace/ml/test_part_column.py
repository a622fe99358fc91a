"""The column that says the part is no feature, and says nothing else."""

from headrace.ml.cleaning import clean
from headrace.ml.contract import Fields, infer_contract
from headrace.ml.files.small import read_bytes
from headrace.ml.rejections import Reason

FIELDS = Fields("binary", "y", id="n", part="part")
FILE = b"n,part,x,y\n1,train,0.5,a\n2,test,1.5,b\n3,holdout,2.5,a\n4,,2.5,b\n"


def test_it_is_no_feature():
    contract = infer_contract(read_bytes(FILE), FIELDS)

    assert [column.name for column in contract.features] == ["x"]
    assert contract.named("part") == "part"


def test_a_row_that_says_another_part_or_none_is_refused_with_a_reason():
    table = read_bytes(FILE)
    contract = infer_contract(table, FIELDS)

    cleaned = clean(table, contract)

    assert cleaned.good.column("n").to_pylist() == ["1", "2"]
    refused = zip(cleaned.rejections.columns, cleaned.rejections.reasons, strict=True)
    assert list(refused) == [("part", Reason.UNKNOWN_CATEGORY), ("part", Reason.MISSING)]
