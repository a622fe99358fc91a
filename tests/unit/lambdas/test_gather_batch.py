"""When a batch is complete, with bucket, ledger and event bus in memory."""

import contextlib
import json
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from headrace.aws.dropped_files import says_complete
from headrace.aws.file_ledger import Outcome
from headrace.aws.incoming_files import FileVersion
from headrace.config.arrival import Arrival
from headrace.ml.files.refusal import FileRefusedError
from lambdas.gather_batch.gather import Ports, gather_batch
from lambdas.gather_batch.manifest import MAX_BYTES, read_manifest
from lambdas.gather_batch.rules import batch_of_marker, next_look_s

NOON = datetime(2026, 1, 31, 12, 0, tzinfo=UTC)


class World:
    """A bucket, a ledger, an event bus, and a clock that only goes on when it is told to."""

    def __init__(self):
        self.now = NOON
        self.stored, self.taken = [], {}
        self.records, self.events, self.metrics, self.kept, self.settled = [], [], [], [], set()
        self.bodies = {}

    def drop(self, key, version="v1", body=b"x,y\n1,2\n"):
        self.stored.append(FileVersion(key, version, len(body), self.now))
        self.bodies[key, version] = body
        return self.event(key, version, len(body))

    def delete(self, key):
        self.stored.append(FileVersion(key, "gone", None, self.now))

    def event(self, key, version="v1", size=0):
        item = {"key": key, "version-id": version, "size": size}
        return {
            "time": f"{self.now:%Y-%m-%dT%H:%M:%SZ}",
            "detail": {"bucket": {"name": "data"}, "object": item},
        }

    def take(self, key, version="v1", rows=10, refused=None):
        self.taken[key, version] = Outcome(rows, refused)

    def look(self, event, after=timedelta(0), **arrival):
        self.now += after
        ports = Ports(self, self, self, self, self, Metrics(self.metrics), self.once)
        return gather_batch(event, Arrival.model_validate(arrival), ports, self.now)

    # --- the ports

    def versions(self, prefix):
        return [version for version in self.stored if version.key.startswith(prefix)]

    def fetch(self, file, path):
        path.write_bytes(self.bodies[file.key, file.version_id])

    def keep_whole(self, file, reason, *, copy=True):
        self.kept.append((file.key, dict(reason)))

    def outcomes(self, since):
        dropped = {(v.key, v.version_id): v.dropped_at for v in self.stored}
        return {place: o for place, o in self.taken.items() if dropped[place] >= since}

    def record(self, batch):
        self.records.append(batch)

    def put(self, detail_type, detail):
        self.events.append((detail_type, detail))

    def once(self, note, settle):
        if note.version_id not in self.settled:
            settle()
        self.settled.add(note.version_id)


class Metrics:
    def __init__(self, emitted):
        self.put = emitted.append


@pytest.fixture
def world():
    return World()


def manifest(*urls, **fields):
    return json.dumps({"entries": [{"url": url, **fields} for url in urls]}).encode()


# --- a marker


def test_everything_dropped_in_the_folder_before_the_marker_is_the_batch(world):
    world.drop("incoming/day/a.csv")
    world.drop("incoming/day/deeper/b.csv")
    world.drop("incoming/other/c.csv")
    marker = world.drop("incoming/day/_SUCCESS", body=b"")
    world.take("incoming/day/a.csv")
    world.take("incoming/day/deeper/b.csv", rows=5)
    world.now += timedelta(minutes=1)
    world.drop("incoming/day/late.csv")

    result = world.look(marker)

    assert (result["state"], result["files"], result["rows"]) == ("accepted", 2, 15)
    ((detail_type, detail),) = world.events
    assert (detail_type, detail["bucket"], detail["key"]) == (
        "BatchAccepted",
        "data",
        "incoming/day/_SUCCESS",
    )


def test_a_file_that_is_not_taken_yet_holds_the_batch_up(world):
    world.drop("incoming/day/a.csv")
    marker = world.drop("incoming/day/_SUCCESS")

    result = world.look(marker)

    assert (result["state"], result["again_in_s"]) == ("waiting", 5)
    assert "incoming/day/a.csv" in result["why"]
    assert world.events == []


def test_a_file_in_quarantine_is_accounted_for(world):
    world.drop("incoming/day/a.csv")
    world.drop("incoming/day/b.csv")
    marker = world.drop("incoming/day/_SUCCESS")
    world.take("incoming/day/a.csv")
    world.take("incoming/day/b.csv", rows=0, refused="empty")

    result = world.look(marker)

    assert (result["state"], result["accepted"], result["quarantined"]) == ("accepted", 1, 1)


def test_of_a_file_that_was_overwritten_before_the_marker_the_last_version_counts(world):
    world.drop("incoming/day/a.csv", "v1")
    world.now += timedelta(seconds=1)
    world.drop("incoming/day/a.csv", "v2")
    marker = world.drop("incoming/day/_SUCCESS")
    world.take("incoming/day/a.csv", "v1")
    assert world.look(marker)["state"] == "waiting"

    world.take("incoming/day/a.csv", "v2")

    assert world.look(marker)["state"] == "accepted"


def test_a_file_that_was_deleted_before_the_marker_is_not_waited_for(world):
    world.drop("incoming/day/a.csv")
    world.now += timedelta(seconds=1)
    world.delete("incoming/day/a.csv")
    world.now += timedelta(seconds=1)
    marker = world.drop("incoming/day/_SUCCESS")

    assert world.look(marker)["files"] == 0


def test_folders_markers_and_manifests_are_no_files_of_a_batch():
    keys = ("incoming/d/", "incoming/d/_SUCCESS", "incoming/d/e/_SUCCESS", "incoming/d/x.manifest.json")
    versions = [FileVersion(key, "v1", 0, NOON) for key in keys]

    assert batch_of_marker(versions, upto=NOON).files == {}


def test_a_marker_at_the_top_speaks_of_everything(world):
    world.drop("incoming/a.csv")
    marker = world.drop("incoming/_SUCCESS")
    world.take("incoming/a.csv")

    assert world.look(marker)["files"] == 1


# --- a manifest


def test_a_manifest_waits_for_files_that_are_not_here_yet(world):
    note = world.drop("incoming/all.manifest.json", body=manifest("a.csv", "s3://data/incoming/x/b.csv"))
    world.drop("incoming/a.csv")
    world.take("incoming/a.csv")
    assert world.look(note)["why"] == "1 not here: incoming/x/b.csv"

    world.drop("incoming/x/b.csv")
    world.take("incoming/x/b.csv")

    assert world.look(note)["files"] == 2


def test_a_file_that_a_manifest_does_not_list_is_not_waited_for(world):
    note = world.drop("incoming/all.manifest.json", body=manifest("a.csv"))
    world.drop("incoming/a.csv")
    world.drop("incoming/a.csv.bak")
    world.take("incoming/a.csv")

    assert world.look(note)["state"] == "accepted"


@pytest.mark.parametrize(
    ("body", "why"),
    [
        (b"\xff\xfe{", "no JSON"),
        (b"{", "no JSON"),
        (b"[" * 100_000, "nested too deeply"),
        (b"[]", "no list of files"),
        (b'{"entries": []}', "no list of files"),
        (b'{"entries": ["a.csv"]}', "entry 1 names no file"),
        (b'{"entries": [{"url": "a.csv"}, {"url": ""}]}', "entry 2 names no file"),
        (manifest("a.csv", mandatry=True), "the field 'mandatry'"),
        (manifest("a.csv", mandatory="yes"), "neither true nor false"),
        (manifest("s3://other/incoming/a.csv"), "in the bucket 'other'"),
        (manifest("s3://data/curated/a.parquet"), "not under incoming/"),
        (manifest("s3://data/incoming/"), "not under incoming/"),
        (manifest("_SUCCESS"), "a marker or a manifest"),
        (manifest("s3://" + 9999 * "x" + "/incoming/a.csv"), "in the bucket 'x{63}'"),
    ],
)
def test_a_manifest_that_cannot_be_used_is_refused_with_the_entry_and_the_reason(body, why):
    with pytest.raises(FileRefusedError, match=why):
        read_manifest(body, bucket="data", key="incoming/all.manifest.json")


JSON = st.recursive(
    st.none() | st.booleans() | st.floats() | st.text(),
    lambda inner: (
        st.lists(inner) | st.dictionaries(st.sampled_from(["entries", "url", "mandatory", "x"]), inner)
    ),
)


@given(st.binary() | JSON.map(json.dumps).map(str.encode))
def test_whatever_a_manifest_holds_it_is_keys_or_a_refusal(body):
    with contextlib.suppress(FileRefusedError):
        entries = read_manifest(body, bucket="data", key="incoming/all.manifest.json")

        assert entries
        assert all(key.startswith("incoming/") for key in entries)


def test_what_redshift_unloads_is_a_manifest():
    """With the sizes that `UNLOAD ... MANIFEST` writes, and the author of its verbose form."""
    entries = [{"url": "s3://data/incoming/part_00", "meta": {"content_length": 5956875}}]
    body = json.dumps({"entries": entries, "meta": {}, "author": {"name": "Amazon Redshift"}}).encode()

    assert read_manifest(body, bucket="data", key="incoming/manifest") == {"incoming/part_00": True}


def test_a_refused_manifest_is_kept_with_the_reason_once(world):
    note = world.drop("incoming/all.manifest.json", body=b"[]")

    assert world.look(note)["state"] == "refused"
    assert world.look(note)["state"] == "refused"

    ((key, reason),) = world.kept
    assert (key, reason["code"]) == ("incoming/all.manifest.json", "manifest")
    assert [(record.key, record.refused) for record in world.records] == [(key, "manifest")]
    assert world.metrics == [{"FilesQuarantined": 1}]


def test_a_manifest_that_is_too_large_is_not_read(world):
    note = world.event("incoming/all.manifest.json", size=MAX_BYTES + 1)

    assert "larger than 4 MB" in world.look(note)["why"]


# --- files that never come


def test_when_the_time_is_over_a_batch_is_held_back_and_says_which_files_are_missing(world):
    note = world.drop("incoming/all.manifest.json", body=manifest("a.csv", "b.csv"))
    world.drop("incoming/b.csv")
    assert world.look(note, timedelta(minutes=9), wait_minutes=10)["state"] == "waiting"

    result = world.look(note, timedelta(minutes=1), wait_minutes=10)

    assert result == {
        "state": "incomplete",
        "why": "1 not here: incoming/a.csv; 1 here and not taken in yet: incoming/b.csv; "
        "drop them, and then all.manifest.json again",
    }
    assert (world.metrics, world.events, world.records) == ([{"FilesMissing": 2}], [], [])


def test_or_it_is_trained_on_without_them_where_the_pipeline_says_so(world):
    note = world.drop("incoming/all.manifest.json", body=manifest("a.csv", "b.csv"))
    world.drop("incoming/b.csv")
    world.take("incoming/b.csv")

    result = world.look(note, timedelta(hours=1), if_missing="train")

    assert (result["state"], result["rows"]) == ("accepted", 10)
    assert world.events[0][1]["missing"] == ("incoming/a.csv",)
    assert world.metrics == [{"BatchesAccepted": 1, "FilesMissing": 1}]


def test_a_file_that_is_not_mandatory_is_waited_for_and_then_done_without(world):
    note = world.drop("incoming/all.manifest.json", body=manifest("a.csv", mandatory=False))
    assert world.look(note)["state"] == "waiting"

    assert world.look(note, timedelta(hours=1))["state"] == "accepted"
    assert world.metrics == [{"BatchesAccepted": 1, "FilesMissing": 0}]


def test_a_thousand_missing_files_are_counted_and_ten_are_named(world):
    names = [f"{n:04}.csv" for n in range(1000)]
    note = world.drop("incoming/all.manifest.json", body=manifest(*names))

    why = world.look(note, timedelta(hours=1))["why"]

    assert why.startswith("1000 not here: incoming/0000.csv, ")
    assert why.count(".csv") == 10


def test_the_longest_names_fit_into_the_cause_of_a_failed_execution(world):
    """Step Functions: the Cause of a Fail state has at most 32,768 characters."""
    names = [f"{n:04}".ljust(1024 - len("incoming/"), "x") for n in range(40)]
    note = world.drop("incoming/all.manifest.json", body=manifest(*names))
    for name in names[::2]:
        world.drop(f"incoming/{name}")

    assert len(world.look(note, timedelta(hours=1))["why"]) < 32_768


def test_a_week_of_waiting_fits_into_one_execution():
    """An execution has 25,000 events at most; a look takes a task, a choice and a wait: about 11 of them."""
    waited, looks = 0, 0
    while waited < 7 * 86_400:
        waited, looks = waited + next_look_s(waited), looks + 1

    assert 11 * looks < 25_000


# --- in whatever order

STEPS = ("drop a", "take a", "drop b", "take b", "note", "look", "look again")


@given(order=st.permutations(STEPS * 2), refused=st.sampled_from([(), ("a",), ("a", "b")]))
def test_files_their_events_and_the_manifest_may_come_in_any_order_and_twice(order, refused):
    """One batch is announced, not before every file is accounted for, and no later than the next look."""
    world, note = World(), None

    for step in order:
        match step.split():
            case ["drop", name] if (f"incoming/{name}.csv", "v1") not in world.bodies:
                world.drop(f"incoming/{name}.csv")
            case ["take", name] if (f"incoming/{name}.csv", "v1") in world.bodies:
                world.take(f"incoming/{name}.csv", rows=0 if name in refused else 10)
            case ["note"] if note is None:
                note = world.drop("incoming/all.manifest.json", body=manifest("a.csv", "b.csv"))
            case ["look", *_] if note is not None:
                complete = len(world.taken) == 2
                assert (world.look(note)["state"] == "accepted") == complete
        assert len(world.events) <= (len(world.taken) == 2)

    if note is not None and len(world.taken) == 2:
        world.look(note)
        assert len(world.events) == 1
        assert world.records[0].rows == 10 * (2 - len(refused))


@given(st.lists(st.sampled_from("abcd"), min_size=1, unique=True), st.randoms(use_true_random=False))
def test_a_marker_is_answered_once_whatever_order_its_files_are_taken_in(names, random):
    world = World()
    for name in names:
        world.drop(f"incoming/day/{name}.csv")
    marker = world.drop("incoming/day/_SUCCESS")
    random.shuffle(names)

    for name in names:
        assert world.look(marker)["state"] == "waiting"
        world.take(f"incoming/day/{name}.csv")
    for _ in range(3):
        assert world.look(marker)["state"] == "accepted"

    assert len(world.events) == 1


@pytest.mark.parametrize(
    ("key", "note"),
    [
        ("incoming/_SUCCESS", True),
        ("incoming/a b/_SUCCESS", True),
        ("incoming/x.manifest.json", True),
        ("incoming/_success", False),
        ("incoming/_SUCCESS/a.csv", False),
        ("incoming/manifest.json", False),
    ],
)
def test_only_these_names_are_markers_and_manifests(key, note):
    assert says_complete(key) is note
