import io
import tarfile

import pytest

from headrace.aws.model_archive import ArchiveError, read_members


def archive(*members):
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w:gz") as tar:
        for name, content in members:
            info = tarfile.TarInfo(name)
            if content is None:
                info.type, info.linkname = tarfile.SYMTYPE, "/etc/passwd"
                tar.addfile(info)
            else:
                info.size = len(content)
                tar.addfile(info, io.BytesIO(content))
    buffer.seek(0)
    return buffer


def test_members_are_found_with_and_without_a_leading_dot():
    found = read_members(
        archive(("./sample.json", b"s"), ("baseline.json", b"b"), ("x", b"")),
        ["sample.json", "baseline.json"],
    )

    assert found == {"sample.json": b"s", "baseline.json": b"b"}


def test_a_missing_member_is_named():
    with pytest.raises(ArchiveError, match=r"no baseline\.json"):
        read_members(archive(("sample.json", b"s")), ["baseline.json"])


def test_an_archive_with_a_link_is_refused():
    with pytest.raises(ArchiveError, match="no_file"):
        read_members(archive(("sample.json", None)), ["sample.json"])


def test_an_archive_with_a_member_elsewhere_is_refused():
    with pytest.raises(ArchiveError, match="leads_elsewhere"):
        read_members(archive(("../sample.json", b"s")), ["sample.json"])


def test_a_member_that_is_too_large_is_not_read():
    with pytest.raises(ArchiveError, match="more than 10"):
        read_members(archive(("sample.json", b"x" * 11)), ["sample.json"], limit_bytes=10)


def test_what_is_no_archive_is_refused():
    with pytest.raises(ArchiveError, match="cannot be read as a gzipped tar"):
        read_members(io.BytesIO(b"<html>"), ["sample.json"])
