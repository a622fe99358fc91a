"""What a file may change in the contract, case by case."""

from dataclasses import replace

import pytest

from headrace.ml.column_rules import ColumnRules
from headrace.ml.contract import ColumnSchema, Contract, ContractError, Fields
from headrace.ml.contract_evolution import EvolutionRules, compare
from headrace.ml.files.small import read_bytes
from headrace.ml.label_domain import with_labels

FIELDS = Fields("regression", "y", ignore=("note",))
FIRST = b"n,flag,day,code,note,y\n1,true,2011-01-01,A,hello,1\n2,false,2011-01-02,B,you,2\n"
ACCEPT = EvolutionRules(new_columns="accept", widened_kinds="accept")
REFUSE = EvolutionRules(new_columns="refuse", widened_kinds="refuse", new_labels="refuse")


@pytest.fixture(scope="module")
def contract():
    return compare(None, read_bytes(FIRST), FIELDS, EvolutionRules()).contract


def settle(contract, text, rules=EvolutionRules(), fields=FIELDS):  # noqa: B008 - frozen
    """Compare a file, and return (version, changes, codes of the breaches)."""
    verdict = compare(contract, read_bytes(text.encode()), fields, rules)
    changes = verdict.contract.changes if verdict.contract is not contract else ()
    return verdict.contract.version, list(changes), [str(breach.reason) for breach in verdict.breaches]


@pytest.mark.parametrize("rules", [EvolutionRules(), ACCEPT, REFUSE], ids=["default", "accept", "refuse"])
@pytest.mark.parametrize(
    ("what", "text"),
    [
        ("the same columns", "n,flag,day,code,note,y\n3,true,2011-01-03,C,x,3\n"),
        ("another order", "y,code,day,flag,n,note\n3,C,2011-01-03,true,3,x\n"),
        ("decimals where whole numbers were", "n,flag,day,code,note,y\n3.5,true,2011-01-03,C,x,3.25\n"),
        ("numbers where categories were", "n,flag,day,code,note,y\n3,true,2011-01-03,7,x,3\n"),
        ("another kind in an ignored column", "n,flag,day,code,note,y\n3,true,2011-01-03,C,5,3\n"),
        ("no ignored column", "n,flag,day,code,y\n3,true,2011-01-03,C,3\n"),
        ("columns without values", "n,flag,day,code,note,y\nNA,,,,,3\n"),
        ("half of the cells bad", "n,flag,day,code,note,y\n3,true,2011-01-03,C,,3\nwarm,true,2011-01-03,C,,3\n"),
    ],
)  # fmt: skip
def test_compatible(contract, what, text, rules):
    assert settle(contract, text, rules) == (1, [], []), what


@pytest.mark.parametrize(
    ("text", "default", "accept", "refuse"),
    [
        (
            "n,flag,day,code,y,new\n3,true,2011-01-03,C,3,1.5\n",
            (1, [], []),
            (2, ["the new column 'new' is a number"], []),
            (1, [], ["contract_new_column"]),
        ),
        (
            "n,flag,day,code,y,new\n3,true,2011-01-03,C,3,NA\n",
            (1, [], []),
            (1, [], []),
            (1, [], ["contract_new_column"]),
        ),
        (
            "n,flag,day,code,y\nwarm,true,2011-01-03,C,3\n",
            (1, [], ["contract_kind_changed"]),
            (2, ["column 'n' was a number and is a category now"], []),
            (1, [], ["contract_kind_changed"]),
        ),
        (
            "n,flag,day,code,y\n3,2.5,2011-01-03,C,3\n",
            (1, [], ["contract_kind_changed"]),
            (2, ["column 'flag' was a boolean and is a number now"], []),
            (1, [], ["contract_kind_changed"]),
        ),
        (
            "n,flag,day,code,y\n3,true,Monday,C,3\n",
            (1, [], ["contract_kind_changed"]),
            (2, ["column 'day' was a datetime and is a category now"], []),
            (1, [], ["contract_kind_changed"]),
        ),
        (
            "n,flag,day,code,y\n3,true,7.5,C,3\n",
            (1, [], ["contract_kind_changed"]),
            (1, [], ["contract_kind_changed"]),
            (1, [], ["contract_kind_changed"]),
        ),
        (
            "n,flag,day,code,y\n3,true,2011-01-03,C,red\n",
            (1, [], ["contract_kind_changed"]),
            (1, [], ["contract_kind_changed"]),
            (1, [], ["contract_kind_changed"]),
        ),
        (
            "flag,day,code,y\ntrue,2011-01-03,C,3\n",
            (1, [], ["contract_missing_column"]),
            (1, [], ["contract_missing_column"]),
            (1, [], ["contract_missing_column"]),
        ),
        (
            "flag,day,y\nmaybe,2011-01-03,3\n",
            (1, [], ["contract_missing_column"] * 2 + ["contract_kind_changed"]),
            (2, ["column 'flag' was a boolean and is a category now"], ["contract_missing_column"] * 2),
            (1, [], ["contract_missing_column"] * 2 + ["contract_kind_changed"]),
        ),
    ],
    ids=[
        "new column",
        "new empty column",
        "number to category",
        "boolean to number",
        "datetime to category",
        "datetime to number",
        "target",
        "removed column",
        "several at once",
    ],
)
def test_changes_by_files(contract, text, default, accept, refuse):
    assert settle(contract, text) == default
    assert settle(contract, text, ACCEPT) == accept
    assert settle(contract, text, REFUSE) == refuse


def test_a_column_that_came_later_may_be_absent_again(contract):
    wider = read_bytes(b"n,flag,day,code,y,new\n3,true,2011-01-03,C,3,1.5\n")
    evolved = compare(contract, wider, FIELDS, ACCEPT).contract

    assert settle(evolved, FIRST.decode(), ACCEPT) == (2, [], [])


def test_a_widened_column_has_another_name_in_the_catalogue(contract):
    wider = read_bytes(b"n,flag,day,code,y\nwarm,true,2011-01-03,C,3\n")

    evolved = compare(contract, wider, FIELDS, ACCEPT).contract

    column = evolved.columns[0]
    assert (column.kind, column.stored_as, column.formerly) == ("category", "n_category", (("n", "number"),))
    assert evolved.table_names["n"] == "n_category"
    assert Contract.from_dict(evolved.as_dict()) == evolved


def test_a_new_column_gets_no_name_that_older_files_have_for_another(contract):
    wider = read_bytes(b"n,flag,day,code,y\nwarm,true,2011-01-03,C,3\n")
    evolved = compare(contract, wider, FIELDS, ACCEPT).contract
    more = read_bytes(b"n,flag,day,code,y,n_category\nwarm,true,2011-01-03,C,3,5\n")

    names = compare(evolved, more, FIELDS, ACCEPT).contract.table_names

    assert (names["n"], names["n_category"]) == ("n_category", "n_category_2")


@pytest.mark.parametrize(
    ("fields", "changes"),
    [
        (replace(FIELDS, ignore=()), ["the pipeline file changed column 'note'"]),
        (replace(FIELDS, ignore=("note", "code")), ["the pipeline file changed column 'code'"]),
        (replace(FIELDS, columns={"n": "category"}), ["the pipeline file changed column 'n'"]),
        (replace(FIELDS, rules={"n": ColumnRules(min=0)}), ["the pipeline file changed column 'n'"]),
        (replace(FIELDS, refuse_equal_rows=True), ["the pipeline file changed what becomes of equal rows"]),
        (replace(FIELDS, id="code"), ["the pipeline file changed column 'code'"]),
    ],
    ids=["no longer ignored", "ignored", "kind", "rules", "equal rows", "id"],
)
def test_changes_by_the_pipeline_file(contract, fields, changes):
    assert settle(contract, FIRST.decode(), fields=fields) == (2, changes, [])


def test_a_rule_that_cannot_be_said_of_a_kind_is_told(contract):
    with pytest.raises(ContractError, match="'code' is a category, and `min` and `max` are for numbers"):
        settle(contract, FIRST.decode(), fields=replace(FIELDS, rules={"code": ColumnRules(min=0)}))


@pytest.mark.parametrize(
    ("problem", "new_labels", "known", "seen", "allowed", "broken"),
    [
        ("binary", "accept", (), {"a"}, None, False),
        ("binary", "accept", (), {"a", "b"}, ("a", "b"), False),
        ("binary", "refuse", ("a",), {"b"}, ("a", "b"), False),
        ("binary", "accept", ("a",), {"b", "c"}, None, True),
        ("multiclass", "accept", ("a",), {"b", "c"}, None, False),
        ("multiclass", "refuse", (), {"a", "b", "c"}, ("a", "b", "c"), False),
    ],
)
def test_label_domains(problem, new_labels, known, seen, allowed, broken):
    contract = Contract(
        problem, (ColumnSchema("y", "category", "target"), ColumnSchema("x", "number")), labels=known
    )

    verdict = with_labels(contract, seen, EvolutionRules(new_labels=new_labels), present=contract)

    assert bool(verdict.breaches) == broken
    assert verdict.contract.target.allowed == allowed
