"""A problem of 14 mixed columns, and its models: ours as the training job makes it, and the rival's scikit-learn pipeline."""

from __future__ import annotations

import contextlib
import io
import json
from pathlib import Path
from typing import Any

import joblib
import numpy as np
import pandas as pd
from sklearn.compose import ColumnTransformer
from sklearn.ensemble import HistGradientBoostingClassifier
from sklearn.impute import SimpleImputer
from sklearn.pipeline import Pipeline
from sklearn.preprocessing import OrdinalEncoder

from sagemaker_jobs.entry import run

NUMBERS = tuple(f"number_{index}" for index in range(6))
CATEGORIES = tuple(f"category_{index}" for index in range(8))
FEATURES = NUMBERS + CATEGORIES
_TARGET = "bought"
_TREES = 100
_MISSING = 0.05
_LEVELS = 12


def rows(count: int, seed: int) -> pd.DataFrame:
    """Return rows with the target; one cell in twenty is missing."""
    rng = np.random.default_rng(seed)
    numbers = rng.normal(size=(count, len(NUMBERS))).round(4)
    levels = rng.integers(0, _LEVELS, size=(count, len(CATEGORIES)))
    score = numbers[:, 0] - numbers[:, 1] * numbers[:, 2] + (levels[:, 0] % 3) - (levels[:, 1] > _LEVELS / 2)
    frame = pd.DataFrame(numbers, columns=list(NUMBERS))
    frame = frame.mask(rng.random(frame.shape) < _MISSING)
    for index, name in enumerate(CATEGORIES):
        words = np.array([f"level {level}" for level in range(_LEVELS)], dtype=object)[levels[:, index]]
        words[rng.random(count) < _MISSING] = None
        frame[name] = words
    frame[_TARGET] = np.where(score + rng.normal(size=count) > 0, "yes", "no")
    return frame


def train_ours(base: Path) -> Path:
    """Run the training job on 20,000 rows below `base`, as SageMaker would, and return the folder of the model."""
    inputs = base / "input" / "data"
    for name, count, seed in (("train", 20_000, 0), ("validation", 4_000, 1)):
        (inputs / name).mkdir(parents=True)
        rows(count, seed).to_parquet(inputs / name / "part-0.parquet")
    (inputs / "spec").mkdir()
    (inputs / "spec" / "spec.json").write_text(json.dumps(_spec()))
    with contextlib.redirect_stdout(io.StringIO()):
        code = run(["train"], {"SAGEMAKER_BASE_DIR": str(base)})
    if code:
        raise SystemExit((base / "output" / "failure").read_text())
    return base / "model"


def train_rival(file: Path) -> None:
    """Fit what a data scientist would write, on the same rows, and store it with joblib."""
    frame = rows(20_000, 0)
    columns = ColumnTransformer(
        [
            ("numbers", SimpleImputer(), list(NUMBERS)),
            (
                "categories",
                OrdinalEncoder(handle_unknown="use_encoded_value", unknown_value=-1),
                list(CATEGORIES),
            ),
        ]
    )
    trees = HistGradientBoostingClassifier(max_iter=_TREES, early_stopping=False)
    joblib.dump(
        Pipeline([("columns", columns), ("trees", trees)]).fit(frame[list(FEATURES)], frame[_TARGET]), file
    )


def bodies(format: str, rows_per_request: int, count: int = 64) -> list[bytes]:
    """Return requests with different rows, as CSV without a header or as ``{"instances": [[...]]}``."""
    frame = rows(rows_per_request * count, seed=2)[list(FEATURES)]
    parts = [frame.iloc[start : start + rows_per_request] for start in range(0, len(frame), rows_per_request)]
    return [_as_csv(part) if format == "csv" else _as_json(part) for part in parts]


def _as_csv(part: pd.DataFrame) -> bytes:
    return part.to_csv(index=False, header=False).encode()


def _as_json(part: pd.DataFrame) -> bytes:
    cells = part.astype(object).where(part.notna(), None).to_numpy().tolist()
    return json.dumps({"instances": cells}).encode()


def _spec() -> dict[str, Any]:
    training = {
        "estimator": "hist_gradient_boosting",
        "hyperparameters": {"max_iter": _TREES, "early_stopping": False},
    }
    schema = [{"name": name, "kind": "number"} for name in NUMBERS]
    schema += [{"name": name, "kind": "category"} for name in CATEGORIES]
    return {
        "pipeline": {"name": "shop", "problem": "binary", "target": _TARGET, "training": training},
        "schema": schema,
        "content_hash": "c0ffee",
        "code_version": "v0",
    }
