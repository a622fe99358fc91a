import numpy as np
import pandas as pd
import pytest

from headrace.config.pipeline import Pipeline
from headrace.ml.contract import ColumnSchema
from sagemaker_jobs.failures import JobError
from sagemaker_jobs.part_stream import PartStream
from sagemaker_jobs.parts import MissingColumnError, read_part
from sagemaker_jobs.spec import Spec

SCHEMA = (ColumnSchema("x", "number"), ColumnSchema("season", "category"))
PIPELINE = Pipeline.model_validate({"name": "bike", "problem": "regression", "target": "y"})
SPEC = Spec(PIPELINE, SCHEMA, "", "")


@pytest.fixture
def folder(tmp_path):
    """Three files of 1000, 500 and 1 rows, in groups of 300."""
    first = 0
    for number, rows in enumerate((1000, 500, 1)):
        x = np.arange(first, first + rows, dtype=np.float64)
        season = np.where(x % 3 == 0, None, np.where(x % 3 == 1, " fall", "spring"))
        frame = pd.DataFrame({"x": x, "season": season, "y": 2 * x, "unused": "…" * 50})
        frame.to_parquet(tmp_path / f"part-{number}.parquet", row_group_size=300)
        first += rows
    return tmp_path


def test_a_stream_has_the_rows_of_the_part(folder):
    batches = list(PartStream.of(folder, SPEC).batches())

    whole = read_part(folder, SPEC)
    for name in ("x", "season"):
        assert (
            np.concatenate([batch.columns[name] for batch in batches]).tolist()
            == whole.columns[name].tolist()
        )
    assert np.concatenate([batch.target for batch in batches]).tolist() == whole.target.tolist()
    assert max(batch.rows for batch in batches) <= 300


def test_another_order_loses_no_row_and_follows_from_the_seed(folder):
    stream = PartStream.of(folder, SPEC)

    def mixed(seed):
        batches = stream.batches(np.random.default_rng(seed))
        return [x for batch in batches for x in batch.columns["x"].tolist()]

    assert sorted(mixed(1)) == list(range(1501))
    assert mixed(1) == mixed(1) != mixed(2)


def test_a_sample_is_spread_evenly(folder):
    sample = PartStream.of(folder, SPEC).sample(100)

    assert sample.columns["x"].tolist() == list(range(0, 1501, 16))


def test_rows_of_a_category_share_one_text(folder):
    part = read_part(folder, SPEC)

    assert {id(season) for season in part.columns["season"][:300] if season == "fall"} == {
        id(part.columns["season"][1])
    }
    assert set(part.columns["season"]) == {None, "fall", "spring"}


def test_batches_are_smaller_where_rows_are_larger(tmp_path):
    rng = np.random.default_rng(0)
    rows = [rng.bytes(100_000).hex() for _ in range(20)]
    pd.DataFrame({"message": rows, "y": 1.0}).to_parquet(tmp_path / "part.parquet")

    stream = PartStream.of(tmp_path, Spec(PIPELINE, (ColumnSchema("message", "text"),), "", ""))

    assert 300 < stream.batch_rows < 340  # 64 MB of 200 kB each


def test_a_missing_column_is_named(folder):
    with pytest.raises(MissingColumnError, match="'wind'"):
        PartStream.of(folder, Spec(PIPELINE, (ColumnSchema("wind", "number"),), "", ""))


def test_a_damaged_file_is_told(folder):
    (folder / "part-1.parquet").write_bytes(b"PAR1 and no more")

    with pytest.raises(JobError, match="cannot be read"):
        PartStream.of(folder, SPEC)
