"""A ledger of releases in memory, for tests of what writes and reads it."""

from dataclasses import replace

from headrace.aws.alarm_states import AlarmState
from headrace.aws.release_log import RunningRelease

PLAN = {
    "action": "deploy",
    "why": "v4 was approved",
    "by": "approval",
    "planned_at": "2026-01-31T12:00:00+00:00",
    "against": 3,
    "endpoint": "headrace-bike",
    "endpoint_exists": True,
    "previous_config": "headrace-bike-v3-00000000",
    "name": "headrace-bike-v4-0a1b2c3d",
    "version": 4,
    "variant": "v4",
    "instances": 2,
    "image": "image:1",
    "environment": {"HEADRACE_MODEL_VERSION": "v4"},
    "model_package_arn": "arn:4",
    "model_data_url": "s3://b/m.tar.gz",
    "approved_at": "2026-01-31T11:59:00+00:00",
    "snapshot": "h",
    "run": "run-1",
    "strategy": "canary",
    "release": {
        "strategy": "canary",
        "config": "headrace-bike-v4-0a1b2c3d-release",
        "champion": {"version": 3, "variant": "v3", "name": "headrace-bike-v3-00000000"},
        "challenger": {"version": 4, "variant": "v4", "name": "headrace-bike-v4-0a1b2c3d"},
        "shares": [0.1, 1.0],
        "interval_s": 600,
    },
}
ALL_AT_ONCE = {**PLAN, "strategy": "all_at_once", "release": None}


class MemoryReleases:
    """The adapter's methods, without its table."""

    def __init__(self, running=None, waiting=None):
        self._running, self._waiting, self.entries, self.newest = running, waiting, [], 0

    def begin(self, release):
        self._running = release

    def running(self):
        return self._running

    def keep(self, release):
        assert self._running.execution == release.execution
        self._running = replace(release, decision=self._running.decision)
        return self._running

    def decide(self, execution, decision):
        return self._change(execution, decision=decision)

    def adopt(self, execution, *, by):
        return self._change(execution, execution=by)

    def _change(self, held_by, **changes):
        if self._running is None or self._running.execution != held_by:
            return None
        self._running = replace(self._running, **changes)
        return self._running

    def end(self, execution):
        if self._running and self._running.execution == execution:
            self._running = None

    def waiting(self):
        return self._waiting

    def newest_deployed(self):
        return self.newest

    def note_deployed(self, version):
        self.newest = max(self.newest, version)

    def add(self, entry):
        if any((known.planned_at, known.place) == (entry.planned_at, entry.place) for known in self.entries):
            return False
        self.entries.append(entry)
        return True


class Alarms:
    """Alarms of a release, of which some are on."""

    def __init__(self, *firing):
        self._firing, self.made, self.deleted = firing, None, 0

    def make(self, endpoint, champion, challenger, limits):
        self.made = (endpoint, champion, challenger, limits)
        return ["headrace-bike-release-errors"]

    def firing(self):
        return [AlarmState(name, "", "", "ALARM", f"{name} crossed its threshold") for name in self._firing]

    def delete(self):
        self.deleted += 1


class Tokens:
    """Executions that wait for tokens."""

    def __init__(self, *known):
        self.known, self.woken = known, []

    def wake(self, token, answer):
        if token not in self.known:
            return False
        self.woken.append((token, answer))
        return True


class Events:
    """A bus that keeps what comes."""

    def __init__(self):
        self.put_ = []

    def put(self, detail_type, detail):
        self.put_.append((detail_type, detail))


def running(plan=PLAN, **fields):
    """Return a release that runs."""
    values = {"execution": "e1", "plan": plan, "step": 0, "share": 0.1, "since": "t", "token": "token-1"}
    return RunningRelease(**{**values, **fields})
