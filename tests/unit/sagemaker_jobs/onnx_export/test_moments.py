"""Calendar arithmetic in nodes says what NumPy's calendar says."""

import numpy as np
import onnxruntime
import pytest

from sagemaker_jobs.engines import ANSWERS, NUMBERS, as_floats
from sagemaker_jobs.features.step import Feature
from sagemaker_jobs.features.steps.date_parts import DateParts
from sagemaker_jobs.onnx_export.graph import Graph
from sagemaker_jobs.onnx_export.moments import moment_parts

PARTS = ("hour", "weekday", "day", "yearday", "month", "year", "days")


def moments():
    rng = np.random.default_rng(0)
    days = np.arange("1690-01-01", "2250-01-01", 17, dtype="datetime64[D]").astype("datetime64[us]")
    chosen = days + rng.integers(0, 86_400_000_000, len(days)) * np.timedelta64(1, "us")
    midnights = np.arange("1896-02-25", "1904-03-05", dtype="datetime64[D]").astype("datetime64[us]")
    last = midnights - np.timedelta64(1, "us")
    return np.concatenate([chosen, midnights, last, np.array(["NaT"], dtype="datetime64[us]")])


@pytest.mark.parametrize("part", PARTS)
def test_a_part_of_a_moment_is_that_of_the_calendar(part):
    graph = Graph()
    model = graph.finished(moment_parts(graph, NUMBERS)[part], {NUMBERS: 1}, flat=True)
    given = moments()

    found = onnxruntime.InferenceSession(model).run([ANSWERS], {NUMBERS: as_floats(given).reshape(-1, 1)})[0]

    expected = DateParts(parts=[part]).transform({"at": Feature("datetime", given)})["at"].values[:, 0]
    np.testing.assert_array_equal(found, expected)
