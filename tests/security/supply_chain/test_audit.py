"""What an audit could not ask about is skipped, and never clean."""

import json
from pathlib import Path

import pytest

from security.supply_chain import audit
from security.supply_chain.audit import Audit, Said, audit_node, audit_python, exit_code, locks, told

LOCKS = [Path("requirements.txt")]


def python(said):
    return audit_python(lambda _: said, LOCKS)


def node(said):
    return audit_node(lambda _: said, ["npm"])


def pip_audit(*dependencies, code=0):
    return Said(
        code, json.dumps({"dependencies": list(dependencies), "fixes": []}), "No known vulnerabilities found"
    )


def npm(vulnerabilities, total=7):
    document = {
        "auditReportVersion": 2,
        "vulnerabilities": vulnerabilities,
        "metadata": {"dependencies": {"total": total}},
    }
    return Said(int(bool(vulnerabilities)), json.dumps(document), "")


GOOD = {"name": "numpy", "version": "2.4.6", "vulns": []}
BAD = {"name": "pillow", "version": "1.0", "vulns": [{"id": "PYSEC-2021-1", "fix_versions": ["13.0"]}]}
SKIPPED = {
    "name": "torch",
    "skip_reason": "Dependency not found on PyPI and could not be audited: torch (2.15.0)",
}


def test_packages_without_known_vulnerabilities_are_clean():
    assert python(pip_audit(GOOD)) == Audit(1)
    assert python(pip_audit(GOOD)).verdict == "clean"


def test_a_known_vulnerability_is_named_with_its_package():
    found = python(pip_audit(GOOD, BAD, code=1))

    assert found.verdict == "vulnerable"
    assert found.vulnerabilities == ["pillow 1.0: PYSEC-2021-1"]


def test_a_package_that_was_skipped_is_not_clean_though_the_exit_code_is_0():
    found = python(pip_audit(GOOD, SKIPPED))

    assert found.verdict == "skipped"
    assert found.not_audited == [f"torch: {SKIPPED['skip_reason']}"]


def test_a_vulnerability_counts_for_more_than_what_was_skipped():
    assert python(pip_audit(BAD, SKIPPED, code=1)).verdict == "vulnerable"


@pytest.mark.parametrize(
    "said",
    [
        Said(1, "", "ERROR:pip_audit._cli:Could not connect to PyPI's vulnerability feed"),
        Said(0, "", ""),
        Said(0, "No known vulnerabilities found", ""),
        Said(0, "{}", ""),
        Said(0, "[]", ""),
        Said(-1, "", "TimeoutExpired: no answer"),
        pip_audit(),
    ],
)
def test_an_answer_that_says_nothing_is_skipped(said):
    assert python(said).verdict == "skipped"


def test_why_the_database_could_not_be_reached_is_told():
    (why,) = python(Said(1, "", "ERROR: Could not connect\n")).not_audited

    assert why == "could not reach the database of Python packages: ERROR: Could not connect"


def test_all_locks_are_asked_about_at_once_and_nothing_is_resolved():
    asked = []
    audit_python(lambda command: asked.append(command) or pip_audit(GOOD), [Path("a.txt"), Path("b.txt")])

    (command,) = asked
    assert [command[place + 1] for place, word in enumerate(command) if word == "--requirement"] == [
        "a.txt",
        "b.txt",
    ]
    assert {"--disable-pip", "--no-deps"} <= set(command)


def test_every_file_that_pins_packages_is_among_them():
    names = {path.relative_to(audit.REPO).as_posix() for path in locks()}

    assert {
        "requirements.txt",
        "requirements-spark.txt",
        "requirements-frameworks.txt",
        "sagemaker_jobs/requirements.txt",
        "sagemaker_jobs/extras/torch.txt",
    } <= names
    assert all(path.is_file() for path in locks())


def test_without_a_lock_nothing_is_clean(tmp_path):
    assert audit_python(lambda _: pytest.fail("it was asked"), []).verdict == "skipped"


def test_node_packages_without_known_vulnerabilities_are_clean():
    assert node(npm({})) == Audit(7)
    assert node(npm({})).verdict == "clean"


def test_a_known_vulnerability_of_node_is_named():
    found = node(npm({"aws-cdk": {"severity": "high"}}))

    assert (found.verdict, found.vulnerabilities) == ("vulnerable", ["aws-cdk: high"])


@pytest.mark.parametrize(
    ("said", "why"),
    [
        (
            Said(1, '{"error": {"code": "ENOTFOUND", "summary": "getaddrinfo ENOTFOUND"}}', ""),
            "getaddrinfo ENOTFOUND",
        ),
        (Said(1, '{"message": "405 Method Not Allowed"}', ""), "405 Method Not Allowed"),
        (Said(1, "", "npm error audit endpoint returned an error"), "returned an error"),
        (Said(0, "", ""), "said nothing"),
        (Said(0, "[]", "odd"), "odd"),
    ],
)
def test_npm_that_could_not_reach_anybody_is_skipped_with_the_reason(said, why):
    found = node(said)

    assert found.verdict == "skipped"
    assert why in found.not_audited[0]


def test_npm_that_has_looked_at_nothing_is_not_clean():
    assert node(npm({}, total=0)).verdict == "skipped"


@pytest.mark.parametrize(
    ("one", "other", "worst"),
    [
        (Audit(5), Audit(3), "clean"),
        (Audit(5), Audit(), "skipped"),
        (Audit(5, not_audited=["x"]), Audit(3), "skipped"),
        (Audit(5, ["x"]), Audit(), "vulnerable"),
    ],
)
def test_the_worst_of_both_is_what_counts(one, other, worst):
    assert told({"python": one, "node": other})["audit"] == worst


def test_vulnerabilities_fail_and_what_was_skipped_fails_if_that_is_asked_for():
    assert exit_code("vulnerable", strict=False) == 1
    assert exit_code("clean", strict=True) == 0
    assert (exit_code("skipped", strict=False), exit_code("skipped", strict=True)) == (0, 3)


def test_a_closed_machine_says_skipped_loudly_and_is_not_red(monkeypatch, capsys):
    monkeypatch.setattr(audit, "_run", lambda _: Said(1, "", "could not connect"))

    assert audit.main([]) == 0
    said = capsys.readouterr()
    assert json.loads(said.out.splitlines()[-1])["audit"] == "skipped"
    assert "could not reach the database of Python packages: could not connect" in said.err
    assert "SKIPPED" in said.err
    assert "no known vulnerabilities" not in (said.out + said.err).lower()
    assert audit.main(["--strict"]) == 3
