import numpy as np
import pytest

from headrace.config.features import Augment
from headrace.ml.contract import ColumnSchema
from sagemaker_jobs.augmentation.rows import augment_part
from sagemaker_jobs.parts import Part

SCHEMA = (ColumnSchema("message", "text"), ColumnSchema("hour", "number"))


@pytest.fixture
def part():
    messages = np.array(["one two three four five six", None], dtype=object)
    return Part({"message": messages, "hour": np.array([1.0, 2.0])}, np.array(["spam", "ham"]))


def varied(part, seed=0, **fields):
    return augment_part(part, Augment(**fields), SCHEMA, np.random.default_rng(seed))


def test_without_the_block_rows_stay_as_they_are(part):
    assert augment_part(part, None, SCHEMA, np.random.default_rng(0)) is part


def test_copies_follow_the_rows_and_keep_number_and_target(part):
    more = varied(part, copies=2, word_dropout=0.5)

    assert more.columns["hour"].tolist() == [1, 2, 1, 2, 1, 2]
    assert more.target.tolist() == ["spam", "ham"] * 3
    assert more.columns["message"][:2].tolist() == part.columns["message"].tolist()
    copies = more.columns["message"][2::2]
    assert all(set(copy.split()) < set(part.columns["message"][0].split()) for copy in copies)
    assert more.columns["message"][3] is None


def test_the_same_seed_varies_in_the_same_way(part):
    one, same, other = (varied(part, seed, word_dropout=0.5) for seed in (1, 1, 2))

    assert one.columns["message"][2] == same.columns["message"][2]
    assert one.columns["message"][2] != other.columns["message"][2]
