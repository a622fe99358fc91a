import numpy as np
import pytest
from PIL import Image

from sagemaker_jobs.augmentation.images import (
    brighten_at_random,
    colour_at_random,
    crop_at_random,
    flip_at_random,
)

HALVES = Image.fromarray(np.array([[[0, 0, 0], [200, 200, 200]]] * 2, dtype=np.uint8))
GREY = Image.fromarray(np.full((10, 10, 3), 100, dtype=np.uint8))


def many(vary, *arguments):
    """Return the points of 200 variations."""
    rng = np.random.default_rng(0)
    return np.array([np.asarray(vary(*arguments, rng), dtype=int) for _ in range(200)])


def test_every_other_picture_is_mirrored():
    left = many(flip_at_random, HALVES)[:, 0, 0, 0]

    assert set(left) == {0, 200}
    assert 70 < (left == 200).sum() < 130


def test_a_cut_picture_keeps_its_size():
    ramp = Image.fromarray(np.tile(np.arange(0, 200, 2, dtype=np.uint8)[:, None], (100, 1, 3)))

    points = many(crop_at_random, ramp, 0.2)

    assert points.shape == (200, 100, 100, 3)
    widths = points[:, 0, -1, 0] - points[:, 0, 0, 0]
    assert widths.min() >= 0.79 * 198
    assert widths.max() <= 198


def test_brightness_changes_by_the_share_at_most():
    points = many(brighten_at_random, GREY, 0.3)[:, 0, 0]

    assert (points.min(), points.max()) == (pytest.approx(70, abs=3), pytest.approx(130, abs=3))
    assert (points == points[:, :1]).all()


def test_colours_change_each_by_itself():
    points = many(colour_at_random, GREY, 0.3)[:, 0, 0]

    assert (points.min(), points.max()) == (pytest.approx(70, abs=3), pytest.approx(130, abs=3))
    assert not (points == points[:, :1]).all()
