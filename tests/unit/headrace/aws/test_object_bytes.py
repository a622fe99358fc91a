import io

from botocore.response import StreamingBody

from headrace.aws.dropped_files import DroppedFile
from headrace.aws.object_bytes import ObjectBytes
from headrace.ml.files.ranges import ByteRange, Copy

FILE = DroppedFile("data", "incoming/a.parquet", "v1", 10, "2026-01-31T12:00:00Z")


class Store:
    """One version of one object."""

    def __init__(self, data):
        self.data, self.versions = data, []

    def get_object(self, **asked):
        self.versions.append(asked["VersionId"])
        first, last = map(int, asked["Range"].removeprefix("bytes=").split("-"))
        part = self.data[first : last + 1]
        return {"Body": StreamingBody(io.BytesIO(part), len(part))}


def test_bytes_are_copied_to_their_places_and_nothing_between_them_is_asked_for(tmp_path):
    store = Store(b"0123456789")

    ObjectBytes(store, FILE).copy(tmp_path / "part", [Copy(ByteRange(2, 4), 2), Copy(ByteRange(8, 10), 8)])

    assert (tmp_path / "part").read_bytes() == b"\0\x0023\0\0\0\x0089"
    assert store.versions == ["v1", "v1"]


def test_what_is_copied_later_leaves_what_was_there(tmp_path):
    source = ObjectBytes(Store(b"0123456789"), FILE)
    source.copy(tmp_path / "part", [Copy(ByteRange(8, 10), 8)])

    source.copy(tmp_path / "part", [Copy(ByteRange(0, 3), 0)])

    assert (tmp_path / "part").read_bytes() == b"012\0\0\0\0\x0089"


def test_fetching_replaces_what_was_there(tmp_path):
    (tmp_path / "head").write_bytes(b"longer than what comes")

    ObjectBytes(Store(b"0123456789"), FILE).fetch(tmp_path / "head", 3, 5)

    assert (tmp_path / "head").read_bytes() == b"34"
