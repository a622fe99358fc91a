"""How good are models of public data, each made by the whole pipeline from a dropped file to the registry? `make bench-quality`."""

from __future__ import annotations

import argparse
import json
import os
import sys
import tempfile
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from benchmarks.measure_loop import free_port
from benchmarks.measure_training import measure as measure_training
from benchmarks.quality.cloud import bootstrap, deploy, train
from benchmarks.quality.data_sets import DATA_SETS, DataSet
from demo.screen import Screen
from local_cloud.launcher import LocalCloud
from local_cloud.settings import Settings

_SPEED = ("framework_overhead", "load_mb_per_s")
"""Figures of `measure_training` that belong to the models: what is not fitting, beside it, and how fast rows are read."""


def main(argv: list[str] | None = None) -> int:
    """Bring every data set through its pipeline; print a table, then the figures as JSON."""
    parser = argparse.ArgumentParser(prog="make bench-quality", description=__doc__)
    parser.add_argument("--only", nargs="+", metavar="PIPELINE", help="some of the data sets, and no times")
    only = parser.parse_args(argv).only
    chosen = [data_set for data_set in DATA_SETS if only is None or data_set.pipeline in only]
    screen = Screen()
    with tempfile.TemporaryDirectory(prefix="headrace-quality-") as folder:
        local = LocalCloud(Settings(free_port(), Path(folder) / "cloud"))
        local.start()
        try:
            environment = {**os.environ, **local.environment()}
            bootstrap(environment)
            values = {each: _value(each, environment, Path(folder), screen) for each in chosen}
        finally:
            local.stop()
    screen.table("quality", ["data set", "metric", "rows", "value", "bar", "others"], _rows(values))
    figures = {each.figure: round(value, 4) for each, value in values.items()}
    speed = {} if only else measure_training()
    print(json.dumps({**figures, **{name: speed[name] for name in _SPEED if name in speed}}))
    return 0 if all(each.holds(value) for each, value in values.items()) else 1


def _value(data_set: DataSet, environment: Mapping[str, str], folder: Path, screen: Screen) -> float:
    with screen.step(f"{data_set.pipeline}: deploy, drop, train, evaluate, register"):
        started = time.monotonic()
        evaluation = train(data_set, deploy(data_set, environment, folder))
    value = measured(evaluation, data_set.metric)
    screen.say(f"{data_set.metric} {value:.4f} after {time.monotonic() - started:.0f} s")
    return value


def measured(evaluation: Mapping[str, Any], metric: str) -> float:
    """Return the metric over the folds, if there are any, or on the test part."""
    if folds := evaluation.get("cross_validation"):
        return float(folds[metric]["mean"])
    return float(evaluation["challenger"][metric])


def _rows(values: Mapping[DataSet, float]) -> list[list[str]]:
    return [
        [each.pipeline, each.metric, each.how, f"{value:.4f}", f"{each.bar:g}", each.reference]
        for each, value in values.items()
    ]


if __name__ == "__main__":
    sys.exit(main())
