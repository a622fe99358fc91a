import io

from headrace.aws.dropped_files import DroppedFile
from headrace.aws.large_files import LargeFileOutcome, Leftovers, WorkFolder

FILE = DroppedFile("data", "incoming/rows.csv", "v1", 10, "2026-01-31T12:00:00Z")


class Store:
    """Objects by bucket and key."""

    def __init__(self, objects=()):
        self.objects = dict(objects)

    def put_object(self, **call):
        self.objects[call["Bucket"], call["Key"]] = call["Body"]

    def get_object(self, **call):
        return {"Body": io.BytesIO(self.objects[call["Bucket"], call["Key"]])}

    def delete_object(self, **call):
        self.objects.pop((call["Bucket"], call["Key"]), None)


def test_refused_rows_their_reason_and_their_records_go_and_nothing_else():
    names = ("rejected.csv", "reason.json", "original")
    kept = [*(f"{FILE.quarantine_prefix}{name}" for name in names), FILE.records_key, "curated/a.parquet"]
    store = Store({("data", key): b"" for key in kept})

    Leftovers(store).delete_refused(FILE)

    assert [key for _, key in store.objects] == [f"{FILE.quarantine_prefix}original", "curated/a.parquet"]


def test_what_is_written_into_a_folder_is_found_by_its_uri():
    store, outcome = Store(), LargeFileOutcome(refused="damaged", why="it is cut")
    folder = WorkFolder.of(store, FILE)

    folder.write_outcome(outcome)

    assert WorkFolder.at(store, folder.uri).outcome() == outcome
