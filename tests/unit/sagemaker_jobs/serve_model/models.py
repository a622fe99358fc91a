"""Models that need no training."""

import threading

import numpy as np

from headrace.ml.column_schema import ColumnSchema

SCHEMA = (
    ColumnSchema("temp", "number"),
    ColumnSchema("season", "category"),
    ColumnSchema("holiday", "boolean"),
    ColumnSchema("at", "datetime"),
    ColumnSchema("hr", "number"),
)


class Sum:
    """Answers with the sum of a row's numbers, column by column."""

    problem, classes, steps, threshold = "regression", (), (), None

    def __init__(self, schema=SCHEMA):
        self.schema = schema
        self.asked = []

    def predict(self, columns):
        names = [column.name for column in self.schema if column.kind == "number"]
        values = np.nansum([columns[name] for name in names], axis=0)
        self.asked.append(len(values))
        return values


class MatrixSum(Sum):
    """The same by matrices, as ONNX Runtime is asked."""

    number_names, word_names = ("temp", "holiday", "at", "hr"), ("season",)

    def predict_arrays(self, numbers, words):
        self.asked.append(len(numbers))
        return np.nansum(numbers[:, [0, 3]], axis=1)


class Labels(Sum):
    """Answers with probabilities of two labels, one of which needs quotes in CSV."""

    problem, classes = "binary", ("no, never", "yes")

    def predict(self, columns):
        yes = super().predict(columns) / 100
        return np.stack([1 - yes, yes], axis=1)


class Gate(Sum):
    """Is slow, and answers only when it is let; what is negative, it cannot answer."""

    def __init__(self):
        super().__init__((ColumnSchema("temp", "number"),))
        self.gate = threading.Event()
        self.gate.set()

    def predict(self, columns):
        self.gate.wait()
        if (columns["temp"] < 0).any():
            raise RuntimeError("negative")
        return super().predict(columns)
