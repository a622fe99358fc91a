import json
import subprocess

import pytest

from security.supply_chain import secrets_scan
from security.supply_chain.secrets_scan import Finding, find_planted, known_findings, scan, tracked_files


@pytest.fixture
def repo(tmp_path):
    subprocess.run(["git", "init", "-q", tmp_path], check=True)

    def commit(name, text):
        path = tmp_path / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
        subprocess.run(["git", "-C", tmp_path, "add", name], check=True)
        return path

    commit.root = tmp_path
    return commit


def secret(text):
    """Put a secret together, so that this file holds none."""
    return "".join(text)


PLANTED = {
    "AWS Access Key": secret(("key = 'AKIA", "Q3EG" * 4, "'")),
    "Private Key": secret(("-----BEGIN ", "EC PRIVATE KEY-----")),
    "GitHub Token": secret(("token = 'ghp_", "a1B2c3D4e5" * 3, "f6G7h8'")),
    "Basic Auth Credentials": secret(("url = 'https://ann:", "correcthorse", "@example.org'")),
    "Secret Keyword": secret(("password = '", "correct horse battery", "'")),
}


@pytest.mark.parametrize("kind", PLANTED)
def test_a_planted_secret_is_found_and_its_text_is_told_to_nobody(repo, kind):
    file = repo("settings.py", f"{PLANTED[kind]}\n")

    found = scan([file], repo.root)

    assert kind in {each.kind for each in found}
    assert all(len(each.sha1) == 40 for each in found)


def test_the_scan_finds_what_it_plants_itself():
    assert find_planted()


def test_files_that_git_has_are_scanned_and_lists_of_checksums_are_not(repo):
    repo("settings.py", "")
    repo("requirements.txt", "")
    repo("sagemaker_jobs/extras/torch.txt", "")
    repo("docs/page.png", "")
    (repo.root / "untracked.py").write_text("")

    assert [path.name for path in tracked_files(repo.root)] == ["settings.py"]


def test_without_git_the_scan_fails_instead_of_finding_nothing(tmp_path):
    with pytest.raises(secrets_scan.ScanError, match="git cannot tell"):
        tracked_files(tmp_path)


@pytest.fixture
def small(monkeypatch, tmp_path):
    """A project of one file with one secret; the baseline is its own."""
    finding = Finding("settings.py", "Secret Keyword", "0" * 40)
    monkeypatch.setattr(secrets_scan, "tracked_files", lambda: ["settings.py"])
    monkeypatch.setattr(secrets_scan, "_scan_all", lambda _: {finding})
    monkeypatch.setattr(secrets_scan, "known_findings", lambda: known_findings(tmp_path / "secrets.json"))

    def baseline(*findings):
        listed = [{"file": each.file, "kind": each.kind, "sha1": each.sha1} for each in findings]
        (tmp_path / "secrets.json").write_text(json.dumps(listed))

    return finding, baseline


def test_a_secret_that_nobody_has_looked_at_fails(small, capsys):
    assert secrets_scan.main([]) == 1
    said = capsys.readouterr()
    assert "settings.py, line 0: looks like a secret" in said.err
    assert json.loads(said.out)["secrets"] == 1


def test_what_a_person_has_looked_at_passes(small, capsys):
    finding, baseline = small
    baseline(finding)

    assert secrets_scan.main([]) == 0
    assert json.loads(capsys.readouterr().out) == {
        "secrets": 0,
        "stale": 0,
        "known": 1,
        "files": 1,
        "planted_found": True,
    }


def test_what_the_baseline_lists_and_is_gone_fails(small):
    finding, baseline = small
    baseline(finding, Finding("gone.py", "Secret Keyword", "1" * 40))

    assert secrets_scan.main([]) == 1


def test_a_scan_that_finds_nothing_that_it_has_planted_fails(small, monkeypatch, capsys):
    finding, baseline = small
    baseline(finding)
    monkeypatch.setattr(secrets_scan, "find_planted", lambda: False)

    assert secrets_scan.main([]) == 1
    assert "the scan does not work" in capsys.readouterr().err


def test_every_line_of_the_baseline_says_why():
    listed = json.loads(secrets_scan.BASELINE.read_text())

    assert [each["file"] for each in listed if not each["why"]] == []
