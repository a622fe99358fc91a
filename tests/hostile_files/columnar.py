"""Hostile Parquet, Avro and ORC files."""

import io
import json
import zlib

import fastavro
import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from tests.hostile_files.faults import NAMES, ROWS, Fault
from tests.hostile_files.texts import MB

COLUMNS = {
    "id": [row[0] for row in ROWS],
    "temp": [float(row[1]) for row in ROWS],
    "city": [row[2] for row in ROWS],
    "cnt": [int(row[3]) for row in ROWS],
}


def parquet(columns=None, **settings):
    sink = io.BytesIO()
    pq.write_table(pa.table({**COLUMNS, **(columns or {})}), sink, **settings)
    return sink.getvalue()


def repeated(rows, text, **settings):
    """Rows that all have the same long text, which the file holds once."""
    city = pa.DictionaryArray.from_arrays(pa.array(np.zeros(rows, np.int32)), [text])
    ids = [str(n) for n in range(rows)]
    sink = io.BytesIO()
    table = pa.table({"id": ids, "temp": [1.0] * rows, "city": city, "cnt": [1] * rows})
    pq.write_table(table, sink, **settings)
    return sink.getvalue()


def by_beginning(rows, text):
    """Rows that all have the same long text, of which the file says only that it is that of the row before."""
    columns = {
        "id": [str(n) for n in range(rows)],
        "temp": [1.0] * rows,
        "city": [text] * rows,
        "cnt": [1] * rows,
    }
    sink = io.BytesIO()
    pq.write_table(
        pa.table(columns), sink, use_dictionary=False, column_encoding={"city": "DELTA_BYTE_ARRAY"}
    )
    return sink.getvalue()


def many_rows(rows):
    city = pa.DictionaryArray.from_arrays(pa.array(np.zeros(rows, np.int32)), ["x" * 1000])
    sink = io.BytesIO()
    pq.write_table(pa.table({"city": city}), sink, compression="gzip")
    return sink.getvalue()


def longer_page(data, unpacked):
    """Overwrite what the first page says of its size, by a number of the same length."""
    place = data.index(b"\x15\x04\x15") + 3
    end = place
    while data[end] & 0x80:
        end += 1
    value, coded = unpacked << 1, b""
    for _ in range(end - place):
        coded += bytes([value & 0x7F | 0x80])
        value >>= 7
    return data[:place] + coded + bytes([value & 0x7F]) + data[end + 1 :]


SCHEMA = {
    "type": "record",
    "name": "row",
    "fields": [
        {"name": "id", "type": "string"},
        {"name": "temp", "type": ["null", "double"]},
        {"name": "city", "type": "string"},
        {"name": "cnt", "type": "long"},
    ],
}
RECORDS = [dict(zip(COLUMNS, row, strict=True)) for row in zip(*COLUMNS.values(), strict=True)]


def avro(codec="deflate"):
    sink = io.BytesIO()
    fastavro.writer(sink, SCHEMA, RECORDS, codec=codec)
    return sink.getvalue()


def zigzag(value):
    value, coded = value << 1, b""
    while value > 0x7F:
        coded, value = coded + bytes([value & 0x7F | 0x80]), value >> 7
    return coded + bytes([value])


def container(schema, rows, data, codec="null"):
    def entry(name, value):
        return zigzag(len(name)) + name + zigzag(len(value)) + value

    head = entry(b"avro.schema", json.dumps(schema).encode()) + entry(b"avro.codec", codec.encode())
    sync = bytes(16)
    return b"Obj\x01" + zigzag(2) + head + b"\0" + sync + zigzag(rows) + zigzag(len(data)) + data + sync


def of_fields(**fields):
    return {**SCHEMA, "fields": [{"name": name, "type": kind} for name, kind in fields.items()]}


def deflated(data):
    packer = zlib.compressobj(wbits=-15)
    return packer.compress(data) + packer.flush()


PARQUET = {
    "good": Fault(parquet, "10 rows"),
    "second page format": Fault(lambda: parquet(data_page_version="2.0"), "10 rows"),
    "small pages and groups": Fault(lambda: parquet(row_group_size=2, data_page_size=1), "10 rows"),
    "gzip": Fault(lambda: parquet(compression="gzip"), "10 rows"),
    "encoding by beginnings": Fault(
        lambda: parquet(use_dictionary=False, column_encoding={"city": "DELTA_BYTE_ARRAY"}), "10 rows"
    ),
    "wider numbers": Fault(lambda: parquet({"cnt": pa.array(range(1, 11), pa.int16())}), "10 rows"),
    "long strings": Fault(lambda: parquet({"city": pa.array(["x"] * 10, pa.large_string())}), "10 rows"),
    "column that is new": Fault(lambda: parquet({"new": [1] * 10}), "10 rows"),
    "column that is renamed": Fault(lambda: parquet().replace(b"temp", b"tamp"), "refused: contract"),
    "text where a number was": Fault(lambda: parquet({"temp": ["warm"] * 10}), "0 rows, 10 not_a_number"),
    "moment where a number was": Fault(
        lambda: parquet({"temp": pa.array(range(10), pa.timestamp("ms"))}), "0 rows, 10 not_a_number"
    ),
    "infinity": Fault(lambda: parquet({"temp": [float("inf"), *[1.0] * 9]}), "9 rows, 1 not_a_number"),
    "lists": Fault(lambda: parquet({"city": [[1]] * 10}), "refused: nested"),
    "structures": Fault(lambda: parquet({"city": [{"a": 1}] * 10}), "refused: nested"),
    "bytes that are no text": Fault(lambda: parquet({"city": [b"\xff\xfe"] * 10}), "refused: encoding"),
    "column twice but for case": Fault(lambda: parquet({"CITY": ["x"] * 10}), "refused: duplicate_column"),
    "no rows": Fault(
        lambda: parquet(
            {"id": pa.array([], "string"), **{name: pa.array([], "int64") for name in NAMES[1:]}}
        ),
        "refused: no_rows",
    ),
    "cut": Fault(lambda: parquet()[:-50], "refused: damaged"),
    "magic alone": Fault(lambda: b"PAR1", "refused: damaged"),
    "footer that is elsewhere": Fault(
        lambda: parquet()[:-8] + (2**31 - 1).to_bytes(4, "little") + b"PAR1", "refused: damaged"
    ),
    "encrypted": Fault(lambda: b"PARE" + bytes(100) + b"PARE", "refused: encrypted"),
    "page that unpacks to megabytes": Fault(
        lambda: longer_page(parquet({"id": ["x" * 9000 + str(n) for n in range(10)]}), 1_500_000),
        "refused: damaged",
    ),
    "rows that fit nowhere": Fault(lambda: many_rows(200_000_000), "refused: too_large", slow=True),
    "text of a megabyte again and again": Fault(
        lambda: repeated(2000, "x" * MB), "0 rows, 2000 too_long", slow=True
    ),
    "long text without end": Fault(lambda: repeated(10**6, "x" * 50_000), "refused: too_large", slow=True),
    "categories by their beginnings, which Arrow cannot read": Fault(
        lambda: repeated(9, "x", use_dictionary=False, column_encoding={"city": "DELTA_BYTE_ARRAY"}),
        "refused: codec",
    ),
    "text of a megabyte by its beginning": Fault(
        lambda: by_beginning(200, "x" * MB),
        "0 rows, 200 too_long",
        slow=True,
    ),
    "page of megabytes": Fault(
        lambda: parquet({"city": ["x" * 60 * MB, *["y"] * 9]}), "refused: too_large", slow=True
    ),
}

AVRO = {
    "good": Fault(avro, "10 rows"),
    "snappy": Fault(lambda: container(SCHEMA, 0, b"", "snappy"), "refused: damaged"),
    "zstandard": Fault(lambda: avro("zstandard"), "10 rows"),
    "cut": Fault(lambda: avro()[:-20], "refused: damaged"),
    "cut in its head": Fault(lambda: avro()[:100], "refused: damaged"),
    "magic alone": Fault(lambda: b"Obj\x01", "refused: damaged"),
    "unknown codec": Fault(lambda: container(SCHEMA, 1, b"x", "lzo"), "refused: codec"),
    "no record": Fault(lambda: container({"type": "string"}, 1, b"\2x"), "refused: damaged"),
    "no fields": Fault(lambda: container(of_fields(), 10**9, b""), "refused: damaged"),
    "lists": Fault(
        lambda: container(of_fields(id={"type": "array", "items": "int"}), 1, b"\0"), "refused: nested"
    ),
    "record in itself": Fault(lambda: container(of_fields(id="row"), 1, b"\0"), "refused: nested"),
    "schema that is nested without end": Fault(
        lambda: container("x", 1, b"").replace(b'"x"', b"[" * 3), "refused: damaged"
    ),
    "rows of no bytes": Fault(lambda: container(of_fields(id="null"), 10**12, b""), "refused: too_large"),
    "fewer rows than it says": Fault(
        lambda: container(of_fields(id="int"), 9, b"\2" * 5), "refused: damaged"
    ),
    "more rows than it says": Fault(lambda: container(of_fields(id="int"), 3, b"\2" * 5), "refused: damaged"),
    "text longer than the file": Fault(lambda: container(SCHEMA, 1, zigzag(2**60)), "refused: damaged"),
    "text of a negative length": Fault(lambda: container(SCHEMA, 1, b"\1"), "refused: damaged"),
    "choice that is none": Fault(
        lambda: container(of_fields(id=["null", "int"]), 1, b"\x08"), "refused: damaged"
    ),
    "block of hundreds of megabytes": Fault(
        lambda: container(SCHEMA, 1, deflated(bytes(200 * MB)), "deflate"), "refused: too_large", slow=True
    ),
}

ORC = {"ORC": Fault(lambda: b"ORC\x0a\x0b" + bytes(200) + b"ORC\x17", "refused: codec")}
