"""What answers rows in service: ONNX Runtime where it has been shown to answer as scikit-learn does, else scikit-learn.

Nothing of what only one engine needs is imported before that engine is chosen: ``import sklearn`` alone takes longer than
a server of an ONNX model needs to start.
"""

from __future__ import annotations

from collections.abc import Mapping
from copy import copy
from pathlib import Path
from typing import Any

import numpy as np

from headrace.ml.arrays import Floats, Labels
from headrace.ml.column_schema import ColumnSchema, Problem
from headrace.ml.declared_steps import DeclaredStep
from headrace.ml.privacy.redaction import told
from headrace.ml.row_blocks import NO_WORD, NUMBER_KINDS, WORD_KINDS
from headrace.ml.rows import Columns
from sagemaker_jobs.failures import JobError
from sagemaker_jobs.model import Predictor, read_schema_document
from sagemaker_jobs.model_folder import SCHEMA, read_json, verify

ONNX, SKOPS = "onnx", "skops"
ONNX_FILE = "model.onnx"
NUMBERS, WORDS, ANSWERS = "numbers", "words", "answers"
"""Names of the graph's two inputs and of its output."""


def engine_of(manifest: Mapping[str, Any]) -> str:
    """Return the name of the engine that serves a model: "onnx" or "skops".

    Examples
    --------
    >>> engine_of({"engine": {"name": "onnx"}}), engine_of({})
    ('onnx', 'skops')
    """
    return str(manifest.get("engine", {}).get("name", SKOPS))


def load_predictor(folder: Path, engine: str = "") -> Predictor:
    """Check every file against the manifest, then load the model into its engine.

    Parameters
    ----------
    folder : Path
        Of the model.
    engine : {"", "onnx", "skops"}
        Which engine; that of the manifest by default. ``skops`` can load every model.

    Raises
    ------
    JobError
        If a file is missing or has been changed, or the engine refuses it.
    """
    manifest = verify(folder)
    name = engine or engine_of(manifest)
    if name == ONNX:
        return OnnxModel.load(folder)
    if name != SKOPS:
        raise JobError(f"the model is for an engine {name!r}, which is not known here")
    from sagemaker_jobs.model_files import read_model  # noqa: PLC0415

    return read_model(folder, manifest)


class OnnxModel:
    """A graph from typed cells to answers, with its schema; a `Predictor`.

    Parameters
    ----------
    problem : {"binary", "multiclass", "regression"}
        Kind of answer.
    schema : tuple of ColumnSchema
        The features.
    classes : tuple of str
        The labels, sorted; empty in a regression.
    steps : tuple of DeclaredStep
        The cleaning steps that requests go through, as the rows of the training did.
    graph : bytes
        The ONNX model.

    Attributes
    ----------
    threshold : float or None
        Of two labels: the probability from which the second one is answered. The graph gives probabilities alone.
    number_names, word_names : tuple of str
        Which features the columns of the graph's inputs are, in order.
    """

    def __init__(
        self,
        problem: Problem,
        schema: tuple[ColumnSchema, ...],
        classes: tuple[str, ...],
        steps: tuple[DeclaredStep, ...],
        graph: bytes,
    ) -> None:
        self.problem = problem
        self.schema = schema
        self.classes = classes
        self.steps = steps
        self.threshold: float | None = None
        self.number_names, self.word_names = names_by_input(schema)
        self._session = open_session(graph)

    @classmethod
    def load(cls, folder: Path) -> OnnxModel:
        """Read a folder whose checksums have been verified.

        Raises
        ------
        JobError
            If the graph is missing, or ONNX Runtime refuses it.
        """
        document = read_json(folder / SCHEMA)
        problem, schema, steps = read_schema_document(document)
        path = folder / ONNX_FILE
        if not path.is_file():
            raise JobError(f"the model has no file {ONNX_FILE}, which its engine needs")
        model = cls(problem, schema, tuple(map(str, document["classes"])), steps, path.read_bytes())
        return model.with_threshold(document.get("threshold"))

    def with_threshold(self, threshold: float | None) -> OnnxModel:
        """Return the same model with another threshold."""
        other = copy(self)
        other.threshold = threshold
        return other

    def predict(self, columns: Columns) -> Floats:
        """Return numbers of shape (n_rows,), or probabilities of shape (n_rows, n_classes)."""
        return self.predict_arrays(*self.arrays(columns))

    def arrays(self, columns: Columns) -> tuple[Floats, Labels]:
        """Return the numbers and the words of typed columns, as `predict_arrays` takes them."""
        rows = len(columns[self.schema[0].name])
        numbers = np.empty((rows, len(self.number_names)))
        for place, name in enumerate(self.number_names):
            numbers[:, place] = as_floats(columns[name])
        words = np.empty((rows, len(self.word_names)), dtype=object)
        for place, name in enumerate(self.word_names):
            words[:, place] = [NO_WORD if cell is None else cell for cell in columns[name].tolist()]
        return numbers, words

    def predict_arrays(self, numbers: Floats, words: Labels) -> Floats:
        """Answer cells that are laid out as the graph reads them.

        Parameters
        ----------
        numbers : ndarray of float64, shape (n_rows, n_numbers)
            Columns `number_names`: numbers; 0 or 1 for booleans; moments in microseconds since 1970 in UTC; NaN if missing.
        words : ndarray of object, shape (n_rows, n_words)
            Columns `word_names`: texts in UTF-8, and `NO_WORD` where there is none.

        Returns
        -------
        ndarray of float64
            Numbers of shape (n_rows,), or probabilities of shape (n_rows, n_classes).
        """
        cells: dict[str, Any] = {}
        if self.number_names:
            cells[NUMBERS] = numbers
        if self.word_names:
            cells[WORDS] = words
        try:
            answers: Floats = self._session.run(None, cells)[0]
        except (
            UnicodeEncodeError
        ):  # Half a character, which JSON can write: a word that no training has seen.
            return self.predict_arrays(numbers, _encodable(words))
        return answers


def _encodable(words: Labels) -> Labels:
    """Return words with a replacement character for what UTF-8 cannot write."""
    whole = [word.encode("utf-8", "surrogatepass").decode("utf-8", "replace") for word in words.ravel()]
    return np.array(whole, dtype=object).reshape(words.shape)


def names_by_input(schema: tuple[ColumnSchema, ...]) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """Return the features that are numbers to the graph, and those that are words, each in the order of the schema.

    Examples
    --------
    >>> names_by_input((ColumnSchema("when", "datetime"), ColumnSchema("town", "category"), ColumnSchema("area", "number")))
    (('when', 'area'), ('town',))
    """
    numbers, words = (
        tuple(column.name for column in schema if column.kind in kinds)
        for kinds in (NUMBER_KINDS, WORD_KINDS)
    )
    return numbers, words


def as_floats(cells: np.ndarray[Any, Any]) -> Floats:
    """Return numbers as they are, and moments as microseconds since 1970.

    Examples
    --------
    >>> as_floats(np.array(["1970-01-01T00:00:01", "NaT"], dtype="datetime64[us]")).tolist()
    [1000000.0, nan]
    """
    if cells.dtype.kind != "M":
        return cells
    moments = cells.astype("datetime64[us]")
    return np.where(np.isnat(moments), np.nan, moments.astype(np.int64).astype(np.float64))


def open_session(graph: bytes) -> Any:
    """Return a session that works on one thread: a server has a process for each processor."""
    import onnxruntime  # noqa: PLC0415

    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = 1
    options.inter_op_num_threads = 1
    options.execution_mode = onnxruntime.ExecutionMode.ORT_SEQUENTIAL
    options.log_severity_level = 3
    try:
        return onnxruntime.InferenceSession(graph, options, providers=["CPUExecutionProvider"])
    except Exception as error:  # its errors have no common class of their own
        raise JobError(f"ONNX Runtime refuses the model's graph: {told(error)}") from None
