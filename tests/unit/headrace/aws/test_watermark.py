from datetime import UTC, date, datetime
from decimal import Decimal
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st

from headrace.aws.watermark import Watermark

ZONES = st.one_of(st.none(), st.just(UTC))  # all that a session in UTC returns
VALUES = st.one_of(
    st.datetimes(timezones=ZONES),
    st.dates(),
    st.integers(-(2**63), 2**64),
    st.floats(allow_nan=False),
    st.decimals(allow_nan=False),
    st.text(st.characters(codec="utf-8")),
    st.uuids(),
)


@given(VALUES)
def test_a_value_comes_back_from_the_ledger_as_it_was(value):
    assert Watermark.parse(Watermark.of(value).token).value == value


@given(VALUES, VALUES)
def test_two_values_never_share_a_name(one, other):
    first, second = Watermark.of(one), Watermark.of(other)

    if first.kind == second.kind and one != other:
        assert first.name != second.name


@given(st.text(st.characters(codec="utf-8"), min_size=1))
def test_a_name_is_safe_in_a_key(value):
    name = Watermark.of(value).name

    assert len(name.encode()) <= 80
    assert not set(name) & set("/\\?#%{}^`[]\"<>~|'\n ")


@given(st.lists(st.datetimes(timezones=st.just(UTC)), min_size=2))
def test_names_of_times_are_in_their_order(times):
    assert sorted(times) == sorted(times, key=lambda time: Watermark.of(time).name)


@pytest.mark.parametrize("value", [True, None, b"bytes", [1], {"a": 1}])
def test_what_has_no_order_is_refused(value):
    with pytest.raises(TypeError, match="a watermark is a timestamp, a date, a number or a text, not a"):
        Watermark.of(value)


def test_kinds_are_kept_apart():
    values = [7, 7.0, Decimal(7), "7", date(2026, 1, 31), datetime(2026, 1, 31), UUID(int=7)]

    assert [type(Watermark.parse(Watermark.of(value).token).value) for value in values] == [
        type(value) for value in values
    ]


def test_a_number_has_no_age():
    assert Watermark.of(7).seconds_before(datetime(2026, 2, 1, tzinfo=UTC)) is None
