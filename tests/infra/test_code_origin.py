import subprocess

import pytest

from infra import code_origin
from infra.code_origin import changed_files, content_sha256

LOCK = "sagemaker_jobs/requirements.txt"


@pytest.fixture
def checkout(tmp_path):
    """A repository of git with one commit."""
    (tmp_path / "sagemaker_jobs").mkdir()
    (tmp_path / LOCK).write_text("numpy==2.0\n")
    (tmp_path / "headrace").mkdir()
    (tmp_path / "headrace" / "a.py").write_text("a = 1\n")
    git(tmp_path, "init", "-q")
    git(tmp_path, "add", ".")
    git(tmp_path, "-c", "user.name=Ann", "-c", "user.email=ann@example.com", "commit", "-q", "-m", "One")
    return tmp_path


def git(folder, *arguments):
    return subprocess.run(
        ["git", "-C", str(folder), *arguments], check=True, capture_output=True, text=True
    ).stdout.strip()


def origin(folder):
    return code_origin.code_origin.__wrapped__(folder)


def test_a_clean_checkout_names_its_commit(checkout):
    found = origin(checkout)

    assert (found.commit, found.dirty, found.git_says) == (git(checkout, "rev-parse", "HEAD"), False, "")


def test_a_changed_file_makes_it_dirty_and_is_named(checkout):
    (checkout / "headrace" / "a.py").write_text("a = 2\n")

    assert origin(checkout).dirty
    assert changed_files(git(checkout, "rev-parse", "HEAD"), checkout) == ["headrace/a.py"]


def test_a_file_that_is_none_of_the_projects_does_not(checkout):
    (checkout / "tryout.csv").write_text("1\n")

    assert origin(checkout).dirty is False


def test_without_a_repository_there_is_no_commit_and_a_reason(tmp_path, monkeypatch):
    monkeypatch.setenv("GIT_CEILING_DIRECTORIES", str(tmp_path.parent))

    found = origin(tmp_path)

    assert (found.commit, found.dirty) == (None, None)
    assert found.git_says.startswith("git has no commit: ")
    assert str(tmp_path) not in found.git_says


def test_without_git_there_is_no_commit_and_a_reason(checkout, monkeypatch):
    monkeypatch.setenv("PATH", "")

    assert origin(checkout).git_says == "git cannot be run: FileNotFoundError"
    assert changed_files("abc", checkout) == []


def test_another_lock_is_another_hash(checkout):
    before = origin(checkout)
    (checkout / LOCK).write_text("numpy==2.1\n")
    after = origin(checkout)

    assert before.locks.keys() == after.locks.keys() == {LOCK}
    assert before.lock_sha256 != after.lock_sha256


def test_the_hash_of_a_folder_is_that_of_names_and_contents(tmp_path):
    for name, file, text in (("a", "x.py", "1"), ("b", "x.py", "1"), ("c", "y.py", "1"), ("d", "x.py", "2")):
        (tmp_path / name).mkdir()
        (tmp_path / name / file).write_text(text)
    a, b, c, d = (content_sha256(tmp_path / name) for name in "abcd")

    assert a == b
    assert len({a, c, d}) == 3
