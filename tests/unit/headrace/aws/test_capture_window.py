from datetime import UTC, datetime, timedelta

from headrace.aws.capture_window import START, CapturedObject

NOON = datetime(2026, 1, 31, 12, tzinfo=UTC)


def at(key, minutes):
    return CapturedObject(key, NOON + timedelta(minutes=minutes))


def test_the_first_check_takes_everything():
    listed = [at("b", 0), at("a", -600)]

    assert [item.key for item in START.after(listed)] == ["a", "b"]
    assert START.first_hour() == ""


def test_what_was_checked_is_not_checked_again():
    listed = [at("a", -600), at("b", -10), at("c", 0)]

    checkpoint = START.advanced(listed)

    assert checkpoint.after(listed) == []


def test_an_object_of_the_same_second_that_appears_later_is_checked():
    checkpoint = START.advanced([at("a", 0)])

    assert checkpoint.after([at("a", 0), at("b", 0)]) == [at("b", 0)]


def test_an_object_that_becomes_visible_after_a_younger_one_is_checked():
    checkpoint = START.advanced([at("a", -20), at("c", 0)])

    assert checkpoint.after([at("a", -20), at("b", -3), at("c", 0)]) == [at("b", -3)]


def test_a_late_object_in_an_old_hour_is_checked_because_it_was_written_late():
    late = CapturedObject("2026/01/30/13/late.jsonl", NOON + timedelta(minutes=30))
    checkpoint = START.advanced([at("2026/01/31/12/a.jsonl", 0)])

    assert late.key > checkpoint.first_hour()
    assert checkpoint.after([late, at("2026/01/31/12/a.jsonl", 0)]) == [late]


def test_a_check_without_new_objects_leaves_the_checkpoint_where_it_was():
    listed = [at("a", -10), at("b", 0)]
    checkpoint = START.advanced(listed)

    assert checkpoint.advanced(listed) == checkpoint


def test_only_the_objects_of_the_last_minutes_are_remembered_one_by_one():
    listed = [at(f"{minute:03}", -minute) for minute in range(600)]

    assert len(START.advanced(listed).seen) == 15
