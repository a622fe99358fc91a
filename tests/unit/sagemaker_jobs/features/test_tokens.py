import numpy as np
import pytest

from sagemaker_jobs.failures import JobError
from sagemaker_jobs.features.blocks import layout_with_blocks
from sagemaker_jobs.features.step import Feature
from sagemaker_jobs.features.steps.pixels import Pixels
from sagemaker_jobs.features.steps.tokens import Tokens
from sagemaker_jobs.learners.interface import Layout


def numbers(step, *texts):
    made = step.fit_transform({"text": Feature("text", np.array(texts, dtype=object))})["text"]
    assert made.kind == "ready"
    return made.values.astype(int).tolist()


def test_words_have_numbers_that_are_the_same_wherever_they_stand_and_zeros_follow():
    step = Tokens(length=4, ngrams=(1, 1))

    (one, two, repeated, end), other, missing = numbers(step, "Win a win", "a WIN", None)

    assert [one, two] == [repeated, other[0]]
    assert one == other[1]
    assert (end, other[2:], missing) == (0, [0, 0], [0, 0, 0, 0])


def test_the_numbers_are_the_same_in_every_process():
    assert numbers(Tokens(length=3), "free prize") == [[1773, 31776, 31980]]


def test_pairs_follow_the_words_and_what_is_beyond_the_length_is_left_out():
    ((*words, pair),) = numbers(Tokens(length=4), "one two three")

    assert [pair] == numbers(Tokens(length=1, ngrams=(2, 2)), "one two")[0]
    assert len(set(words)) == 3


def test_no_number_is_beyond_the_buckets():
    (made,) = numbers(Tokens(length=500, ngrams=(1, 1), buckets=256), " ".join(map(str, range(500))))

    assert (min(made), max(made)) == (1, 255)


def test_a_layout_tells_words_and_points_from_numbers():
    layout = Layout(("category", *("number",) * 8), {0: 3})
    makers = {"note": Tokens(length=3, buckets=256), "photo": Pixels(size=2)}

    made = layout_with_blocks(layout, makers, {"note": 3, "photo": 4, "price": 1})

    assert made.kinds == ("category", *("token",) * 3, *("pixel",) * 4, "number")
    assert made.levels == {0: 3, 1: 256, 2: 256, 3: 256}
    assert made.image_shape == (2, 2, 1)


def test_pictures_of_several_sizes_are_refused():
    makers = {"one": Pixels(size=1, colour="rgb"), "other": Pixels(size=2)}

    with pytest.raises(JobError, match=r"several shapes \(1x1x3, 2x2x1\)"):
        layout_with_blocks(Layout(("number",) * 7), makers, {"one": 3, "other": 4})
