"""The join with fakes of everything outside: what becomes of labels, and what a crash leaves."""

from dataclasses import replace
from datetime import UTC, date, datetime, timedelta

import pyarrow as pa
import pytest

from headrace.aws.labelled_names import labelled_key
from headrace.aws.prediction_files import PredictionFile
from headrace.aws.release_log import BEGAN, ENDED, Entry
from headrace.aws.waiting_labels import BusyError, Plan
from headrace.config.feedback import Feedback
from headrace.ml.contract import ColumnSchema
from headrace.ml.feedback_labels import LABELS
from lambdas.join_feedback.joining import LEASE, Ports, join
from tests.feedback import CONTRACT, at, labels, predictions

NOW = datetime(2026, 1, 20, 12, tzinfo=UTC)


class Predictions:
    """Files of predictions by their days, the newest first."""

    def __init__(self):
        self.files, self.read, self.hour = {}, [], 0

    def add(self, *rows, day="2026-01-10", variant="v1"):
        self.hour += 1
        key = f"predictions/variant={variant}/date={day}/{self.hour}.parquet"
        self.files[PredictionFile(key, 1000, NOW + timedelta(hours=self.hour))] = predictions(*rows)

    def labelled_by(self, variant):
        """Return where the labels of a variant's only file belong."""
        (file,) = (file for file in self.files if file.variant == variant)
        return labelled_key(file.key, file.day)

    def since(self, day: date):
        return sorted(
            (file for file in self.files if file.day >= day), key=lambda file: file.day, reverse=True
        )

    def open(self, file):
        self.read.append(file.day.day)
        return Table(self.files[file])


class Table:
    def __init__(self, table):
        self.table = table

    def pieces(self, columns):
        for start in range(self.table.num_rows):
            yield start, self.table.slice(start, 1).select(columns)

    def rows(self, places):
        return self.table.take(pa.array(places))


class Waiting:
    """Labels that wait, and one plan."""

    def __init__(self):
        self.batches, self.gone, self.plan, self.plans = {}, {}, None, 0

    def open_plan(self, now, takes, most_labels, *, but=()):
        until = (now + takes).isoformat()
        if self.plan and datetime.fromisoformat(self.plan.until) > now:
            raise BusyError
        if not self.plan and self.batches.keys() <= set(but):
            return None
        if not self.plan:
            self.plans += 1
            self.plan = Plan(f"join-{self.plans}", now.isoformat(), tuple(self.batches), until)
        self.plan = replace(self.plan, until=until)
        return self.plan

    def read(self, batches):
        found = [self.batches[name] for name in batches if name in self.batches]
        return pa.concat_tables([LABELS.empty_table(), *found])

    def add(self, name, table):
        self.batches.pop(name, None)
        if table.num_rows:
            self.batches[name] = table

    def expire(self, name, table):
        self.gone[name] = table

    def joined(self, plan, labelled, counts):
        self.plan = replace(plan, labelled=tuple(labelled), counts=counts)
        return self.plan

    def give_back(self, plan, now):
        self.plan = replace(self.plan, until=now.isoformat())

    def close(self, plan):
        for name in plan.batches:
            self.batches.pop(name, None)
        self.plan = None


class Labelled(dict):
    """Labelled predictions by key."""

    def load(self, key):
        return self.get(key)

    def store(self, key, rows):
        self[key] = rows


class Rows(dict):
    """Rows to learn from by the name of the join."""

    def drop(self, name, tables):
        found = [row for table in tables for row in table.to_pylist()]
        if found:
            self.setdefault(name, found)


class Contracts:
    contract = CONTRACT

    def load(self):
        return self.contract


class Log(dict):
    def joined(self, name, began_at, counts):
        self[began_at, name] = counts


class Releases(list):
    def newest_first(self):
        return iter(self)


class World:
    """Everything outside of a join."""

    def __init__(self):
        self.predictions, self.waiting, self.labelled = Predictions(), Waiting(), Labelled()
        self.rows, self.contracts, self.log, self.releases = Rows(), Contracts(), Log(), Releases()

    def join(self, now=NOW, but=(), **feedback):
        ports = Ports(**{name: getattr(self, name) for name in Ports.__dataclass_fields__})
        joined = join(Feedback(**feedback), ports, now, but=but)
        self.why_not = joined and joined.why_not
        return joined and joined.counts

    def labels(self):
        """Return the labels by inference id, or entity, of their predictions."""
        return {
            row["_inference_id"] or row["_entity"]: row["_label"]
            for table in self.labelled.values()
            for row in table.to_pylist()
        }

    def waiting_for(self):
        return {
            label["inference_id"] or label["entity"]
            for batch in self.waiting.batches.values()
            for label in batch.to_pylist()
        }


@pytest.fixture
def world():
    return World()


def test_labels_are_joined_and_become_rows_to_learn_from(world):
    world.predictions.add(("10 08:00", "a", "ann"), ("10 09:00", "b", "bob"))
    world.predictions.add(("11 08:00", "c", "cid"), day="2026-01-11")
    world.waiting.add("batch", labels({"inference_id": "a"}, {"inference_id": "c", "label": "0"}))

    counts = world.join()

    assert counts == {
        "matched": 2,
        "corrected": 0,
        "superseded": 0,
        "pending": 0,
        "expired": 0,
        "trained_on": 2,
        "without_id": 0,
    }
    assert {key.partition("/date=")[2][:10] for key in world.labelled} == {"2026-01-10", "2026-01-11"}
    assert world.labels() == {"a": "1", "c": "0"}
    assert world.rows == {
        "join-1": [
            {"customer": "cid", "temp": "0", "season": "winter", "churned": "0"},
            {"customer": "ann", "temp": "0", "season": "winter", "churned": "1"},
        ]
    }
    assert list(world.log.values()) == [counts]


def test_nothing_that_waits_is_nothing_to_do(world):
    assert world.join() is None


def test_labels_that_have_just_been_tried_are_not_tried_again_alone(world):
    world.waiting.add("batch", labels({"inference_id": "late"}))
    world.join()

    assert world.join(but=["join-1"]) is None
    world.waiting.add("more", labels({"inference_id": "later"}))
    assert world.join(but=["join-1"])["pending"] == 2


def test_no_more_days_are_read_than_needed(world):
    for day in range(10, 20):
        world.predictions.add((f"{day} 08:00", f"of-{day}", None), day=f"2026-01-{day}")
    world.waiting.add("batch", labels({"inference_id": "of-18"}))

    world.join()

    assert set(world.predictions.read) == {18, 19}


def test_a_label_waits_and_is_compared_with_new_predictions_alone(world):
    world.predictions.add(("10 08:00", "a", "ann"))
    world.waiting.add("batch", labels({"inference_id": "late"}))
    assert world.join()["pending"] == 1
    world.predictions.read.clear()

    world.predictions.add(("12 08:00", "late", "bob"), day="2026-01-12")
    counts = world.join(NOW + timedelta(hours=1))

    assert (counts["matched"], counts["pending"]) == (1, 0)
    assert set(world.predictions.read) == {12}
    assert world.labels() == {"late": "1"}


def test_a_new_label_is_compared_with_everything_beside_one_that_waits(world):
    world.predictions.add(("10 08:00", "a", "ann"))
    world.waiting.add("batch", labels({"inference_id": "late"}))
    world.join()

    world.waiting.add("more", labels({"inference_id": "a"}))
    world.join(NOW + timedelta(hours=1))

    assert world.labels() == {"a": "1"}
    assert world.waiting_for() == {"late"}


def test_a_label_whose_prediction_never_comes_is_put_away_and_counted(world):
    world.waiting.add("batch", labels({"inference_id": "nobody"}))

    assert world.join(NOW + timedelta(days=29))["pending"] == 1
    counts = world.join(NOW + timedelta(days=30, seconds=1))

    assert (counts["pending"], counts["expired"]) == (0, 1)
    assert world.waiting.batches == {}
    ((_, gone),) = world.waiting.gone.items()
    assert gone.column("inference_id").to_pylist() == ["nobody"]


def test_an_entitys_label_waits_until_its_moment_is_past(world):
    world.predictions.add(("20 09:00", None, "ann"), day="2026-01-20")
    world.waiting.add("batch", labels({"entity": "ann", "at": at("20 11:00")}))

    assert world.join(join="entity", settle_minutes=120)["pending"] == 1
    world.predictions.add(("20 10:55", None, "ann"), day="2026-01-20")
    counts = world.join(NOW + timedelta(hours=1), join="entity", settle_minutes=120)

    assert counts["matched"] == 1
    ((_, table),) = world.labelled.items()
    assert table.column("_time").to_pylist()[0].hour == 10


def test_a_correction_is_a_row_to_learn_from_once_more(world):
    world.predictions.add(("10 08:00", "a", "ann"))
    world.waiting.add("batch", labels({"inference_id": "a", "label": "0"}))
    world.join()

    world.waiting.add("later", labels({"inference_id": "a"}, received_at="20 06:00"))
    counts = world.join(NOW + timedelta(hours=1))

    assert counts["corrected"] == 1
    assert world.labels() == {"a": "1"}
    assert [row["churned"] for rows in world.rows.values() for row in rows] == ["0", "1"]


def test_the_same_labels_once_more_are_learnt_from_once(world):
    world.predictions.add(("10 08:00", "a", "ann"))
    world.waiting.add("batch", labels({"inference_id": "a"}))
    world.join()

    world.waiting.add("again", labels({"inference_id": "a"}))
    counts = world.join(NOW + timedelta(hours=1))

    assert (counts["matched"], counts["trained_on"]) == (1, 0)
    assert len(world.rows) == 1


def test_rows_are_not_handed_over_if_the_pipeline_says_so_or_there_is_no_contract(world):
    world.predictions.add(("10 08:00", "a", "ann"), ("10 09:00", "b", "bob"))
    world.waiting.add("batch", labels({"inference_id": "a"}))
    world.join(train=False)
    world.contracts.contract = None
    world.waiting.add("more", labels({"inference_id": "b"}))
    world.join(NOW + timedelta(hours=1))

    assert world.labels() == {"a": "1", "b": "1"}
    assert world.rows == {}
    assert world.why_not == "there is no contract, because no file has come in yet"


def test_rows_that_lack_a_column_are_said_to_lack_it(world):
    world.predictions.add(("10 08:00", "a", "ann"))
    world.contracts.contract = replace(CONTRACT, columns=(*CONTRACT.columns, ColumnSchema("wind", "number")))
    world.waiting.add("batch", labels({"inference_id": "a"}))

    assert world.join()["trained_on"] == 0
    assert world.why_not == "predictions do not have column 'wind'"
    assert world.labels() == {"a": "1"}


def test_only_one_join_is_under_way(world):
    world.waiting.add("batch", labels({"inference_id": "a"}))
    world.waiting.open_plan(NOW, LEASE, 10)

    with pytest.raises(BusyError):
        world.join(NOW + LEASE - timedelta(seconds=1))
    assert world.join(NOW + LEASE)["pending"] == 1


def test_a_failure_lets_the_next_go_on_at_once(world, monkeypatch):
    world.predictions.add(("10 08:00", "a", "ann"))
    world.waiting.add("batch", labels({"inference_id": "a"}))
    with monkeypatch.context() as patch:
        patch.setattr(Rows, "drop", lambda *_: 1 / 0)
        with pytest.raises(ZeroDivisionError):
            world.join()

    assert world.join()["matched"] == 1
    assert len(world.rows["join-1"]) == 1


class StoppedError(BaseException):
    """The function was stopped: nothing is tidied up."""


@pytest.mark.parametrize("after", [False, True], ids=["before", "after"])
@pytest.mark.parametrize("nth", [1, 2])
@pytest.mark.parametrize(
    "call",
    [
        (Labelled, "store"),
        (Waiting, "add"),
        (Waiting, "expire"),
        (Waiting, "joined"),
        (Rows, "drop"),
        (Log, "joined"),
        (Waiting, "close"),
    ],
    ids=lambda call: f"{call[0].__name__}.{call[1]}",
)
def test_a_crash_anywhere_loses_nothing_and_doubles_nothing(world, monkeypatch, call, nth, after):
    world.predictions.add(("10 08:00", "a", "ann"), ("10 09:00", "b", "bob"))
    world.predictions.add(("11 08:00", "c", "cid"), day="2026-01-11")
    old = labels({"inference_id": "nobody"}, received_at="01 00:00")
    world.waiting.add("batch", labels({"inference_id": "a"}, {"inference_id": "c"}, {"inference_id": "late"}))
    world.waiting.add("another", pa.concat_tables([labels({"inference_id": "b"}), old]))
    kind, name = call
    work, calls = getattr(kind, name), []

    def stop(self, *arguments):
        calls.append(name)
        stopped = len(calls) == nth
        if after or not stopped:
            result = work(self, *arguments)
        if stopped:
            raise StoppedError
        return result

    now = NOW + timedelta(days=12)
    with monkeypatch.context() as patch:
        patch.setattr(kind, name, stop)
        try:
            world.join(now)
        except StoppedError:
            # What comes meanwhile must not get lost between the first attempt and the second.
            world.predictions.add(("12 08:00", "late", "dan"), day="2026-01-12")
            world.waiting.add("fresh", labels({"inference_id": "a"}, received_at="31 00:00"))
        assert len(calls) >= nth or nth > 1
    for hours in (1, 2):
        world.join(now + timedelta(hours=hours))

    came = "late" in world.labels()
    assert world.labels() == dict.fromkeys("abc", "1") | ({"late": "1"} if came else {})
    learnt = sorted(row["customer"] for rows in world.rows.values() for row in rows)
    assert learnt == ["ann", "bob", "cid", *(["dan"] if came else [])]
    assert world.waiting_for() == (set() if came else {"late"})
    gone = [label["inference_id"] for batch in world.waiting.gone.values() for label in batch.to_pylist()]
    assert gone == ["nobody"]
    assert sum(counts["matched"] for counts in world.log.values()) == (5 if came else 3)


SHADOWED = {"planned_at": "t", "version": 4, "against": 1, "strategy": "shadow"}


def told(place, event, moment):
    said = {"at": f"2026-01-{moment.replace(' ', 'T')}+00:00", "by": "", "why": "", "execution": ""}
    return Entry.of(SHADOWED, place, event, 0.0, **said)


@pytest.mark.parametrize("join", ["inference_id", "entity"])
def test_a_label_is_about_the_answer_that_somebody_got_and_not_about_a_shadow(world, join):
    world.predictions.add(("10 08:00", "a", "ann"))
    world.predictions.add(("10 08:01", "a", "ann"), variant="v4")
    world.releases += [told(BEGAN, "began", "10 07:00")]
    world.waiting.add("batch", labels({"inference_id": "a", "entity": "ann"}))

    counts = world.join(join=join)

    (key,) = world.labelled
    assert counts["matched"] == 1
    assert world.predictions.labelled_by("v1") == key


def test_what_a_shadow_answers_once_it_is_promoted_has_labels(world):
    world.predictions.add(("10 08:00", "a", "ann"), ("10 09:00", "b", "bob"), variant="v4")
    world.releases += [told(ENDED, "promoted", "10 08:30"), told(BEGAN, "began", "10 07:00")]
    world.waiting.add("batch", labels({"inference_id": "a"}, {"inference_id": "b"}))

    counts = world.join()

    assert (counts["matched"], counts["pending"]) == (1, 1)
    assert world.labels() == {"b": "1"}
