"""The order of steps of an import, with a table and a ledger in memory."""

from dataclasses import replace

import pytest

from headrace.aws.import_ledger import OvertakenError, Progress
from headrace.aws.watermark import Watermark
from lambdas.import_rows.handler import TimeBudget
from lambdas.import_rows.import_rows import Ports, import_rows

mark = Watermark.of


class Source:
    """Rows that are nothing but their watermark."""

    def __init__(self, *values):
        self.values = sorted(values)

    def end_of_file(self, after, upto, rows):
        within = self.rows(after, upto)
        return mark(within[min(rows, len(within)) - 1]) if within else None

    def rows(self, after, upto):
        return [v for v in self.values if (after is None or v > after.value) and v <= upto.value]


class Ledger:
    """One item; what it was goes to `saved`."""

    def __init__(self, progress):
        self.progress, self.saved = progress, []

    def load(self):
        return self.progress

    def save(self, progress):
        if self.progress and progress.version != self.progress.version:
            raise OvertakenError
        self.progress = replace(progress, version=progress.version + 1)
        self.saved.append(self.progress)
        return self.progress


class Files(dict):
    """Rows by key; a key is written once."""

    def key(self, run, after, upto):
        return f"{run}/{after.text if after else ''}-{upto.text}"

    def write(self, key, blocks):
        rows = list(blocks)
        self.setdefault(key, rows)
        return len(rows)

    def finish(self, run):
        self[f"{run}/end"] = []


def run(source, ledger, files, *, rows_per_file=2, goes_on=lambda: True):
    ports = Ports(source, ledger, files)
    return list(import_rows(ports, rows_per_file=rows_per_file, goes_on=goes_on))


def test_files_follow_each_other_up_to_the_goal():
    source, ledger, files = Source(1, 2, 3, 4, 5, 6), Ledger(Progress("r", goal=mark(5))), Files()

    imported = run(source, ledger, files)

    assert files == {"r/-2": [1, 2], "r/2-4": [3, 4], "r/4-5": [5], "r/end": []}
    assert [(file.key, file.rows) for file in imported] == [("r/-2", 2), ("r/2-4", 2), ("r/4-5", 1)]
    assert (ledger.progress.position, ledger.progress.goal) == (mark(5), None)


def test_a_file_is_announced_before_it_is_written_and_acknowledged_after():
    ledger = Ledger(Progress("r", goal=mark(2)))

    run(Source(1, 2), ledger, Files())

    assert [(p.position, p.pending, p.goal) for p in ledger.saved] == [
        (None, mark(2), mark(2)),
        (mark(2), None, None),
    ]


def test_a_file_that_was_announced_is_finished_first_with_its_bounds():
    """In the meantime 2 has become 9: the file is the same range, and 9 is beyond the goal."""
    ledger, files = Ledger(Progress("r", position=mark(1), goal=mark(4), pending=mark(3))), Files()

    run(Source(1, 3, 4, 9), ledger, files)

    assert files == {"r/1-3": [3], "r/3-4": [4], "r/end": []}


def test_rows_that_have_gone_leave_no_file_and_the_import_ends():
    ledger, files = Ledger(Progress("r", position=mark(1), goal=mark(4))), Files()

    assert run(Source(1), ledger, files) == []

    assert files == {"r/end": []}
    assert ledger.progress == Progress("r", position=mark(1), goal=None, version=1)


def test_without_a_goal_nothing_is_read():
    assert run(Source(1), Ledger(Progress("r")), Files()) == []
    assert run(Source(1), Ledger(None), Files()) == []


def test_the_end_is_marked_before_the_goal_is_given_up():
    """A crash in between marks it again; the other way round it would never be marked."""
    ledger, files = Ledger(Progress("r", goal=mark(1))), Files()
    files.finish = lambda run: seen.append((run, ledger.progress.goal))
    seen = []

    run(Source(1), ledger, files)

    assert seen == [("r", mark(1))]


def test_between_files_it_may_stop():
    ledger, files = Ledger(Progress("r", goal=mark(4))), Files()
    answers = iter([True, False])

    run(Source(1, 2, 3, 4), ledger, files, goes_on=lambda: next(answers))

    assert files == {"r/-2": [1, 2]}
    assert (ledger.progress.position, ledger.progress.goal) == (mark(2), mark(4))


def test_who_is_overtaken_writes_no_further():
    ledger, files = Ledger(Progress("r", goal=mark(4))), Files()
    overtaken = Ledger(ledger.progress)
    overtaken.progress = replace(ledger.progress, version=7)
    overtaken.load = ledger.load

    with pytest.raises(OvertakenError):
        run(Source(1, 2), overtaken, files)

    assert files == {}


@pytest.mark.parametrize(
    ("remaining_s", "goes_on"),
    [(5, [True, False]), (89, [True, False]), (91, [True, True])],
    ids=["the first always", "less than two files and the spare time", "more"],
)
def test_a_file_begins_when_two_like_the_slowest_would_fit(remaining_s, goes_on):
    """The first file took 30 s; twice that and 30 s to spare are 90 s."""
    clock = iter([0.0, 0.0, 30.0])
    budget = TimeBudget(lambda: remaining_s, clock=lambda: next(clock))

    assert [budget.goes_on(), budget.goes_on()] == goes_on
