import io
import sys
from datetime import datetime

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from sagemaker_jobs.serve_model.parquet_reader import ParquetReader
from sagemaker_jobs.serve_model.parquet_requests import main, read_parquet

ECHO = """
import sys
from sagemaker_jobs.serve_model.framing import read_frame, write_frame
while (body := read_frame(sys.stdin.buffer)) is not None:
    if body == b"die":
        import os; os.abort()
    if body == b"hang":
        import time; time.sleep(60)
    write_frame(sys.stdout.buffer, b'{"cells": {"x": ["%s"]}}' % body)
"""


def parquet(**columns):
    file = io.BytesIO()
    pq.write_table(pa.table(columns), file)
    return file.getvalue()


REPEATED = pa.DictionaryArray.from_arrays(pa.array([0] * 20_000), ["y" * 10_000])  # 200 MB, unpacked


def test_cells_are_read_as_text():
    body = parquet(
        temp=[0.5, None],
        hr=[1, 2],
        holiday=[True, None],
        at=[datetime(2011, 1, 31, 10), None],
        season=["fall", ""],
    )

    assert read_parquet(body) == {
        "cells": {
            "temp": ["0.5", None],
            "hr": ["1", "2"],
            "holiday": ["true", None],
            "at": ["2011-01-31 10:00:00.000000", None],
            "season": ["fall", ""],
        }
    }


@pytest.mark.parametrize(
    ("body", "why", "too_large"),
    [
        (b"temp\n1\n", "no Parquet file", False),
        (parquet(x=[1])[:-30], "cut or damaged: write it again", False),
        (parquet(x=[[1]]), "no plain value", False),
        (parquet(x=REPEATED), "larger than what a request may hold (32 MB)", True),
    ],
)
def test_what_cannot_be_read_is_said(body, why, too_large):
    read = read_parquet(body)

    assert why in read["refused"]
    assert read["too_large"] is too_large


def test_a_name_that_is_no_text_is_damage():
    body = parquet(abcdefgh=[1]).replace(b"abcdefgh", b"abc\xa3efgh")

    assert "cut or damaged" in read_parquet(body)["refused"]


def test_the_program_reads_until_there_is_no_more():
    out = io.BytesIO()
    frame = len(b"x").to_bytes(8, "big") + b"x"
    main(io.BytesIO(frame * 2 + frame[:5]), out)

    assert out.getvalue().count(b"no Parquet file") == 2


def test_a_file_that_ends_the_process_is_refused_and_the_next_is_read():
    reader = ParquetReader([sys.executable, "-c", ECHO], patience_s=0.5)

    found = [reader.read(body) for body in (b"one", b"die", b"two", b"hang", b"three")]

    assert [list(each) for each in found] == [["cells"], ["refused", "too_large"]] * 2 + [["cells"]]
    assert "damaged" in found[1]["refused"]
    reader._process.kill()
