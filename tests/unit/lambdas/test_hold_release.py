from datetime import UTC, datetime

from headrace.aws.release_log import Decision
from lambdas.hold_release.handler import Ports, hold_release
from tests.unit.lambdas.releases import PLAN, Alarms, MemoryReleases, Tokens, running

NOW = datetime(2026, 1, 31, 12, 5, tzinfo=UTC)
EVENT = {"plan": PLAN, "step": 0, "share": 0.1, "judged": {}, "token": "token-2", "execution": "e1"}


def hold(log, tokens, alarms=None, event=EVENT):
    return hold_release(event, Ports(alarms or Alarms(), log, tokens), NOW)


def test_a_share_is_kept_until_somebody_wakes_the_execution():
    log, tokens = MemoryReleases(running(token="")), Tokens("token-2")

    assert hold(log, tokens) == {"woken": False}
    assert (log.running().token, log.running().since) == ("token-2", NOW.isoformat())
    assert tokens.woken == []


def test_each_share_is_one_line_of_the_history_however_often_it_is_looked_at():
    log, tokens = MemoryReleases(running(token="")), Tokens("token-2")
    shifted = {**EVENT, "step": 1, "share": 1.0, "judged": {"why": "10 minutes without an alarm"}}

    for event in (EVENT, EVENT, shifted):
        hold(log, tokens, event=event)

    assert [(entry.event, entry.share, entry.why) for entry in log.entries] == [
        ("shifted", 0.1, "the first share"),
        ("shifted", 1.0, "10 minutes without an alarm"),
    ]


def test_a_share_that_is_kept_on_has_been_there_since_it_began():
    log = MemoryReleases(running(since="2026-01-31T11:00:00+00:00"))

    hold(log, Tokens("token-2"))

    assert log.running().since == "2026-01-31T11:00:00+00:00"


def test_a_decision_that_was_made_while_the_execution_was_busy_wakes_it_at_once():
    log = MemoryReleases(running(decision=Decision("rollback", "arn:ann", "complaints")))
    tokens = Tokens("token-2")

    assert hold(log, tokens) == {"woken": True}
    assert tokens.woken == [("token-2", {"what": "rollback", "by": "arn:ann", "why": "complaints"})]


def test_an_alarm_that_is_on_already_wakes_it_to_look():
    log, tokens = MemoryReleases(running()), Tokens("token-2")

    hold(log, tokens, Alarms("headrace-bike-release-errors"))

    ((_, answer),) = tokens.woken
    assert (answer["what"], answer["by"]) == ("look", "headrace-bike-release-errors")
