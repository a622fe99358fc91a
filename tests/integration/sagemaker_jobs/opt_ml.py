"""What SageMaker lays out for a container: rows, specification and models under a folder that stands for /opt/ml."""

import json
import tarfile

import numpy as np
import pandas as pd

from headrace.ml.contract import ColumnSchema
from headrace.ml.recency import RECENCY
from sagemaker_jobs.entry import run

SCHEMA = (
    ColumnSchema("temp", "number"),
    ColumnSchema("season", "category"),
    ColumnSchema("holiday", "boolean"),
    ColumnSchema("at", "datetime"),
)
TARGETS = {"regression": "rides", "binary": "busy", "multiclass": "level"}


def rows(n, seed=0):
    """Return rows whose targets follow from the features, with some cells missing."""
    rng = np.random.default_rng(seed)
    temp, holiday = rng.normal(10, 5, n), rng.random(n) < 0.2
    season = rng.choice(["winter", "spring", "fall"], n)
    rides = 10 * temp + 40 * (season == "spring") - 60 * holiday + rng.normal(0, 5, n)
    return pd.DataFrame(
        {
            "temp": np.where(rng.random(n) < 0.05, np.nan, temp),
            "season": np.where(rng.random(n) < 0.05, None, season),
            "holiday": pd.array(holiday, dtype="boolean"),
            "at": pd.date_range("2011-01-01", periods=n, freq="h").astype("datetime64[us]"),
            "rides": rides,
            "busy": np.where(rides > 100, "yes", "no"),
            "level": np.select([rides < 50, rides < 150], ["low", "middle"], "high"),
        }
    )


class OptMl:
    """One container's folder."""

    def __init__(self, base, problem="regression", estimator="hist_gradient_boosting", **training):
        self.base = base
        self.problem, self.target = problem, TARGETS[problem]
        self.spec = {
            "pipeline": {
                "name": "rides",
                "problem": problem,
                "target": self.target,
                "training": {"estimator": estimator, **training},
                "evaluation": {"learning_curve": False},
            },
            "schema": [column.as_dict() for column in SCHEMA],
            "content_hash": "c0ffee",
            "code_version": "v0",
        }
        self.environ = {"SAGEMAKER_BASE_DIR": str(base)}
        self.model = base / "model"

    def lay_out(self, train, validation):
        """Write the channels of a training job."""
        for name, frame in (("train", train), ("validation", validation)):
            self._write(frame, self.base / "input" / "data" / name)
        self._write_spec(self.base / "input" / "data" / "spec")
        return self

    def train(self, train=None, validation=None):
        """Run a training job and return its exit code."""
        self.lay_out(
            rows(600) if train is None else train, rows(150, 1) if validation is None else validation
        )
        return run(["train"], self.environ)

    def evaluate(self, test, challenger, champion=None, recency=None):
        """Run an evaluation job and return its exit code; `recency` marks the rows of the test part."""
        self.lay_out_evaluation(test, challenger, champion, recency)
        return run(["job", "evaluate_model"], self.environ)

    def lay_out_evaluation(self, test, challenger, champion=None, recency=None):
        """Write the inputs of an evaluation job."""
        inputs = self.base / "processing" / "input"
        self._write(test, inputs / "test")
        if recency is not None:
            self._write(pd.DataFrame({RECENCY: np.asarray(recency, dtype=np.int8)}), inputs / "recency")
        self._write_spec(inputs / "spec")
        for name, model in (("challenger", challenger), ("champion", champion)):
            if model is not None:
                (inputs / name).mkdir(parents=True, exist_ok=True)
                with tarfile.open(inputs / name / "model.tar.gz", "w:gz") as tar:
                    tar.add(model, ".")

    def document(self, name):
        return json.loads((self.model / name).read_text())

    @property
    def evaluation(self):
        return json.loads((self.base / "processing" / "output" / "evaluation.json").read_text())

    @property
    def curves(self):
        return json.loads((self.base / "processing" / "output" / "curves.json").read_text())

    @property
    def performance(self):
        return json.loads((self.base / "processing" / "output" / "performance.json").read_text())

    @property
    def failure(self):
        return (self.base / "output" / "failure").read_text()

    def files(self):
        """Return the bytes of the model's files by name."""
        return {path.name: path.read_bytes() for path in self.model.iterdir()}

    def _write(self, frame, folder):
        folder.mkdir(parents=True, exist_ok=True)
        frame.to_parquet(folder / "part-0.parquet")

    def _write_spec(self, folder):
        folder.mkdir(parents=True, exist_ok=True)
        (folder / "spec.json").write_text(json.dumps(self.spec))
