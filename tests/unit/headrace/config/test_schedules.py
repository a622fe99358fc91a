import pytest

from headrace.config.schedules import schedule_minutes


@pytest.mark.parametrize(
    ("expression", "minutes"),
    [("rate(1 minute)", 1), ("rate(30 minutes)", 30), ("rate(2 hours)", 120), ("rate(1 day)", 1440)],
)
def test_a_rate_is_so_many_minutes(expression, minutes):
    assert schedule_minutes(expression) == minutes


@pytest.mark.parametrize(
    "expression",
    [
        "cron(0 6 * * ? *)",
        "cron(0/15 8-17 ? * MON-FRI *)",
        "cron(0 0 L * ? *)",
        "cron(30 9 ? * 2#1 2026-2030)",
        "cron(30 9 ? * FRIL *)",
        "cron(30 9 ? * mon#2 *)",
        "cron(30 9 L-3 * ? *)",
        "cron(30 9 15W * ? *)",
        "cron(0 12 1,15 JAN,JUL ? *)",
    ],
)
def test_a_cron_of_the_scheduler_is_one(expression):
    assert schedule_minutes(expression) is None


@pytest.mark.parametrize(
    ("expression", "words"),
    [
        ("hourly", "no schedule"),
        ("rate(0 hours)", "no schedule"),
        ("rate(1.5 hours)", "no schedule"),
        ("rate(1 week)", "no schedule"),
        ("cron(0 6 * * *)", "six fields"),
        ("cron(60 6 * * ? *)", "minutes '60'"),
        ("cron(0 24 * * ? *)", "hours '24'"),
        ("cron(0 6 * 13 ? *)", "month '13'"),
        ("cron(0 6 ? * 8 *)", "day of week '8'"),
        ("cron(0 6 * * ? 1969)", "year '1969'"),
        ("cron(0 6 * * * *)", "exactly one must be ?"),
        ("cron(0 6 ? * ? *)", "exactly one must be ?"),
        ("cron(*/0 6 * * ? *)", "minutes"),
        ("cron(0 6 ? * fooL *)", "day of week 'fooL'"),
        ("cron(0 6 ? * 9#2 *)", "day of week '9#2'"),
        ("cron(0 6 99W * ? *)", "day of month '99W'"),
        ("cron(0 6 L-40 * ? *)", "day of month 'L-40'"),
        ("cron(٣ 6 * * ? *)", "minutes '٣'"),
        ("rate(1٣ hours)", "no schedule"),
    ],
)
def test_what_the_scheduler_would_refuse_is_refused(expression, words):
    with pytest.raises(ValueError, match=words.replace("?", "[?]")):
        schedule_minutes(expression)
