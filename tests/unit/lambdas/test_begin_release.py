from datetime import UTC, datetime

from headrace.config.release import Release
from lambdas.begin_release.handler import begin_release
from tests.unit.lambdas.releases import PLAN, Alarms, MemoryReleases

NOW = datetime(2026, 1, 31, 12, 5, tzinfo=UTC)


def test_the_alarms_are_on_the_challengers_variant_before_it_gets_the_first_share():
    alarms, log, release = Alarms(), MemoryReleases(), Release(strategy="canary")

    answer = begin_release({"plan": PLAN, "execution": "e1"}, release, alarms, log, NOW)

    assert alarms.made == ("headrace-bike", "v3", "v4", release.limits)
    assert answer["share"] == 0.1


def test_the_history_says_that_it_began_and_why_once():
    alarms, log = Alarms(), MemoryReleases()

    for _ in range(2):
        begin_release({"plan": PLAN, "execution": "e1"}, Release(strategy="canary"), alarms, log, NOW)

    (entry,) = log.entries
    assert (entry.event, entry.version, entry.against, entry.share) == ("began", 4, 3, 0.0)
    assert entry.why == "v4 was approved; v3 is in service"
