"""The image loses what no job needs, in the layer that installs it, and proves that it has lost no more."""

import re
from pathlib import Path

import pytest

from sagemaker_jobs.image_build.import_all import module_names
from sagemaker_jobs.image_build.trim_packages import trim

DOCKERFILE = Path("sagemaker_jobs/Dockerfile")
KEPT = (
    "onnxruntime/capi/onnxruntime_pybind11_state.cpython-312-x86_64-linux-gnu.so",
    "pyarrow/libarrow.so.2500",
    "pyarrow/libarrow_python.so.2500",
    "pyarrow/libarrow_substrait.so.2500",  # every module of pyarrow is linked to it
    "sklearn/utils/_testing.py",
    "numpy/testing/__init__.py",
)
LOST = (
    "onnx/backend/test/data/node/model.pb",
    "onnxruntime/capi/libonnxruntime.so.1.32.0",
    "onnxruntime/transformers/optimizer.py",
    "pandas/tests/test_algos.py",
    "pyarrow/include/arrow/api.h",
    "pyarrow/libarrow_flight.so.2500",
    "pyarrow/libarrow_python.so",
    "pyarrow/libarrow_python.so.2500.1.0",
    "pyarrow/array.pxi",
    "sklearn/tree/tests/test_tree.py",
)


def runs():
    """Return the commands of the Dockerfile's RUN lines."""
    text = DOCKERFILE.read_text().replace("\\\n", " ")
    return [line.split("&&") for line in re.findall(r"^RUN (.*)$", text, re.MULTILINE)]


def test_tests_headers_and_parts_for_other_programs_go_and_libraries_stay(tmp_path):
    for name in (*KEPT, *LOST):
        path = tmp_path / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(b"1234")

    assert trim(tmp_path) == 4 * len(LOST)

    left = {path.relative_to(tmp_path).as_posix() for path in tmp_path.rglob("*") if path.is_file()}
    assert left == set(KEPT)


def test_a_folder_that_is_not_there_fails_the_build(tmp_path):
    with pytest.raises(NotADirectoryError):
        trim(tmp_path / "nothing")


def test_packages_are_trimmed_in_the_layer_that_installs_them():
    installing = next(run for run in runs() if any("pip install" in command for command in run))
    order = [
        next(place for place, c in enumerate(installing) if word in c)
        for word in ("pip install", "trim_packages")
    ]

    assert order == sorted(order)


def test_the_last_step_of_the_build_imports_what_is_left():
    assert "sagemaker_jobs.image_build.import_all" in runs()[-1][-1]
    assert {
        "sagemaker_jobs.train_model.main",
        "sagemaker_jobs.evaluate_model.main",
        "sagemaker_jobs.serve_model.server",
        "sagemaker_jobs.onnx_export.export",
        "sagemaker_jobs.features.steps.tfidf",
    } <= set(module_names())
    assert "sagemaker_jobs.__main__" not in module_names()
