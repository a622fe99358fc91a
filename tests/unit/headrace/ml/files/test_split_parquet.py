"""A Parquet file is cut by its row groups, and judged as it is as a whole."""

import pickle
from itertools import chain
from types import SimpleNamespace

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from headrace.ml.files import split_parquet as module
from headrace.ml.files.options import Corpus, ReadOptions
from headrace.ml.files.parquet_pages import Pages
from headrace.ml.files.ranges import ByteRange
from headrace.ml.files.refusal import FileReason, FileRefusedError
from headrace.ml.files.small import head_of
from headrace.ml.files.split_parquet import footer_place, is_parquet, split_parquet
from headrace.ml.files.table_file import open_table
from tests.hostile_files.columnar import PARQUET, longer_page
from tests.unit.headrace.ml.split_reading import copied, split, split_groups


def written(folder, rows=40, name="rows.parquet", **settings):
    path = folder / name
    table = pa.table({"id": list(range(rows)), "text": [f"row {n}" for n in range(rows)]})
    pq.write_table(table, path, **{"row_group_size": 10, **settings})
    return path


def cut(path, options, part_bytes=1):
    data = path.read_bytes()
    return split_parquet(path, footer_place(data[-8:], len(data)), part_bytes, options)


def reading(tables):
    """Return the cells of all tables, or why they are refused."""
    try:
        return [block.cells.to_pylist() for table in tables() for block in table.blocks()]
    except FileRefusedError as error:
        return error.reason


def test_parts_of_neighbouring_row_groups_have_about_the_bytes_that_are_asked_for(tmp_path):
    path = written(tmp_path)
    one = cut(path, ReadOptions()).parts[0].place

    found = cut(path, ReadOptions(), (one.end - one.start) * 3 // 2)

    assert [part.groups for part in found.parts] == [range(2), range(2, 4)]
    assert [part.rows for part in found.parts] == [20, 20]
    assert found.parts[0].place.end == found.parts[1].place.start
    assert found.parts[1].place.end == found.footer.start
    assert pickle.loads(pickle.dumps(found)) == found


@pytest.mark.parametrize(("settings", "part_bytes"), [({"row_group_size": 40}, 1), ({}, 10**6)])
def test_a_file_of_one_part_is_read_by_one_machine(tmp_path, settings, part_bytes):
    assert cut(written(tmp_path, **settings), ReadOptions(), part_bytes) is None


def test_every_part_is_read_from_its_own_bytes(tmp_path):
    path = written(tmp_path)

    whole, tables = split(path, tmp_path, ReadOptions(), 1)

    found = [block for table in tables for block in table.blocks()]
    assert whole.names == ["id", "text"]
    assert [block.cells["id"].to_pylist()[0] for block in found] == ["0", "10", "20", "30"]
    assert [block.row_numbers.tolist() for block in found] == [list(range(1, 11))] * 4


@pytest.mark.parametrize("rows", [1, 10_000, 30_000])
def test_first_rows_are_those_of_the_whole_file(tmp_path, rows):
    path = written(tmp_path, rows=45_000, row_group_size=3000)
    whole = split_groups(path, tmp_path, ReadOptions(), 1)

    head = whole.head(rows)

    assert head.count == 1
    found = head_of(head.table(0, copied(path, head, 0, tmp_path / "head")), rows=rows)
    assert found.cells.equals(head_of(open_table(path, tmp_path, ReadOptions()), rows=rows).cells)
    assert len(head.parts[0].groups) == min(15, -(-(rows + 20_000) // 3000))


@pytest.mark.parametrize("name", [name for name, fault in PARQUET.items() if not fault.slow])
def test_a_hostile_file_is_judged_as_it_is_as_a_whole(tmp_path, name):
    path = tmp_path / "rows.parquet"
    path.write_bytes(PARQUET[name].make())
    expected = reading(lambda: [open_table(path, tmp_path, ReadOptions())])

    def tables():
        if not is_parquet(path.read_bytes()[:16], ReadOptions()) or cut(path, ReadOptions()) is None:
            return [open_table(path, tmp_path, ReadOptions())]
        return split(path, tmp_path, ReadOptions(), 1)[1]

    found = reading(tables)

    if isinstance(expected, FileReason):
        assert found == expected
    else:
        assert list(chain.from_iterable(found)) == list(chain.from_iterable(expected))


def test_a_page_of_a_later_part_that_lies_about_its_size_refuses_the_file(tmp_path):
    path = written(tmp_path, compression="gzip")
    data, place = path.read_bytes(), cut(path, ReadOptions()).parts[2].place
    later = longer_page(data[place.start : place.end], 5000)
    path.write_bytes(data[: place.start] + later + data[place.end :])

    with pytest.raises(FileRefusedError) as refused:
        [block for table in split(path, tmp_path, ReadOptions(), 1)[1] for block in table.blocks()]

    assert refused.value.reason == FileReason.DAMAGED


def test_pages_that_are_too_large_only_together_refuse_the_file(tmp_path):
    found = cut(written(tmp_path), ReadOptions(max_mb=1))

    with pytest.raises(FileRefusedError) as refused:
        found.with_pages([Pages(10, 2**19), Pages(10, 2**19 + 1)])

    assert refused.value.reason == FileReason.TOO_LARGE


def test_the_largest_page_of_any_part_says_how_many_rows_are_unpacked_at_once(tmp_path):
    by_beginnings = {"use_dictionary": False, "column_encoding": {"text": "DELTA_BYTE_ARRAY"}}
    found = cut(written(tmp_path, **by_beginnings), ReadOptions())

    assert found.with_pages([Pages(10, 10), Pages(2**22, 2**22)]).file.rows_at_once == 2


def test_a_file_longer_than_a_file_may_be_is_refused_by_its_length(tmp_path):
    path = written(tmp_path)

    with pytest.raises(FileRefusedError) as refused:
        split_parquet(path, ByteRange(0, 2**20 + 1), 1, ReadOptions(max_mb=1))

    assert refused.value.reason == FileReason.TOO_LARGE


@pytest.mark.parametrize(
    "places", [[(4, 60), (50, 90)], [(50, 90), (4, 50)], [(4, 50), (50, 101)], [(-1, 9)]]
)
def test_row_groups_that_do_not_lie_in_order_before_the_footer_are_left_to_one_machine(places):
    groups = [
        SimpleNamespace(num_rows=1, num_columns=1, column=lambda _, place=place: column(*place))
        for place in places
    ]
    about = SimpleNamespace(num_row_groups=len(groups), row_group=groups.__getitem__)

    assert module._row_groups(about, ByteRange(100, 120)) is None


def column(start, end):
    return SimpleNamespace(
        data_page_offset=start, has_dictionary_page=False, total_compressed_size=end - start
    )


def test_a_text_of_a_corpus_is_no_parquet_whatever_it_begins_with():
    options = ReadOptions(corpus=Corpus("class", "text", "text"), key="incoming/x/good/1.txt")

    assert is_parquet(b"PAR1", ReadOptions())
    assert not is_parquet(b"PAR1", options)
