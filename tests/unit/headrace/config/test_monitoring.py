import pytest
from pydantic import ValidationError

from headrace.config.monitoring import Monitoring
from headrace.config.pipeline import Pipeline
from headrace.config.schedules import runs_a_year

YEAR_IN_HOURS = 365.25 * 24


@pytest.mark.parametrize(
    ("budget", "schedule", "checks_per_alarm"),
    [
        ("1 per quarter", "rate(1 hour)", YEAR_IN_HOURS / 4),
        ("1 per year", "rate(1 day)", 365.25),
        ("2 per month", "rate(30 minutes)", YEAR_IN_HOURS * 2 / 24),
        ("1 per week", "cron(0 6 * * ? *)", 7),
        ("3 per day", "cron(0/15 * ? * * *)", 32),
    ],
)
def test_a_budget_and_a_schedule_give_the_rate_of_a_check(budget, schedule, checks_per_alarm):
    monitoring = Monitoring(false_alarms=budget, schedule=schedule)

    assert 1 / monitoring.false_alarm_rate == pytest.approx(checks_per_alarm)


@pytest.mark.parametrize(
    "budget", ["0 per day", "one per quarter", "1 per hour", "1", "-1 per day", "1.5 per week"]
)
def test_what_is_no_budget_is_refused_with_an_example(budget):
    with pytest.raises(ValidationError, match="such as 1 per quarter"):
        Monitoring(false_alarms=budget)


def test_a_budget_that_half_of_the_checks_would_use_up_is_refused():
    monitoring = {"schedule": "rate(1 day)", "false_alarms": "1 per day"}

    with pytest.raises(ValidationError, match="1 per day is more than every second check"):
        Pipeline(name="bike", problem="regression", target="cnt", monitoring=monitoring)


@pytest.mark.parametrize(
    ("expression", "runs"),
    [
        ("cron(0 6 * * ? *)", 365.25),
        ("cron(0 6 ? * MON *)", 365.25 / 7),
        ("cron(0 6 ? * 2-6 *)", 365.25 * 5 / 7),
        ("cron(0 22/2 * * ? *)", 365.25),
        ("cron(0 22-3 * * ? *)", 365.25 * 6),
        ("cron(0 0 1 1,7 ? *)", 365.25 / 31 / 6),
        ("cron(0 0 L * ? *)", 365.25 / 31),
        ("cron(0 0 ? * 6#3 *)", 365.25 / 7),
    ],
)
def test_a_cron_runs_so_often_a_year(expression, runs):
    assert runs_a_year(expression) == pytest.approx(runs)
