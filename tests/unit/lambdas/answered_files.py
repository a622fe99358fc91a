"""The ledger of files that are to be answered, in memory, and a file."""

from dataclasses import replace

from headrace.aws.dropped_files import DroppedFile


def file(name="may.csv", version="v1", dropped_at="2026-01-31T10:00:00Z", size=100):
    """Return a file under ``batch/``."""
    return DroppedFile("data", f"batch/{name}", version, size, dropped_at)


class FakeLedger:
    """What `PredictionLedger` does, without a table."""

    def __init__(self):
        self.files, self.queue = {}, {}

    def find(self, file):
        return self.files.get((file.key, file.version_id))

    def known(self):
        return set(self.files)

    def begin(self, prediction, *, instead_of=None):
        place = prediction.key, prediction.version_id
        present = self.files.get(place)
        free = present is None or present.state == "failed"
        if not free and present.execution not in (prediction.execution, instead_of):
            return False
        self.files[place] = self.queue[place] = prediction
        return True

    def waiting(self):
        return sorted(self.queue.values(), key=lambda each: each.dropped_at)

    def end(self, prediction, **changes):
        ended = replace(prediction, **changes)
        place = ended.key, ended.version_id
        self.files[place] = ended
        self.queue.pop(place, None)
        return ended
