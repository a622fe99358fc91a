"""Which engine answers, and that the fast one starts without the slow one."""

import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from onnx import TensorProto, helper

from sagemaker_jobs.engines import ANSWERS, NUMBERS, ONNX_FILE, WORDS, OnnxModel, load_predictor
from sagemaker_jobs.failures import JobError
from sagemaker_jobs.model_folder import MODEL, SCHEMA, write_json, write_manifest

FEATURES = [
    {"name": "town", "kind": "category"},
    {"name": "area", "kind": "number"},
    {"name": "sold", "kind": "datetime"},
]
HEAVY = ("sklearn", "scipy", "pandas", "pyarrow", "skops", "pydantic")


def a_graph() -> bytes:
    """Answer the sum of a row's numbers, whatever its words are."""
    nodes = [
        helper.make_node("ReduceSum", [NUMBERS, "axis"], ["sums"], keepdims=0),
        helper.make_node("Equal", [WORDS, "nothing"], ["gaps"]),
        helper.make_node("Cast", ["gaps"], ["missing"], to=TensorProto.DOUBLE),
        helper.make_node("ReduceSum", ["missing", "axis"], ["count"], keepdims=0),
        helper.make_node("Add", ["sums", "count"], [ANSWERS]),
    ]
    graph = helper.make_graph(
        nodes,
        "sum",
        [
            helper.make_tensor_value_info(NUMBERS, TensorProto.DOUBLE, [None, 2]),
            helper.make_tensor_value_info(WORDS, TensorProto.STRING, [None, 1]),
        ],
        [helper.make_tensor_value_info(ANSWERS, TensorProto.DOUBLE, [None])],
        [
            helper.make_tensor("axis", TensorProto.INT64, [1], [1]),
            helper.make_tensor("nothing", TensorProto.STRING, [1], [b""]),
        ],
    )
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 21)], ir_version=10)
    return bytes(model.SerializeToString())


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    write_json(tmp_path / SCHEMA, {"problem": "regression", "features": FEATURES, "classes": []})
    (tmp_path / MODEL).write_bytes(b"PK\x03\x04 never opened")
    (tmp_path / ONNX_FILE).write_bytes(a_graph())
    write_manifest(tmp_path, {"engine": {"name": "onnx"}})
    return tmp_path


def test_the_manifest_chooses_the_engine(folder: Path) -> None:
    predictor = load_predictor(folder)

    assert isinstance(predictor, OnnxModel)
    assert (predictor.number_names, predictor.word_names) == (("area", "sold"), ("town",))


def test_typed_columns_are_laid_out_as_the_graph_reads_them(folder: Path) -> None:
    columns = {
        "town": np.array(["Ulm", None], dtype=object),
        "area": np.array([2.5, 3.0]),
        "sold": np.array(["1970-01-01T00:00:01", "1969-12-31T23:59:59"], dtype="datetime64[us]"),
    }

    assert load_predictor(folder).predict(columns).tolist() == [1_000_002.5, 3.0 - 1_000_000 + 1]


def test_a_changed_graph_is_refused_before_it_is_loaded(folder: Path) -> None:
    (folder / ONNX_FILE).write_bytes(a_graph() + b"\0")

    with pytest.raises(JobError, match=r"model\.onnx is not what was written"):
        load_predictor(folder)


def test_a_file_that_is_no_graph_is_refused_in_a_sentence(folder: Path) -> None:
    (folder / ONNX_FILE).write_bytes(b"\x08 no graph")
    write_manifest(folder, {"engine": {"name": "onnx"}})

    with pytest.raises(JobError, match="ONNX Runtime refuses the model's graph"):
        load_predictor(folder)


def test_an_evaluation_may_choose_the_other_engine(folder: Path) -> None:
    with pytest.raises(JobError, match="none of skops"):  # which opens what the graph's engine never does
        load_predictor(folder, "skops")


def test_an_engine_that_nobody_knows_is_refused(folder: Path) -> None:
    write_manifest(folder, {"engine": {"name": "abacus"}})

    with pytest.raises(JobError, match="abacus"):
        load_predictor(folder)


def test_a_server_of_a_graph_starts_without_what_training_needs(folder: Path) -> None:
    program = (
        "import sys, pathlib; from sagemaker_jobs.engines import load_predictor\n"
        f"load_predictor(pathlib.Path({str(folder)!r}))\n"
        f"print([name for name in {HEAVY!r} if name in sys.modules])"
    )

    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)

    assert done.stdout.strip() == "[]"
