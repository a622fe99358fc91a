import pytest

from local_cloud.streams.batches import (
    FOREVER,
    LONGEST_AGE,
    MOST_RETRIES,
    Batch,
    Options,
    Result,
    exhausted,
    left_over,
    too_old,
)
from local_cloud.streams.lane import Lane
from local_cloud.streams.shard import Record

REPORTS = Options(reports_failures=True)


def records(*numbers):
    return tuple(Record(str(number), "k", b"", float(number)) for number in numbers)


def numbers(batches):
    return [[int(record.sequence_number) for record in batch.records] for batch in batches]


def reported(*identifiers):
    return Result(False, {"batchItemFailures": [{"itemIdentifier": name} for name in identifiers]})


@pytest.mark.parametrize("response", [None, {}, "", {"batchItemFailures": []}, {"batchItemFailures": None}])
def test_a_response_without_failures_is_a_complete_success(response):
    assert left_over(Batch(records(1, 2)), Result(False, response), REPORTS) == []


@pytest.mark.parametrize("identifiers", [("",), (None,), ("4711",)])
def test_a_failure_that_names_no_record_of_the_batch_is_a_complete_failure(identifiers):
    left = left_over(Batch(records(1, 2)), reported(*identifiers), REPORTS)

    assert numbers(left) == [[1, 2]]
    assert left[0].retries == 1


def test_all_from_the_lowest_failed_record_on_comes_again():
    left = left_over(Batch(records(1, 2, 3, 4)), reported("4", "2"), REPORTS)

    assert numbers(left) == [[2, 3, 4]]
    assert left[0].retries == 0


def test_failures_that_are_reported_without_being_asked_for_are_not_heard():
    assert left_over(Batch(records(1, 2)), reported("1"), Options()) == []


def test_an_error_brings_the_whole_batch_again():
    left = left_over(Batch(records(1, 2), retries=3), Result(failed=True), Options())

    assert left == [Batch(records(1, 2), retries=4)]


def test_an_error_cuts_the_batch_if_the_mapping_says_so():
    left = left_over(Batch(records(1, 2, 3), retries=3), Result(failed=True), Options(bisect=True))

    assert left == [Batch(records(1), retries=3), Batch(records(2, 3), retries=3)]


def test_one_record_cannot_be_cut():
    left = left_over(Batch(records(1)), Result(failed=True), Options(bisect=True))

    assert left == [Batch(records(1), retries=1)]


def test_a_batch_is_given_up_after_its_last_retry():
    options = Options(max_retries=2)

    assert [exhausted(Batch((), retries), options) for retries in (2, 3)] == [False, True]
    assert not exhausted(Batch((), 10_000), Options(max_retries=FOREVER))


def test_records_that_are_too_old_are_not_handed_over():
    old, young = too_old(Batch(records(1, 50, 99)), Options(max_age_s=60), now=100.0)

    assert (numbers([old]), numbers([young])) == ([[1]], [[50, 99]])


class Given(list):
    def read(self, limit):
        found, self[:] = self[:limit], self[limit:]
        return found


class Function:
    """A mapping whose function fails if a record of `poison` is handed over."""

    def __init__(self, poison=(), **options):
        self.poison, self.settings = set(poison), Options(**options)
        self.calls, self.discarded, self.done = [], [], []

    def options(self):
        return self.settings

    def call(self, handed_over):
        found = [int(record.sequence_number) for record in handed_over]
        self.calls.append(found)
        return Result(failed=bool(self.poison.intersection(found)))

    def discard(self, batch, condition):
        self.discarded.append((numbers([batch])[0], condition))

    def advance(self, sequence_number):
        self.done.append(int(sequence_number))


def lane(mapping, *given, now=100.0):
    made = Lane(Given(records(*given)), mapping, clock=lambda: now)
    made._stop.wait = lambda _: False  # no pauses
    return made


def test_a_poison_record_is_isolated_and_the_others_are_done():
    mapping = Function(poison=[3], bisect=True, max_retries=1)

    lane(mapping, 1, 2, 3, 4).step()

    assert mapping.calls == [[1, 2, 3, 4], [1, 2], [3, 4], [3], [3], [4]]
    assert mapping.discarded == [([3], MOST_RETRIES)]
    assert mapping.done[-1] == 4


def test_an_old_record_is_given_up_without_a_call():
    mapping = Function(max_age_s=60)

    lane(mapping, 1, 99).step()

    assert mapping.calls == [[99]]
    assert mapping.discarded == [([1], LONGEST_AGE)]


def test_a_batch_has_at_most_its_size():
    mapping = Function(batch_size=2)
    way = lane(mapping, 1, 2, 3)

    steps = [way.step(), way.step(), way.step()]

    assert mapping.calls == [[1, 2], [3]]
    assert steps == [True, True, False]


def test_progress_is_remembered_before_the_rest_is_tried_again():
    mapping = Function(poison=[2], bisect=True, max_retries=0)

    lane(mapping, 1, 2).step()

    assert mapping.done == [1, 2]


def test_a_batch_waits_for_more_records_until_its_window_is_over():
    mapping, source = Function(batch_size=10, window_s=1), Given(records(1))
    clock = iter([0.0, 0.5, 0.9, 1.0, 1.0])
    way = Lane(source, mapping, clock=lambda: next(clock))

    def wait(_):
        source.extend(records(2) if not mapping.calls and len(source) == 0 else ())
        return False

    way._stop.wait = wait
    way.step()

    assert mapping.calls == [[1, 2, 2]]
