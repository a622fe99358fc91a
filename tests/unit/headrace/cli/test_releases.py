"""`headrace release`, with a pipeline that says what it is told."""

import json

import pytest

from headrace.aws import deployed_pipeline, deployed_release
from headrace.aws.deployed_pipeline import RunFailedError
from headrace.aws.deployed_release import NothingToDecideError
from headrace.cli import main

ENTRY = {
    "at": "2026-01-31T12:05:00+00:00",
    "event": "shifted",
    "version": 4,
    "share": 0.1,
    "by": "release",
    "why": "the first share",
}
STATUS = {
    "in_service": {"version": 3, "since": "2026-01-01T12:00:00+00:00", "way_back": 2},
    "requests": {"v3": 0.9, "v4": 0.1},
    "release": {
        "version": 4,
        "against": 3,
        "strategy": "canary",
        "step": 0,
        "share": 0.1,
        "shares": [0.1, 1.0],
        "since": "2026-01-31T12:05:00+00:00",
        "deadline": "2026-02-14T12:00:00+00:00",
        "judged": "no alarm at a share of 10 %",
        "figures": {"challenger_rows": 812},
        "page": "releases/v4/report.html",
        "alarms": {"headrace-bike-release-errors": "OK"},
        "decision": None,
    },
    "waiting": None,
    "history": [ENTRY],
}


class Release:
    """What runs."""

    def __init__(self):
        self.found, self.fails, self.told = STATUS, None, None

    def status(self, count):
        return {**self.found, "history": self.found["history"][:count]}

    def decide(self, what, why, version=None):
        if self.fails:
            raise self.fails
        self.told = (what, why) if version is None else (what, why, version)
        return {"decision": what, "by": "arn:ann", "why": why, "in_service": STATUS["in_service"]}


@pytest.fixture
def release(monkeypatch):
    release = Release()
    monkeypatch.setattr(deployed_pipeline.DeployedPipeline, "find", lambda name: name)
    monkeypatch.setattr(deployed_release, "DeployedRelease", lambda pipeline: release)
    return release


@pytest.fixture
def run(release, capsys):
    def run(*arguments):
        code = main(["release", *arguments])
        printed = capsys.readouterr()
        return code, printed.out, printed.err

    return run


def test_status_shows_who_answers_what_how_far_it_has_come_and_what_is_known(run):
    code, out, _ = run("status", "bike")

    assert code == 0
    for told in (
        "v3 since 2026-01-01 12:00; v2 is kept to go back to",
        "v3 90 %, v4 10 %",
        "v4 against v3: canary, step 1 of 2 (10 %)",
        "no alarm at a share of 10 %",
        "challenger_rows: 812",
        "releases/v4/report.html",
        "headrace-bike-release-errors: OK",
        "the first share",
    ):
        assert told in out


def test_status_of_a_pipeline_without_a_release_says_so(run, release):
    release.found = {**STATUS, "in_service": None, "requests": {}, "release": None, "history": []}

    _, out, _ = run("status", "bike")

    assert "nothing yet" in out
    assert "none runs" in out
    assert "history" not in out


def test_a_decision_that_is_not_carried_out_yet_and_a_model_that_waits_are_shown(run, release):
    decision = {"what": "rollback", "by": "arn:ann", "why": "complaints"}
    running = {
        **STATUS["release"],
        "decision": decision,
        "judged": None,
        "figures": {},
        "page": None,
        "alarms": {},
    }
    release.found = {**STATUS, "release": running, "waiting": "arn:5"}

    _, out, _ = run("status", "bike")

    assert "rollback by arn:ann: complaints" in out
    assert "not yet" in out
    assert "arn:5" in out


def test_status_is_json_for_scripts(run):
    _, out, _ = run("status", "bike", "--json", "--last", "1")

    assert json.loads(out) == STATUS


@pytest.mark.parametrize("what", ["promote", "rollback"])
def test_a_decision_is_made_with_its_reason_and_told_when_it_is_done(run, release, what):
    code, out, _ = run(what, "bike", "--why", "complaints")

    assert (code, out) == (0, "v3 serves\n")
    assert release.told == (what, "complaints")


def test_a_decision_is_json_for_scripts(run):
    _, out, _ = run("rollback", "bike", "--json")

    assert json.loads(out)["in_service"]["version"] == 3
    assert json.loads(out)["why"] == "no reason given"


@pytest.mark.parametrize(
    "error", [NothingToDecideError("no earlier version is kept"), RunFailedError("it has ended as FAILED")]
)
def test_what_cannot_be_done_is_one_line_that_says_why(run, release, error):
    release.fails = error

    assert run("rollback", "bike") == (2, "", f"headrace: {error}\n")


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        (["bike", "--because", "complaints"], ("rollback", "complaints")),
        (["bike", "v2", "--because", "complaints"], ("rollback", "complaints", 2)),
        (["bike", "2"], ("rollback", "no reason given", 2)),
    ],
)
def test_going_back_needs_no_version_and_may_name_any(release, capsys, arguments, told):
    assert main(["rollback", *arguments]) == 0
    assert release.told == told
    assert capsys.readouterr().out == "v3 serves\n"


@pytest.mark.parametrize("version", ["0", "two", "-1"])
def test_a_version_that_is_none_is_refused(release, version):
    with pytest.raises(SystemExit):
        main(["rollback", "bike", version])
