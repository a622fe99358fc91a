"""Clean files of every format, encoding and delimiter, none of which may be refused."""

import bz2
import gzip
import io
import lzma
from itertools import product

import pyarrow as pa
import pyarrow.parquet as pq

from headrace.ml.files.unpacking import zstd
from tests.hostile_files.archives import folders, zipped
from tests.hostile_files.columnar import COLUMNS, avro, parquet
from tests.hostile_files.faults import ROWS, Fault, csv
from tests.hostile_files.texts import lines
from tests.hostile_files.workbooks import workbook

ENCODINGS = ("utf-8", "utf-8-sig", "utf-16", "utf-16-le", "utf-16-be", "cp1252", "latin-1")
DELIMITERS = {"commas": ",", "semicolons": ";", "tabs": "\t", "pipes": "|"}
LINE_ENDS = {"unix": "\n", "windows": "\r\n", "mac": "\r"}
PACKERS = {
    "plain": bytes,
    "gzip": gzip.compress,
    "bzip2": bz2.compress,
    "xz": lzma.compress,
    "zstd": zstd().compress,
}
PAGES = ("snappy", "gzip", "none")


def quoted(text):
    return "\n".join(",".join(f'"{cell}"' for cell in line.split(",")) for line in text.splitlines())


def long_table():
    """A table that is much longer than a block, with every kind of cell."""
    rows = [
        (f"{n:07}", f"{n / 7:.4f}", 'Zürich, "old" town'.replace('"', '""') if n % 3 else "", str(n % 9))
        for n in range(40_000)
    ]
    return csv([(a, b, f'"{c}"', d) for a, b, c, d in rows]).encode()


def arrow(**settings):
    sink = io.BytesIO()
    pq.write_table(pa.table(COLUMNS), sink, **settings)
    return sink.getvalue()


def table(make):
    return Fault(make, "10 rows")


CLEAN = {
    **{
        f"csv: {delimiter}, {ends} line ends, {encoding}": table(
            lambda d=delimiter, e=ends, c=encoding: csv(delimiter=DELIMITERS[d], newline=LINE_ENDS[e]).encode(
                c
            )
        )
        for delimiter, ends, encoding in product(DELIMITERS, LINE_ENDS, ENCODINGS)
    },
    **{f"csv in {name}": table(lambda p=pack: p(csv().encode())) for name, pack in PACKERS.items()},
    "csv in a ZIP archive": table(lambda: zipped([("a.csv", csv())])),
    "csv with quotes": table(lambda: quoted(csv()).encode()),
    "csv with spaces around cells": table(lambda: csv().replace(",", " , ").encode()),
    "csv without a last line end": table(lambda: csv().encode().rstrip()),
    "csv with an empty column": table(lambda: csv([(a, b, "", d) for a, b, _, d in ROWS]).encode()),
    "csv of forty thousand rows": Fault(long_table, "40000 rows"),
    **{
        f"json lines in {encoding}": table(lambda c=encoding: "\n".join(lines()).encode(c))
        for encoding in ENCODINGS
    },
    "json list": table(lambda: f"[{', '.join(lines())}]".encode()),
    "json list over many lines": table(lambda: ("[\n" + ",\n".join(lines()) + "\n]\n").encode()),
    **{
        f"json lines in {name}": table(lambda p=pack: p("\n".join(lines()).encode()))
        for name, pack in PACKERS.items()
    },
    **{
        f"parquet {version}, {codec}, dictionary {repeated}": table(
            lambda v=version, c=codec, r=repeated: arrow(version=v, compression=c, use_dictionary=r)
        )
        for version, codec, repeated in product(("1.0", "2.4", "2.6"), PAGES, (True, False))
    },
    "parquet with small groups": table(lambda: parquet(row_group_size=3)),
    **{
        f"avro, {codec}": table(lambda c=codec: avro(c))
        for codec in ("null", "deflate", "bzip2", "xz", "zstandard")
    },
    "workbook": table(workbook),
    "workbook in gzip": table(lambda: gzip.compress(workbook())),
    "texts by class": Fault(lambda: folders("text"), "6 rows", corpus="text"),
    "images by class": Fault(lambda: folders("image"), "6 rows", corpus="image"),
}
