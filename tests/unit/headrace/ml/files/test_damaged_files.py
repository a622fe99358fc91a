import random

import pytest

from headrace.ml.files.refusal import FileRefusedError
from headrace.ml.files.small import read_bytes
from tests.hostile_files.archives import COMPRESSED, ZIP
from tests.hostile_files.columnar import AVRO, PARQUET
from tests.hostile_files.texts import CSV, JSON
from tests.hostile_files.workbooks import WORKBOOKS

GOOD = {
    "csv": CSV["windows line ends"],
    "json": JSON["list"],
    "gzip": COMPRESSED["gzip"],
    "bzip2": COMPRESSED["bzip2"],
    "xz": COMPRESSED["xz"],
    "zstd": COMPRESSED["zstd"],
    "zip": ZIP["one table"],
    "workbook": WORKBOOKS["good"],
    "parquet": PARQUET["good"],
    "avro": AVRO["good"],
}


def damaged(good, chance):
    """The file cut somewhere, or whole, with some bytes that are not what they were."""
    data = bytearray(good[: chance.randrange(1, len(good))] if chance.random() < 0.3 else good)
    for _ in range(chance.randrange(1, 6)):
        data[chance.randrange(len(data))] = chance.randrange(256)
    return bytes(data)


def outcome(data):
    try:
        read_bytes(data)
    except FileRefusedError:
        return "refused"
    return "read"


@pytest.mark.parametrize("kind", GOOD)
def test_a_damaged_file_is_read_or_refused_and_raises_nothing_else(kind):
    good, chance = GOOD[kind].make(), random.Random(7)

    outcomes = {outcome(damaged(good, chance)) for _ in range(60)}

    assert "refused" in outcomes or kind in ("csv", "json")
