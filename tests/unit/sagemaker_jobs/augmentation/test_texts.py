from collections import Counter

import numpy as np

from sagemaker_jobs.augmentation.texts import drop_words, swap_words

TEXT = " ".join(f"word{n}" for n in range(1000))


def test_about_the_share_of_the_words_is_left_out_and_the_order_stays():
    kept = drop_words(TEXT, 0.2, np.random.default_rng(0)).split()

    assert 750 < len(kept) < 850
    assert kept == sorted(kept, key=TEXT.split().index)


def test_one_word_stays():
    assert drop_words("hello", 0.5, np.random.default_rng(0)) == "hello"
    assert drop_words("", 0.5, np.random.default_rng(0)) == ""


def test_swapping_loses_no_word():
    swapped = swap_words(TEXT, 0.3, np.random.default_rng(0))

    assert swapped != TEXT
    assert Counter(swapped.split()) == Counter(TEXT.split())


def test_nothing_is_swapped_where_there_is_no_neighbour():
    assert swap_words("hello", 0.5, np.random.default_rng(0)) == "hello"
    assert swap_words("", 0.5, np.random.default_rng(0)) == ""
