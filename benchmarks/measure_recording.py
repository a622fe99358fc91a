"""How fast captured requests become rows and profiles, and profiles a verdict; storage is in memory. Ends in one line of JSON.

Twelve features, eight of them numbers; requests of a hundred rows and of one, as CSV and as JSON.
"""

from __future__ import annotations

import json
import resource
import time
from collections.abc import Callable, Iterator
from typing import Any

import numpy as np
import pandas as pd

from headrace.aws.captured_profiles import CapturedProfile
from headrace.config.pipeline import Pipeline
from headrace.ml.contract import ColumnSchema
from headrace.ml.drift import compare
from headrace.ml.profile import Profile, profile_frame
from lambdas.check_drift.window import merged
from lambdas.record_predictions.handler import logger, record_predictions
from tests.unit.lambdas.captures import record
from tests.unit.lambdas.traffic import NOW, Bucket, Documents, recording_ports

PIPELINE = Pipeline(name="bike", problem="regression", target="cnt")
ROWS = 100_000
FORMS = {
    "csv_100_rows_each": ("csv", 100),
    "csv_1_row_each": ("csv", 1),
    "json_100_rows_each": ("json", 100),
    "json_1_row_each": ("json", 1),
}
NUMBERS, CATEGORIES = 8, 4
PROFILES = 1000


def main() -> None:
    """Measure the recording of each form, and a check of many profiles."""
    logger.setLevel("WARNING")
    frame = _frame()
    baseline = profile_frame(frame[:5000], _schema(), predictions=frame["n0"][:5000].tolist())
    found: dict[str, float] = {}
    for name, (form, each) in FORMS.items():
        lines = list(_requests(frame, form, each))
        seconds = _seconds(lambda lines=lines: _record(lines, baseline))  # type: ignore[misc]
        found[f"recording_{name}_rows_per_second"] = round(ROWS / seconds)
        print(name, f"{seconds:.2f} s for {ROWS} rows")
    part = CapturedProfile(profile_frame(frame[:100], _schema(), predictions=[1.0], like=baseline))
    body = json.dumps(part.as_dict()).encode()
    found["check_seconds"] = round(_seconds(lambda: _check(baseline, body)), 3)
    print(f"{found['check_seconds']} s for a check of {PROFILES} profiles")
    found["memory_mb"] = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024
    print(json.dumps(found))


def _frame() -> pd.DataFrame:
    rng = np.random.default_rng(0)
    numbers = {f"n{index}": rng.normal(0, 1, ROWS).round(4) for index in range(NUMBERS)}
    seasons = ["spring", "summer", "autumn", "winter"]
    return pd.DataFrame(numbers | {f"c{index}": rng.choice(seasons, ROWS) for index in range(CATEGORIES)})


def _schema() -> list[ColumnSchema]:
    return [
        *(ColumnSchema(f"n{index}", "number") for index in range(NUMBERS)),
        *(ColumnSchema(f"c{index}", "category") for index in range(CATEGORIES)),
    ]


def _requests(frame: pd.DataFrame, form: str, each: int) -> Iterator[str]:
    """Yield the capture records of all rows, so many of them in each request."""
    lines = frame.to_csv(index=False, header=False).splitlines()
    documents = frame.to_dict("records") if form == "json" else []
    header = ",".join(frame.columns)
    for start in range(0, ROWS, each):
        answers = [1.5] * each
        if form == "csv":
            yield record(f"e{start}", [header, *lines[start : start + each]], answers)  # type: ignore[no-untyped-call]
        else:
            body = json.dumps({"instances": documents[start : start + each]})
            yield record(f"e{start}", [], answers, content_type="application/json", data=body)  # type: ignore[no-untyped-call]


def _record(lines: list[str], baseline: Profile) -> None:
    documents = Documents({"baselines/v3/baseline.json": baseline.as_dict()})
    ports: Any = recording_ports(Bucket(), documents)  # type: ignore[no-untyped-call]
    objects = 20
    for index in range(objects):
        ports.captured.write(lines[index::objects], name=f"{index:02}")
    outcome = record_predictions(PIPELINE, ports, NOW, lambda: True)
    assert outcome == {"more": False, "rows": ROWS}, outcome


def _check(baseline: Profile, body: bytes) -> None:
    window = merged(CapturedProfile.from_dict(json.loads(body)) for _ in range(PROFILES))
    assert compare(baseline, window.profile).verdict != "not enough data"


def _seconds(work: Callable[[], Any]) -> float:
    """Return the processor's time of the quickest of three runs: other programs on the machine do not count."""

    def once() -> float:
        started = time.process_time()
        work()
        return time.process_time() - started

    return min(once() for _ in range(3))


if __name__ == "__main__":
    main()
