"""The ledger of trainings in memory, for the tests of whoever decides on trainings."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta

from headrace.aws.training_history import PastTraining
from headrace.aws.training_log import Champion, LastTraining

NOW = datetime(2026, 1, 31, 12, 0, tzinfo=UTC)
CHAMPION = Champion(
    3, "arn:aws:sagemaker:us-east-1:1:model-package/g/3", "s3://b/m.tar.gz", "v3", "t", "t", "h"
)
LAST = LastTraining("e0", "t", "2026-01-01T00:00:00+00:00", "registered", "", False, "h", "f", 700, True)


def past(started=NOW - timedelta(days=1), **changed):
    """Return a retraining that ended five minutes after it was started."""
    training = PastTraining(
        execution=f"e-{started:%d%H%M}",
        run="headrace-bike-1",
        started_at=started.isoformat(),
        finished_at=(started + timedelta(minutes=5)).isoformat(),
        reason="drift",
        because="temp",
        outcome="registered",
        why="",
        retraining=True,
        champion=2,
        version=3,
        seconds=360,
        cost_usd=0.01,
    )
    return replace(training, **changed)


class FakeLog:
    """Lock, last training, champion and rows."""

    def __init__(self, *, rows=0, champion=None, last=None, lock=None):
        self._rows, self._champion, self._last, self.lock = rows, champion, last, lock
        self.released = []

    def acquire(self, kind, lock, *, stale_after):
        oldest = datetime.fromisoformat(lock.acquired_at) - stale_after
        held = self.lock and datetime.fromisoformat(self.lock.acquired_at) >= oldest
        if held and self.lock.execution != lock.execution:
            return self.lock
        self.lock = lock
        return None

    def release(self, kind, execution):
        self.lock = None
        self.released.append((kind, execution))

    def holder(self, kind):
        return self.lock

    def last(self):
        return self._last

    def record(self, training):
        self._last = training

    def champion(self):
        return self._champion

    def crown(self, champion):
        self._champion = champion

    def rows(self):
        return self._rows


class FakeCases(dict):
    """Open alarms, by their reason."""

    def __init__(self, *cases):
        super().__init__({case.reason: case for case in cases})
        self.when_opened = lambda: None

    def open(self, case):
        self.setdefault(case.reason, case)
        self.when_opened()

    def all(self):
        return list(self.values())

    def change(self, before, after):
        if self.get(before.reason) != before:
            return False
        self[after.reason] = after
        return True

    def close(self, reason):
        self.pop(reason, None)


class FakeHistory:
    """Past trainings, and what was refused."""

    def __init__(self, *trainings):
        self.trainings, self.refused = list(trainings), []

    def add(self, training):
        self.trainings = [other for other in self.trainings if other.execution != training.execution]
        self.trainings.append(training)

    def newest_first(self):
        return iter(sorted(self.trainings, key=lambda training: training.started_at, reverse=True))

    def refuse(self, reason, rule, why, now):
        self.refused.append((reason, rule))
