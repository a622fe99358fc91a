import pytest
from ministack.core import persistence
from ministack.core.responses import AccountScopedDict, request_scope

from local_cloud.adapters.snapshots import _Files


@pytest.fixture
def state_dir(tmp_path, monkeypatch):
    monkeypatch.setattr(persistence, "PERSIST_STATE", True)
    monkeypatch.setattr(persistence, "STATE_DIR", str(tmp_path / "services"))
    return tmp_path / "services"


def test_the_emulator_reads_what_is_saved(state_dir):
    roles = AccountScopedDict()
    with request_scope("123456789012", "us-east-1"):
        roles["reader"] = {"code": b"\x00\xff"}

    _Files().save("iam", {"roles": roles, "count": 1})

    read = persistence.load_state("iam")
    assert read["count"] == 1
    assert read["roles"]._data == {("123456789012", "reader"): {"code": b"\x00\xff"}}


def test_only_what_has_changed_is_written(state_dir):
    files, path = _Files(), state_dir / "iam.json"
    files.save("iam", {"count": 1})
    path.write_text("as it was")

    files.save("iam", {"count": 1})
    unchanged = path.read_text()
    files.save("iam", {"count": 2})

    assert unchanged == "as it was"
    assert persistence.load_state("iam") == {"count": 2}


def test_a_file_that_was_removed_is_written_again(state_dir):
    files = _Files()
    files.save("iam", {"count": 1})
    (state_dir / "iam.json").unlink()

    files.save("iam", {"count": 1})

    assert persistence.load_state("iam") == {"count": 1}


def test_a_section_that_cannot_be_written_leaves_the_last_one_and_is_told(state_dir, caplog):
    files = _Files()
    files.save("iam", {"count": 1})

    files.save("iam", {"count": object()})

    assert persistence.load_state("iam") == {"count": 1}
    assert "the state of iam could not be saved" in caplog.text
