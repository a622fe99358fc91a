import gzip
import io
import random
import tarfile

import pytest

from headrace.ml.supply_chain.archive import extract, scan, sha256_of
from headrace.ml.supply_chain.packed_stream import Limits
from headrace.ml.supply_chain.refusal import ModelReason, ModelRefusedError
from tests.archives import MODEL, of_type, packed, tar_of

SMALL = Limits(members=5, packed_bytes=2**20, total_bytes=2**21, ratio=50, free_bytes=2**18)


def extracted(archive, folder, limits=None):
    return extract(io.BytesIO(archive), folder / "model", limits)


def refusal(archive, tmp_path, limits=None):
    """Return the reason by which an archive is refused, having looked that nothing of it is left."""
    with pytest.raises(ModelRefusedError) as refused:
        extracted(archive, tmp_path, limits)
    assert list(tmp_path.iterdir()) == []
    return refused.value.reason


def test_a_whole_archive_is_unpacked_with_the_checksum_of_every_file(tmp_path):
    found = extracted(packed({**MODEL, "code/a.py": b"print()"}), tmp_path)

    assert (tmp_path / "model" / "code" / "a.py").read_bytes() == b"print()"
    assert found.members.keys() == {*MODEL, "code/a.py"}
    # The SHA-256 of b"print()", by sha256sum.
    assert found.members["code/a.py"].startswith("525d5133")
    assert (found.sha256, found.size) == sha256_of(io.BytesIO(packed({**MODEL, "code/a.py": b"print()"})))


@pytest.mark.parametrize("form", [tarfile.USTAR_FORMAT, tarfile.GNU_FORMAT, tarfile.PAX_FORMAT])
def test_every_format_of_tar_is_read_also_with_long_names_and_folders(tmp_path, form):
    name = f"{'a' * 90}/{'b' * 90}"

    found = extracted(packed({"./": b"", name: b"x"}, form=form, change=as_folder), tmp_path)

    assert found.members.keys() == {name}


def as_folder(info):
    if info.name.endswith("/"):
        info.type = tarfile.DIRTYPE


@pytest.mark.parametrize(
    "name",
    [
        "../evil",
        "a/../../evil",
        "/etc/evil",
        "..",
        "a/..",
        "",
        "C:\\evil",
        "a\\..\\evil",
        "a\nb",
        "\u202eevil",
        "x" * 2000,
    ],
)
def test_a_name_that_leads_elsewhere_is_refused(tmp_path, name):
    assert refusal(packed({**MODEL, name: b"x"}), tmp_path) == ModelReason.LEADS_ELSEWHERE


@pytest.mark.parametrize(
    "kind",
    [tarfile.SYMTYPE, tarfile.LNKTYPE, tarfile.CHRTYPE, tarfile.BLKTYPE, tarfile.FIFOTYPE, tarfile.CONTTYPE],
)
def test_what_is_no_file_is_refused(tmp_path, kind):
    archive = packed({**MODEL, "extra": b""}, change=of_type(kind))

    assert refusal(archive, tmp_path) == ModelReason.NO_FILE


def test_a_file_with_holes_is_refused_because_it_can_be_as_large_as_it_says(tmp_path):
    archive = packed({**MODEL, "extra": b""}, form=tarfile.GNU_FORMAT, change=of_type(tarfile.GNUTYPE_SPARSE))

    assert refusal(archive, tmp_path) in (ModelReason.NO_FILE, ModelReason.BROKEN_ARCHIVE)


@pytest.mark.parametrize("again", ["model.skops", "./model.skops", "MODEL.skops", "model.skops/part"])
def test_two_members_of_one_name_are_refused(tmp_path, again):
    assert refusal(packed([*MODEL.items(), (again, b"x")]), tmp_path) == ModelReason.DUPLICATE


def test_an_accent_that_is_written_in_two_ways_is_one_name(tmp_path):
    assert refusal(packed({"\u00e9.json": b"1", "e\u0301.json": b"2"}), tmp_path) == ModelReason.DUPLICATE


def test_more_members_than_a_model_has_are_refused(tmp_path):
    archive = packed({f"{n}.json": b"{}" for n in range(6)})

    assert refusal(archive, tmp_path, SMALL) == ModelReason.TOO_MANY


def test_an_archive_that_is_too_large_as_it_is_is_refused(tmp_path):
    archive = packed({"model.skops": random.Random(1).randbytes(2**20 + 2**12)})

    assert refusal(archive, tmp_path, SMALL) == ModelReason.TOO_LARGE


def test_an_archive_that_unpacks_to_too_much_is_refused(tmp_path):
    noise = random.Random(1).randbytes(2**16)

    assert refusal(packed({"model.skops": noise * 40}), tmp_path, SMALL) in (
        ModelReason.TOO_LARGE,
        ModelReason.BOMB,
    )


def test_a_bomb_is_refused_before_it_is_unpacked(tmp_path):
    assert refusal(packed({"model.skops": bytes(2**20)}), tmp_path, SMALL) == ModelReason.BOMB


def test_a_header_that_is_a_bomb_is_refused(tmp_path):
    def bomb(info):
        info.pax_headers = {"comment": "x" * 2**20}

    archive = packed(MODEL, change=bomb)

    assert refusal(archive, tmp_path) == ModelReason.BOMB


def test_an_archive_that_is_cut_anywhere_is_refused(tmp_path):
    archive = packed(MODEL)

    for end in range(len(archive)):
        assert refusal(archive[:end], tmp_path) == ModelReason.BROKEN_ARCHIVE, end


def test_a_tar_that_was_cut_before_it_was_packed_is_refused(tmp_path):
    tar = tar_of(MODEL)
    end = len(tar.rstrip(b"\0")) // 512 * 512 + 512

    for cut in range(0, end + 512, 512):
        assert refusal(gzip.compress(tar[:cut]), tmp_path) == ModelReason.BROKEN_ARCHIVE, cut


@pytest.mark.parametrize("more", [b"more", packed(MODEL), b"\0" * 512 + b"x"], ids=range(3))
def test_what_follows_the_end_is_refused(tmp_path, more):
    assert refusal(gzip.compress(tar_of(MODEL) + more), tmp_path) == ModelReason.BROKEN_ARCHIVE


def test_a_second_archive_behind_the_first_is_refused(tmp_path):
    assert refusal(packed(MODEL) + packed(MODEL), tmp_path) == ModelReason.BROKEN_ARCHIVE


@pytest.mark.parametrize(
    "body",
    [b"", b"<html>", gzip.compress(b""), gzip.compress(b"no tar" * 200), tar_of(MODEL)],
    ids=["empty", "page", "nothing packed", "text packed", "not packed"],
)
def test_what_is_no_archive_is_refused(tmp_path, body):
    assert refusal(body, tmp_path) == ModelReason.BROKEN_ARCHIVE


def test_what_was_there_before_stays_if_an_archive_is_refused(tmp_path):
    (tmp_path / "model").mkdir()
    (tmp_path / "model" / "schema.json").write_text("old")

    with pytest.raises(ModelRefusedError):
        extracted(packed(MODEL)[:-9], tmp_path)

    assert (tmp_path / "model" / "schema.json").read_text() == "old"


def test_a_file_may_not_be_written_where_a_folder_would_be_followed(tmp_path):
    with pytest.raises(ModelRefusedError, match="duplicate"):
        scan(io.BytesIO(packed([("a/b", b"1"), ("a", b"2")])), lambda _, chunks: list(chunks))
