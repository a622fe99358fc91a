import re

from hypothesis import given
from hypothesis import strategies as st

from headrace.ml.table_names import table_names


@given(st.lists(st.text(min_size=1, max_size=300), unique=True, max_size=20))
def test_names_are_allowed_in_athena_and_no_two_are_the_same(names):
    found = table_names(names)

    assert list(found) == names
    assert len({*found.values()}) == len(names)
    assert all(re.fullmatch(r"[a-z0-9_]{1,140}", name) for name in found.values())


def test_a_name_that_is_allowed_stays():
    assert table_names(["temp", "day_mins", "p0"]) == {"temp": "temp", "day_mins": "day_mins", "p0": "p0"}


def test_columns_that_come_later_do_not_rename_the_earlier():
    before = table_names(["Day Mins", "temp"])

    assert {**table_names(["Day Mins", "temp", "day-mins"])}.items() >= before.items()
