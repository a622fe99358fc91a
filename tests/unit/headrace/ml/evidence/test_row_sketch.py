import numpy as np
import pytest

from headrace.ml.evidence.row_sketch import MOST_HASHES, RowSketch, feature_hashes


def hashes(first, last):
    numbers = np.arange(first, last, dtype=float)
    return feature_hashes(
        {"x": numbers, "c": (numbers % 7).astype(int).astype(str).astype(object)}, ["x", "c"]
    )


def test_of_few_rows_every_duplicate_is_counted():
    assert RowSketch.of([hashes(0, 500), hashes(500, 900)]).matches(hashes(850, 1000)) == (150, 50)


def test_of_many_rows_the_share_is_estimated_from_a_sample_that_both_sides_have():
    sketch = RowSketch.of([hashes(0, 100_000)])

    compared, again = sketch.matches(hashes(90_000, 110_000))

    assert len(sketch.low) == MOST_HASHES
    assert compared == pytest.approx(20_000 * MOST_HASHES / 100_000, rel=0.1)
    assert again / compared == pytest.approx(0.5, abs=0.05)


def test_it_survives_being_written():
    sketch = RowSketch.of([hashes(0, 20_000)])

    assert RowSketch.from_dict(sketch.as_dict()).matches(hashes(0, 1000)) == sketch.matches(hashes(0, 1000))


def test_the_order_of_the_columns_does_not_matter():
    columns = {"a": np.arange(5.0), "b": np.arange(5.0) * 2}

    assert (feature_hashes(columns, ["a", "b"]) == feature_hashes(columns, ["b", "a"])).all()
