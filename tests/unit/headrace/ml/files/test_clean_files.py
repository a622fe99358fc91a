from types import SimpleNamespace

import pyarrow as pa
import pytest

from headrace.ml.files.refusal import FileReason, FileRefusedError
from headrace.ml.files.small import read_bytes
from tests.hostile_files.clean import CLEAN, arrow
from tests.hostile_files.faults import verdict_on


@pytest.mark.parametrize("name", CLEAN)
def test_no_clean_file_is_refused(name, tmp_path):
    path = tmp_path / "dropped"
    path.write_bytes(CLEAN[name].make())

    assert verdict_on(path, CLEAN[name]) == CLEAN[name].verdict


@pytest.mark.parametrize("codec", ["zstd", "lz4", "brotli"])
def test_parquet_that_the_arrow_of_lambda_cannot_read_names_the_way_out(codec, monkeypatch):
    data = arrow(compression=codec)
    of_lambda = SimpleNamespace(is_available=lambda name: name in ("snappy", "gzip"))
    monkeypatch.setattr(pa, "Codec", of_lambda)

    with pytest.raises(FileRefusedError, match="write it with Snappy") as refused:
        read_bytes(data)

    assert refused.value.reason == FileReason.CODEC
