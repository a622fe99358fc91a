"""Small tasks for networks, one for each kind of column."""

import json
import os
import subprocess
import sys

import numpy as np

from sagemaker_jobs.cluster import Cluster
from sagemaker_jobs.learners.interface import LabelledRows, Layout, Task

TINY = {"hidden_units": 16, "epochs": 4, "embedding_size": 8, "filters": 4, "batch_size": 32}
MIXED = Layout(
    ("number", "number", "category", "category", *("token",) * 6, *("pixel",) * 64),
    {2: 3, 3: 40, **dict.fromkeys(range(4, 10), 50)},
    (8, 8, 1),
)
"""Two numbers, a category of few and one of many codes, six words and a picture of 8 by 8 points."""


def cluster(rank, port):
    """Return the place of one of two processes on this machine."""
    return Cluster(("127.0.0.1", "the other"), rank, port, "lo")


def mixed_matrix(n, seed=0):
    """Return rows of the layout `MIXED`, with gaps in every column."""
    rng = np.random.default_rng(seed)
    matrix = np.hstack(
        [
            rng.normal([10, -3], [5, 0.1], (n, 2)),
            rng.integers(0, 3, (n, 1)),
            rng.integers(0, 40, (n, 1)),
            rng.integers(0, 50, (n, 6)) * (rng.random((n, 6)) < 0.7),
            rng.random((n, 64)),
        ]
    )
    matrix[:, :4][rng.random((n, 4)) < 0.1] = np.nan
    matrix[rng.random(n) < 0.05, 10:] = np.nan
    return matrix


def targets(problem, matrix):
    """Return what follows from the first number, the first category and the first word."""
    number, code = np.nan_to_num(matrix[:, 0], nan=10), np.nan_to_num(matrix[:, 2])
    signal = (number - 10) / 5 + code - 1 + 0.02 * matrix[:, 4]
    if problem == "regression":
        return 1000 + 50 * signal
    cuts = [0.0] if problem == "binary" else [-0.5, 1.0]
    return np.array(["a", "b", "c"])[np.digitize(signal, cuts)]


def task(problem, n=200, validation=60, seed=3, weights=None, report=None, checkpoints=None, **given):
    """Return a task on mixed rows."""
    train, held_out = mixed_matrix(n), mixed_matrix(validation, 1)
    metric = {"regression": "rmse", "binary": "roc_auc", "multiclass": "accuracy"}[problem]
    return Task(
        problem,
        LabelledRows(train, targets(problem, train), weights),
        LabelledRows(held_out, targets(problem, held_out)) if validation else None,
        MIXED,
        seed,
        {**TINY, **given},
        metric,
        report or (lambda _epoch, _value: None),
        checkpoints,
    )


_REFUSED = """
import sys
class Block:
    def find_spec(self, name, path=None, target=None):
        if name.partition(".")[0] in ("torch", "keras", "tensorflow", "xgboost"):
            raise ImportError(f"{name} is not to be imported where models answer")
sys.meta_path.insert(0, Block())
"""

_ANSWERS = """
import base64, json
from pathlib import Path
import numpy as np
from sagemaker_jobs.engines import load_predictor
folder = Path(sys.argv[1])
sample = json.loads((folder / "sample.json").read_text())
for engine in sys.argv[2:]:
    model = load_predictor(folder, engine)
    kinds = {"number": np.float64, "boolean": np.float64, "datetime": "datetime64[us]"}
    given = {c.name: base64.b64decode(sample["row"][c.name]) if c.kind == "image" else sample["row"][c.name] for c in model.schema}
    row = {c.name: np.array([given[c.name]], dtype=kinds.get(c.kind, object)) for c in model.schema}
    print(json.dumps(model.predict(row).tolist()[0]))
"""

_EVALUATES = """
import os
from sagemaker_jobs.entry import run
sys.exit(run(["job", "evaluate_model"], os.environ))
"""


def answers_without_frameworks(folder, *engines):
    """Return the answers to a model's sample, by engine, of a process in which no framework can be imported."""
    told = _run_without_frameworks(_ANSWERS, str(folder), *engines)
    return [json.loads(line) for line in told.splitlines()]


def evaluated_without_frameworks(job):
    """Run an evaluation job, which has been laid out, in a process in which no framework can be imported; return its document."""
    _run_without_frameworks(_EVALUATES, **job.environ)
    return job.evaluation


def _run_without_frameworks(program, *arguments, **environ):
    done = subprocess.run(
        [sys.executable, "-c", _REFUSED + program, *arguments],
        capture_output=True,
        text=True,
        check=False,
        env={**os.environ, **environ},
    )
    assert done.returncode == 0, done.stderr
    return done.stdout
