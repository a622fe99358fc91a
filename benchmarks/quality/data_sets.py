"""Public data sets, and what others reach on them."""

from __future__ import annotations

import gzip
import io
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import pandas as pd

_HERE = Path(__file__).parent
_DATA = _HERE / "data"
PIPELINES = _HERE / "pipelines"


@dataclass(frozen=True)
class DataSet:
    """One problem with its file, its measure and what to compare with.

    Parameters
    ----------
    pipeline : str
        Name of the pipeline, and of its file beside this module.
    figure : str
        What the measured value is called.
    metric : str
        Which metric it is.
    bar : float
        What it must reach: at least, or at most if the metric is an error.
    how : str
        On which rows.
    reference : str
        What others reach, and by which rows.
    read : callable
        Returns the file that is dropped.
    """

    pipeline: str
    figure: str
    metric: str
    bar: float
    how: str
    reference: str
    read: Callable[[], bytes]

    @property
    def path(self) -> Path:
        """The pipeline file."""
        return PIPELINES / f"{self.pipeline}.yaml"

    @property
    def file(self) -> str:
        """Name of the dropped file."""
        return f"{self.pipeline}.csv"

    def holds(self, value: float) -> bool:
        """Tell whether a value reaches the bar."""
        return value <= self.bar if self.metric == "rmse" else value >= self.bar


def packed(name: str) -> bytes:
    """Return a file of the folder ``data``, unpacked."""
    return gzip.decompress((_DATA / f"{name}.csv.gz").read_bytes())


def _adult() -> bytes:
    """Return both files of adult as one, with a column that says which row is of which."""
    parts = {"train": "adult_train", "test": "adult_test"}
    frames = [
        pd.read_csv(io.BytesIO(packed(name)), dtype=str, keep_default_na=False).assign(part=part)
        for part, name in parts.items()
    ]
    return pd.concat(frames).to_csv(index=False).encode()


def _bikes() -> bytes:
    return (_HERE.parents[1] / "demo" / "data" / "bike_sharing" / "hour.csv").read_bytes()


_AMLB = "AutoML benchmark 2019, 10 folds"

DATA_SETS = (
    DataSet(
        "adult",
        "adult_auc",
        "roc_auc",
        0.926,
        "official test file",
        f"H2O AutoML .9282, RandomForest .9093 ({_AMLB}); boosting on the official split .927",
        _adult,
    ),
    DataSet(
        "german",
        "german_credit_auc",
        "roc_auc",
        0.785,
        "10 folds",
        f"RandomForest .7945, H2O AutoML .7893, auto-sklearn .7825, Auto-WEKA .7481 ({_AMLB})",
        partial(packed, "german_credit"),
    ),
    DataSet(
        "sms",
        "sms_spam_auc",
        "roc_auc",
        0.99,
        "5 folds",
        "scikit-learn's TF-IDF and logistic regression .9929, 5 folds",
        partial(packed, "sms_spam"),
    ),
    DataSet(
        "digits",
        "digits_accuracy",
        "accuracy",
        0.97,
        "5 folds",
        "scikit-learn's example, a support vector machine on the second half, .97",
        partial(packed, "digits"),
    ),
    DataSet(
        "abalone",
        "abalone_rmse",
        "rmse",
        2.2,
        "5 folds",
        "2.1 to 2.2 is what is published",
        partial(packed, "abalone"),
    ),
    DataSet(
        "bikes",
        "bike_sharing_rmse",
        "rmse",
        122.0,
        "the second year, from the first",
        "gradient boosting 121.9, linear 188.4, both without declared features",
        _bikes,
    ),
    DataSet(
        "covertype",
        "covertype_accuracy",
        "accuracy",
        0.93,
        "a fifth of the rows",
        "scikit-learn's gradient boosting .9361, 5 folds",
        partial(packed, "covertype_100k"),
    ),
)
