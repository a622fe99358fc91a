"""How near quality estimated without labels comes to the truth, and how often its interval holds it.

On any data set of predictions with later labels, on slices of adult, and on a made shift whose truth is known. Ends in one line
of JSON: ``python -m benchmarks.drift.estimated --data DIR``, where DIR may have ``ma_employment`` (files named ``*reference*``,
``*analysis*`` and ``*target*``, as in NannyML's package) and ``adult`` (``train.csv`` and ``test.csv``).
"""

from __future__ import annotations

import argparse
import json
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from sklearn.ensemble import HistGradientBoostingClassifier
from sklearn.preprocessing import OrdinalEncoder

from headrace.ml.arrays import Flags, Floats
from headrace.ml.quality.counted_metrics import BINARY
from headrace.ml.quality.label_reference import LabelReference, refer_to_labels
from headrace.ml.quality.score_counts import count_scores
from headrace.ml.quality.slices import feature_slices

METRICS = ("roc_auc", "accuracy", "f1")
_CHUNK = 5000


@dataclass(frozen=True)
class Window:
    """Scores and labels of some rows, and by which share of rows their features differ from the reference's."""

    scores: Floats
    positive: Flags
    moved: float = 0.0


def measure(data: Path | None = None) -> dict[str, float]:
    """Measure on the data sets that `data` has, and on the made shift."""
    found = {"estimated_shift": compare(*_made())}
    if data is not None and (data / "ma_employment").is_dir():
        timed, windows = _employment(data / "ma_employment")
        found["estimated_employment"] = compare(timed, windows)
    if data is not None and (data / "adult").is_dir():
        found["estimated_adult"] = compare(*_adult(data / "adult"))
    return {f"{part}_{name}": round(value, 5) for part, row in found.items() for name, value in row.items()}


@dataclass(frozen=True)
class Timed:
    """A reference, and how long it took to make."""

    reference: LabelReference
    seconds: float

    @classmethod
    def of(cls, scores: Floats, positive: Flags, slices: list[Flags]) -> Timed:
        """Make it."""
        started = time.perf_counter()
        reference = refer_to_labels("binary", scores, positive, slices)
        return cls(reference, time.perf_counter() - started)


def compare(timed: Timed, windows: Iterator[Window]) -> dict[str, float]:
    """Return by metric the mean absolute error of the estimate and of the reference's level, and the coverage.

    The seconds are those of summarising the reference and all windows, and of estimating every metric.
    """
    reference, rows, seconds = timed.reference, [], timed.seconds
    level = _real(reference.positives, reference.negatives)
    for window in windows:
        started = time.perf_counter()
        estimates = reference.estimate(reference.summary({"_score": window.scores}), moved=window.moved)
        seconds += time.perf_counter() - started
        real = _real(
            count_scores(window.scores, window.positive), count_scores(window.scores, ~window.positive)
        )
        for metric in METRICS:
            interval = estimates[metric].with_interval(metric)
            inside = interval.low <= real[metric] <= interval.high
            rows.append(
                (metric, abs(interval.value - real[metric]), abs(level[metric] - real[metric]), inside)
            )
    table = pd.DataFrame(rows, columns=["metric", "mae", "level_mae", "coverage"])
    means = table.astype({"coverage": float}).groupby("metric").mean()
    figures = {
        f"{metric}_{name}": float(means[name][metric]) for metric in METRICS for name in map(str, means)
    }
    return {**figures, "seconds": seconds}


def _real(positives: Any, negatives: Any) -> dict[str, float]:
    counts = positives.astype(np.float64), negatives.astype(np.float64)
    return {metric: float(BINARY[metric].value(*counts)) for metric in METRICS}


def _made() -> tuple[Timed, Iterator[Window]]:
    """Return an overconfident model, and windows in which its only feature has moved."""
    rng = np.random.default_rng(0)

    def world(rows: int, centre: float, spread: float) -> tuple[Floats, Flags, Floats]:
        feature = rng.normal(centre, spread, rows)
        return (
            1 / (1 + np.exp(-1.4 * feature + 0.3)),
            rng.random(rows) < 1 / (1 + np.exp(-feature)),
            feature,
        )

    scores, positive, feature = world(5000, 0.0, 2.0)
    windows = (
        Window(*world(1000, centre, spread)[:2], moved=0.3)
        for centre, spread in ((1.0, 2.0), (0.0, 1.0), (-1.0, 1.2), (2.0, 1.0))
        for _ in range(50)
    )
    return Timed.of(scores, positive, feature_slices({"x": feature})), windows


def _employment(folder: Path) -> tuple[Timed, Iterator[Window]]:
    """Return the predictions of 2015, and those of later years in chunks of 5,000."""
    reference, analysis, target = (_table(folder, name) for name in ("*reference*", "*analysis*", "*target*"))
    scores = analysis["predicted_probability"].to_numpy(np.float64)
    positive = target["employed"].to_numpy() == 1
    known = {"id", "year", "employed", "prediction", "predicted_probability"}
    names = [name for name in map(str, reference.columns) if name not in known]
    features = {name: _typed(reference[name]) for name in names}
    timed = Timed.of(
        reference["predicted_probability"].to_numpy(np.float64),
        reference["employed"].to_numpy() == 1,
        feature_slices(features),
    )

    def windows() -> Iterator[Window]:
        for start in range(0, len(scores), _CHUNK):
            part = slice(start, start + _CHUNK)
            moved = max(_share_moved(features[name], _typed(analysis[name][part])) for name in names)
            yield Window(scores[part], positive[part], moved)

    return timed, windows()


def _typed(column: pd.Series) -> np.ndarray[Any, Any]:
    return column.to_numpy(np.float64) if column.dtype.kind == "f" else column.astype(str).to_numpy(object)


def _share_moved(before: np.ndarray[Any, Any], after: np.ndarray[Any, Any]) -> float:
    """Return by which share of rows a column has moved, as the drift check measures it."""
    if before.dtype.kind == "f":
        grid = np.unique(np.concatenate([before, after]))
        shares = [np.searchsorted(np.sort(values), grid, "right") / len(values) for values in (before, after)]
        return float(np.abs(shares[0] - shares[1]).max())
    counted = pd.concat(
        [pd.Series(values).value_counts(normalize=True) for values in (before, after)], axis=1
    )
    return float(counted.fillna(0.0).diff(axis=1).iloc[:, 1].abs().sum() / 2)


def _table(folder: Path, pattern: str) -> pd.DataFrame:
    files = sorted(folder.glob(pattern))
    chosen = [file for file in files if "target" not in file.name or "target" in pattern]
    file = chosen[0]
    return pd.read_csv(file) if ".csv" in file.suffixes else pd.read_parquet(file)


def _adult(folder: Path) -> tuple[Timed, Iterator[Window]]:
    """Return a model of most rows, judged on others, and windows of which each is one kind of people."""
    frame = pd.concat([pd.read_csv(folder / name) for name in ("train.csv", "test.csv")], ignore_index=True)
    positive = frame.pop("income").str.contains(">50K").to_numpy()
    numbers = frame.select_dtypes("number").columns
    texts = frame.drop(columns=numbers).fillna("?").astype(str)
    matrix = np.hstack([frame[numbers].to_numpy(np.float64), OrdinalEncoder().fit_transform(texts)])
    order = np.random.default_rng(0).permutation(len(frame))
    train, judged, rest = order[:25_000], order[25_000:33_000], order[33_000:]
    model = HistGradientBoostingClassifier(random_state=0).fit(matrix[train], positive[train])
    scores = model.predict_proba(matrix)[:, 1]
    features = {str(name): frame[name].to_numpy(np.float64)[judged] for name in numbers}
    features |= {str(name): texts[name].to_numpy(object)[judged] for name in texts}
    timed = Timed.of(scores[judged], positive[judged], feature_slices(features))
    kinds = {
        "older": frame["age"].gt(50),
        "younger": frame["age"].lt(30),
        "graduates": frame["education_num"].ge(13),
        "long_hours": frame["hours_per_week"].gt(45),
        "women": texts["sex"] == "Female",
        "married": texts["marital_status"].str.startswith("Married"),
        "self_employed": texts["workclass"].str.startswith("Self"),
        "public": texts["workclass"].str.contains("gov"),
        "professionals": texts["occupation"] == "Prof-specialty",
        "crafts": texts["occupation"] == "Craft-repair",
    }
    rng = np.random.default_rng(1)

    def windows() -> Iterator[Window]:
        for kind in kinds.values():
            flags = kind.to_numpy()
            for _ in range(10):
                chosen = rng.permutation(rest[flags[rest]])[:1000]
                yield Window(scores[chosen], positive[chosen], moved=float(1 - flags[judged].mean()))

    return timed, windows()


def main() -> None:
    """Print a table, and all figures as one line."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--data", type=Path, help="folder with the data sets")
    figures = measure(parser.parse_args().data)
    for name, value in figures.items():
        print(f"{name:45} {value}")
    print(json.dumps(figures))


if __name__ == "__main__":
    main()
