"""How long scikit-learn and ONNX Runtime take to answer one row and a hundred, for every estimator, in one process.

Both are asked with typed cells, on one thread, as a worker of the server asks them: what is compared is the pipeline, not the
parsing. Ends in one line of JSON.

``python -m benchmarks.measure_engines --data adult.csv --target income --problem binary`` takes a CSV file of your own.
"""

from __future__ import annotations

import argparse
import json
import time
from collections.abc import Callable
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import numpy as np
from threadpoolctl import threadpool_limits

from headrace.config.features import Features
from headrace.ml.column_schema import ColumnSchema, Problem
from headrace.ml.contract import Fields, infer_contract
from headrace.ml.files.small import read_bytes
from sagemaker_jobs.engine_choice import choose_engine
from sagemaker_jobs.engines import OnnxModel
from sagemaker_jobs.estimators import fit
from sagemaker_jobs.model import Model
from sagemaker_jobs.parts import Part, read_target, typed_columns
from sagemaker_jobs.recipe import Recipe

ESTIMATORS = ("hist_gradient_boosting", "random_forest", "linear")
BATCHES = (1, 100)
_ROWS, _NUMBERS, _CATEGORIES = 20_000, 6, 8
_MISSING, _MANY = 0.05, 0.3
_SECONDS, _REPEATS = 0.2, 5


def main() -> None:
    """Measure, print a table, and the figures as JSON."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--data", type=Path, help="a CSV file (default: made-up rows of 14 mixed columns)")
    parser.add_argument("--target", default="", help="its column to predict")
    parser.add_argument("--problem", default="binary", choices=["binary", "multiclass", "regression"])
    arguments = parser.parse_args()
    schema, rows = (
        _read(arguments.data, arguments.target, arguments.problem) if arguments.data else _made_up()
    )
    with threadpool_limits(1):
        found = {name: _measure(name, arguments.problem, schema, rows) for name in ESTIMATORS}
    for name, figures in found.items():
        print(name, figures)
    print(json.dumps(found))


def _measure(
    estimator: str, problem: Problem, schema: tuple[ColumnSchema, ...], rows: Part
) -> dict[str, Any]:
    cut = rows.rows * 4 // 5
    train, test = rows.first(cut), rows.chosen(slice(cut, None))
    model = Model(problem, schema, fit(Recipe(problem, estimator, schema, 0, {}, Features()), train, test))
    with TemporaryDirectory() as folder:
        started = time.perf_counter()
        chosen = choose_engine(model, test, Path(folder))
        took = time.perf_counter() - started
        size = sum(file.stat().st_size for file in Path(folder).iterdir())
    figures: dict[str, Any] = {
        "engine": chosen.name,
        "why": chosen.why,
        "export_and_parity_s": round(took, 2),
    }
    if not isinstance(chosen.predictor, OnnxModel):
        return figures
    figures["graph_mb"] = round(size / 1e6, 2)
    for count in BATCHES:
        figures[f"rows_{count}"] = _compared(model, chosen.predictor, test.first(count))
    return figures


def _compared(model: Model, served: OnnxModel, part: Part) -> dict[str, float]:
    numbers, words = served.arrays(part.columns)
    slow = _microseconds(lambda: model.predict(part.columns))
    fast = _microseconds(lambda: served.predict_arrays(numbers, words))
    return {"skops_us": round(slow, 1), "onnx_us": round(fast, 1), "speedup": round(slow / fast, 1)}


def _microseconds(ask: Callable[[], object]) -> float:
    """Return the best mean of some repetitions: others on the machine only ever make it slower."""
    ask()
    started = time.perf_counter()
    ask()
    calls = max(1, int(_SECONDS / (time.perf_counter() - started)))
    means = []
    for _ in range(_REPEATS):
        started = time.perf_counter()
        for _ in range(calls):
            ask()
        means.append((time.perf_counter() - started) / calls)
    return min(means) * 1e6


def _read(path: Path, target: str, problem: Problem) -> tuple[tuple[ColumnSchema, ...], Part]:
    """Read a file as the ingestion does, and shuffle its rows."""
    table = read_bytes(path.read_bytes())
    contract = infer_contract(table, Fields(problem, target))
    order = np.random.default_rng(0).permutation(table.cells.num_rows)
    cells = table.cells.take(order)
    part = Part(typed_columns(cells, contract.features), read_target(cells.column(target), problem))
    return contract.features, part


def _made_up() -> tuple[tuple[ColumnSchema, ...], Part]:
    """Return rows of six numbers and eight categories, some cells missing, whose label follows from some of them."""
    rng = np.random.default_rng(0)
    columns: dict[str, Any] = {}
    for number in range(_NUMBERS):
        values = rng.normal(size=_ROWS)
        columns[f"number_{number}"] = np.where(rng.random(_ROWS) < _MISSING, np.nan, values)
    for number in range(_CATEGORIES):
        levels = np.array([f"level {level}" for level in range(2 + 6 * number)], dtype=object)
        values = levels[rng.integers(0, len(levels), _ROWS)]
        values[rng.random(_ROWS) < _MISSING] = None
        columns[f"category_{number}"] = values
    score = np.nan_to_num(columns["number_0"]) + (columns["category_1"] == "level 3") + rng.normal(size=_ROWS)
    schema = tuple(
        ColumnSchema(name, "number" if name.startswith("number") else "category") for name in columns
    )
    return schema, Part(columns, np.where(score > _MANY, "yes", "no"))


if __name__ == "__main__":
    main()
