from dataclasses import replace
from datetime import UTC, datetime

import pytest

from headrace.aws.import_ledger import Progress
from headrace.aws.watermark import Watermark
from lambdas.plan_import.handler import plan_import

NOW = datetime(2026, 1, 31, 12, 30, tzinfo=UTC)
RUN = "20260131T123000.000000Z"
mark = Watermark.of


class Source:
    def __init__(self, *values):
        self.values = values

    def newest(self, after, now):
        assert now == NOW
        beyond = [value for value in self.values if after is None or value > after.value]
        return mark(max(beyond)) if beyond else None


class Ledger:
    def __init__(self, progress=None):
        self.progress = progress

    def load(self):
        return self.progress

    def save(self, progress):
        self.progress = replace(progress, version=progress.version + 1)
        return self.progress


def plan(source, ledger, everything=False):
    return plan_import(source, ledger, everything=everything, now=NOW)


def test_the_first_import_begins_at_the_start():
    assert plan(Source(3, 7), Ledger()) == Progress(RUN, goal=mark(7), version=1)


def test_the_next_one_goes_on_from_where_the_last_one_ended():
    ended = Progress("earlier", position=mark(7), version=4)

    assert plan(Source(3, 7, 9), Ledger(ended)) == Progress(RUN, mark(7), mark(9), version=5)


@pytest.mark.parametrize("progress", [None, Progress("earlier", position=mark(7), version=4)])
def test_with_nothing_new_the_ledger_stays_as_it_is(progress):
    ledger = Ledger(progress)

    assert plan(Source(), ledger) is None
    assert ledger.progress == progress


@pytest.mark.parametrize("everything", [False, True])
def test_a_goal_that_was_not_reached_stays_even_if_rows_have_come(everything):
    """Whoever set it has not waited for transactions beyond it."""
    underway = Progress("earlier", position=mark(3), goal=mark(7), pending=mark(5), version=4)

    assert plan(Source(3, 7, 9), Ledger(underway), everything) == underway


def test_an_import_of_everything_begins_at_the_start_again():
    ended = Progress("earlier", position=mark(7), version=4)

    assert plan(Source(3, 7), Ledger(ended), everything=True) == Progress(RUN, goal=mark(7), version=5)
