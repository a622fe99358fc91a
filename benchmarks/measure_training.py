"""How much of a training job is not fitting, and how fast it reads Parquet; ends in one line of JSON.

The rows are 100,000 of Covertype (7 labels, 54 columns); gradient boosting grows up to 500 trees for each label. Seconds are told
of the clock and of all processors together: on a machine that does other work as well, only the latter can be compared.
"""

from __future__ import annotations

import io
import json
import tempfile
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq

from benchmarks.quality.data_sets import packed
from headrace.ml.column_schema import ColumnSchema
from sagemaker_jobs.machine import processors
from sagemaker_jobs.parts import read_part
from sagemaker_jobs.paths import MlPaths
from sagemaker_jobs.spec import Spec, read_spec
from sagemaker_jobs.train_model import main as training

_LOADED_ROWS, _RUNS = 1_000_000, 3
_MB = 2**20
_TARGET = "cover_type"


def measure() -> dict[str, Any]:
    """Train once, and read a million rows three times."""
    with tempfile.TemporaryDirectory(prefix="headrace-bench-") as folder:
        return {**_training(Path(folder), _frame()), **_loading(Path(folder))}


def _frame() -> pd.DataFrame:
    return pd.read_csv(io.BytesIO(packed("covertype_100k"))).astype({_TARGET: str})


def _training(folder: Path, frame: pd.DataFrame) -> dict[str, Any]:
    """Run the training job, and tell apart fitting from all else: reading, evidence, monitoring, export, comparison."""
    part = np.random.default_rng(0).choice(["train", "validation", "test"], len(frame), p=[0.7, 0.1, 0.2])
    names = [name for name in frame.columns if name != _TARGET]
    cells = frame.astype(dict.fromkeys(names, float))
    for name in ("train", "validation"):
        place = folder / "input" / "data" / name
        place.mkdir(parents=True)
        cells[part == name].to_parquet(place / "part-00000.parquet", index=False)
    _write_spec(folder / "input" / "data" / "spec", names)
    fits: list[_Spent] = []
    training._fitted = _timed(training._fitted, fits)  # the one step that is not overhead
    whole = _Spent.by(lambda: training.main(MlPaths(folder, folder / "model"), {}))
    (fit,) = fits
    return {
        "rows": len(frame),
        "processors": processors(),
        "fit_seconds": round(fit.clock, 1),
        "fit_cpu_seconds": round(fit.cpu, 1),
        "other_seconds": round(whole.clock - fit.clock, 1),
        "other_cpu_seconds": round(whole.cpu - fit.cpu, 1),
        "framework_overhead": round((whole.cpu - fit.cpu) / fit.cpu, 3),
        "framework_overhead_by_clock": round((whole.clock - fit.clock) / fit.clock, 3),
    }


@dataclass(frozen=True)
class _Spent:
    """Seconds of the clock, and of all processors together."""

    clock: float
    cpu: float

    @classmethod
    def by(cls, work: Callable[[], Any]) -> _Spent:
        clock, cpu = time.perf_counter(), time.process_time()
        work()
        return cls(time.perf_counter() - clock, time.process_time() - cpu)


def _timed(work: Callable[..., Any], spent: list[_Spent]) -> Callable[..., Any]:
    def timed(*arguments: Any, **named: Any) -> Any:
        done: list[Any] = []
        spent.append(_Spent.by(lambda: done.append(work(*arguments, **named))))
        return done[0]

    return timed


def _loading(folder: Path) -> dict[str, Any]:
    """Read numbers and categories as a training does; megabytes are those of the cells in memory, 8 bytes a number or a code."""
    rng = np.random.default_rng(0)
    names = [f"c{place}" for place in range(12)]
    columns: dict[str, Any] = {name: rng.normal(size=_LOADED_ROWS) for name in names}
    columns["town"] = rng.choice([f"town {number}" for number in range(200)], _LOADED_ROWS)
    columns[_TARGET] = rng.choice(list("abc"), _LOADED_ROWS)
    place = folder / "loaded"
    place.mkdir()
    for number, chunk in enumerate(np.array_split(np.arange(_LOADED_ROWS), 4)):
        rows = pa.table(columns).take(pa.array(chunk))
        pq.write_table(rows, place / f"part-{number:05d}.parquet", compression="zstd")
    spec = _write_spec(folder / "spec", names, [ColumnSchema("town", "category")])
    runs = [_Spent.by(lambda: read_part(place, spec)) for _ in range(_RUNS)]
    clock, cpu = min(run.clock for run in runs), min(run.cpu for run in runs)
    in_memory = len(columns) * 8 * _LOADED_ROWS / _MB
    on_disk = sum(file.stat().st_size for file in place.iterdir()) / _MB
    return {
        "load_mb_per_s": round(in_memory / clock),
        "load_mb_per_cpu_s": round(in_memory / cpu),
        "load_mb_on_disk_per_s": round(on_disk / clock),
        "load_mb_on_disk_per_cpu_s": round(on_disk / cpu),
    }


def _write_spec(folder: Path, names: list[str], further: list[ColumnSchema] | None = None) -> Spec:
    schema = [*(ColumnSchema(name, "number") for name in names), *(further or [])]
    document = {
        "pipeline": {"name": "cover", "problem": "multiclass", "target": _TARGET},
        "schema": [column.as_dict() for column in schema],
        "content_hash": "",
        "code_version": "",
    }
    folder.mkdir(parents=True)
    (folder / "spec.json").write_text(json.dumps(document))
    return read_spec(folder)


if __name__ == "__main__":
    print(json.dumps(measure()))
