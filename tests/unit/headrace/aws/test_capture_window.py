from datetime import UTC, datetime, timedelta

from headrace.aws.capture_window import START, StoredObject, take

NOON = datetime(2026, 1, 31, 12, tzinfo=UTC)


def at(name, minutes, *, hour="2026/01/31/11"):
    return StoredObject(f"v3/{hour}/{name}", NOON + timedelta(minutes=minutes))


def test_at_first_everything_is_new_and_the_oldest_comes_first():
    listed = [at("b", 0), at("a", -600)]

    assert START.after(listed) == [at("a", -600), at("b", 0)]
    assert START.first_hour() == ""


def test_what_was_taken_is_not_taken_again():
    listed = [at("a", -600), at("b", -10), at("c", 0)]

    checkpoint = START.advanced(listed)

    assert checkpoint.after(listed) == []


def test_what_was_taken_in_part_is_not_taken_again():
    listed = [at("a", -10), at("b", -5), at("c", 0)]

    first = START.advanced(listed[:1])
    second = first.advanced(listed[:2])

    assert first.after(listed) == listed[1:]
    assert second.after(listed) == listed[2:]


def test_an_object_of_the_same_second_that_appears_later_is_new():
    checkpoint = START.advanced([at("a", 0)])

    assert checkpoint.after([at("a", 0), at("b", 0)]) == [at("b", 0)]


def test_an_object_that_becomes_visible_after_a_younger_one_is_new():
    checkpoint = START.advanced([at("a", -20), at("c", 0)])

    assert checkpoint.after([at("a", -20), at("b", -3), at("c", 0)]) == [at("b", -3)]


def test_a_late_object_in_an_old_hour_is_new_because_it_was_written_late():
    taken, late = at("a", 0, hour="2026/01/31/12"), at("late", 30, hour="2026/01/30/13")
    checkpoint = START.advanced([taken])

    assert late.key > f"v3/{checkpoint.first_hour()}"
    assert checkpoint.after([late, taken]) == [late]


def test_objects_that_were_made_of_old_hours_are_listed_until_newer_hours_were_taken():
    """Profiles are made long after their hours if the recording stood still for days."""
    checkpoint = START.advanced([at("a", 0, hour="2026/01/20/07")])

    assert checkpoint.first_hour() == "2026/01/19/06"


def test_looking_without_new_objects_leaves_the_checkpoint_where_it_was():
    listed = [at("a", -10), at("b", 0)]
    checkpoint = START.advanced(listed)

    assert checkpoint.advanced(listed) == checkpoint


def test_only_the_objects_of_the_last_minutes_are_remembered_one_by_one():
    listed = [at(f"{minute:03}", -minute) for minute in range(600)]

    assert len(START.advanced(listed).seen) == 15


def test_work_is_taken_up_to_a_size_and_a_number_and_never_nothing():
    objects = [StoredObject(name, NOON, size_bytes=100) for name in "abcd"]

    assert take(objects, max_bytes=250, max_objects=9) == objects[:2]
    assert take(objects, max_bytes=999, max_objects=3) == objects[:3]
    assert take(objects, max_bytes=50, max_objects=9) == objects[:1]
    assert take([], max_bytes=50, max_objects=9) == []
