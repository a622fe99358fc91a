import threading

import pytest

from headrace.ml.ahead import one_ahead, several_ahead


def test_the_next_item_is_made_while_the_caller_has_the_one_before():
    made = [threading.Event() for _ in range(3)]

    def items():
        for number, event in enumerate(made):
            event.set()
            yield number

    taken = one_ahead(items())

    assert next(taken) == 0
    assert made[1].wait(timeout=10)
    assert not made[2].is_set()
    assert list(taken) == [1, 2]


def test_what_making_an_item_raises_comes_in_its_turn():
    def items():
        yield 1
        raise ValueError("damaged")

    taken = one_ahead(items())

    assert next(taken) == 1
    with pytest.raises(ValueError, match="damaged"):
        next(taken)


def test_nothing_is_made_once_the_caller_has_left():
    asked = []

    def items():
        for number in range(5):
            asked.append(number)
            yield number

    taken = one_ahead(items())
    next(taken)
    taken.close()

    assert asked == [0, 1]


def test_several_items_are_under_way_and_none_more():
    asked = []

    def items():
        for number in range(5):
            asked.append(number)
            yield number

    taken = several_ahead(lambda number: number * 10, items(), at_once=3)

    assert next(taken) == 0
    assert asked == [0, 1, 2]
    assert list(taken) == [10, 20, 30, 40]


def test_what_the_work_raises_comes_in_its_turn():
    taken = several_ahead(lambda number: 1 / number, [1, 0], at_once=2)

    assert next(taken) == 1
    with pytest.raises(ZeroDivisionError):
        next(taken)
