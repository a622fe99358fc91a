import numpy as np
import pyarrow as pa

from headrace.ml.files.small import read_bytes
from headrace.ml.privacy.hashing import HASHED, hashed_value
from headrace.ml.privacy.protection import (
    WITHHELD,
    ProtectedFile,
    Protection,
    ProtectionRule,
    same_as_in_cells,
)
from headrace.ml.text_table import TextTable

KEY = b"a key"
RULE = ProtectionRule({"email": "drop", "customer": "hash"}, subject="customer")


def hidden(data, rule=RULE):
    return Protection(rule, KEY).hide(read_bytes(data))


def test_a_dropped_column_is_nowhere_and_a_hashed_one_holds_keyed_hashes():
    cells = hidden(b"customer,email,y\n7,a@b.org,1\n8,c@d.org,2\n7,e@f.org,3\n").cells

    assert cells.column_names == ["customer", "y"]
    first, second, again = cells.column("customer").to_pylist()
    assert first == again == hashed_value("7", KEY) != second
    assert HASHED.fullmatch(first)
    assert hashed_value("7", b"another key") != first


def test_cells_that_are_read_alike_have_one_hash():
    cells = hidden(b"customer,y\n 7 ,1\n7.0,2\nn/a,3\n,4\n").cells

    assert cells.column("customer").to_pylist() == [hashed_value("7", KEY)] * 2 + [None, None]
    assert same_as_in_cells("7.0") == "7"


def test_a_hash_is_not_hashed_again_so_that_refused_rows_can_come_back():
    once = hidden(b"customer,y\n7,1\n")

    assert Protection(RULE, KEY).hide(once).cells.equals(once.cells)


def test_the_text_of_a_broken_row_is_withheld_because_nobody_knows_what_is_where():
    table = hidden(b"customer,email,y\n7,a@b.org,1\n8,c@d.org\n")

    assert table.broken == {2: WITHHELD}


def test_rows_of_people_who_were_erased_are_left_out_and_the_others_keep_their_numbers():
    rule = ProtectionRule({}, subject="customer", erased=(hashed_value("8", KEY),))
    table = hidden(b"customer,y\n7,1\n8,2\n9,3\n 8,4\n", rule)

    assert table.cells.column("customer").to_pylist() == ["7", "9"]
    assert table.row_numbers.tolist() == [1, 3]


def test_an_erased_person_is_known_by_a_hash_too():
    rule = ProtectionRule({"customer": "hash"}, subject="customer", erased=(hashed_value("8", KEY),))
    once = hidden(b"customer,y\n8,2\n9,3\n")

    assert Protection(rule, KEY).hide(once).rows == 1


def test_the_columns_of_a_protected_file_are_those_of_its_blocks():
    class File:
        names = ("email", "customer", "y")

        def blocks(self):
            cells = pa.table({name: pa.array(["1"]) for name in self.names})
            yield TextTable(cells, np.array([1]))

    file = ProtectedFile(File(), Protection(RULE, KEY))

    assert list(file.names) == next(iter(file.blocks())).cells.column_names == ["customer", "y"]
