import io
import json
import zipfile

import numpy as np
import pytest

from headrace.ml.reproduction.difference import differences

NODES = np.dtype([("feature_idx", "<i8"), ("num_threshold", "<f8")])
SCHEMA = {
    "__class__": "Pipeline",
    "__id__": 1,
    "content": {
        "steps": {"content": [{"content": {"trees": {"content": [{"type": "numpy", "file": "1.npy"}]}}}]}
    },
}


def model(threshold=0.5, schema=SCHEMA):
    """Return an archive as skops writes one."""
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        array = io.BytesIO()
        np.save(array, np.array([(0, 0.25), (1, threshold)], dtype=NODES))
        archive.writestr("1.npy", array.getvalue())
        archive.writestr("schema.json", json.dumps(schema))
    return buffer.getvalue()


def as_json(document):
    return json.dumps(document).encode()


def what(recorded, again):
    return [found.what for found in differences(recorded, again)]


def test_equal_files_are_no_difference():
    assert differences({"model.skops": model()}, {"model.skops": model()}) == []


def test_a_threshold_of_a_tree_is_named_with_its_place_in_the_model_and_both_numbers():
    (told,) = what({"model.skops": model(0.5)}, {"model.skops": model(0.53)})

    assert told == (
        "steps, 0, trees, 0: num_threshold, row 2: 0.5 recorded, 0.53 here; 1 of 2 numbers differ"
    )


def test_a_parameter_of_the_estimator_is_named():
    other = json.loads(json.dumps(SCHEMA))
    other["content"]["steps"]["content"][0]["content"]["trees"]["content"][0]["type"] = "list"

    (told,) = what({"model.skops": model()}, {"model.skops": model(schema=other)})

    assert told == "schema.json: steps, 0, trees, 0, type: numpy recorded, list here"


def test_a_metric_is_named_with_the_digits_that_agree():
    recorded, again = (
        as_json({"train": {"rmse": 1.5, "r2": 0.91234}}),
        as_json({"train": {"rmse": 1.5, "r2": 0.91299}}),
    )

    assert what({"metrics.json": recorded}, {"metrics.json": again}) == [
        "train, r2: 0.91234 recorded, 0.91299 here (the first 3 digits agree)"
    ]


def test_a_file_that_is_missing_or_new_is_told():
    found = differences({"a.json": b"{}"}, {"b.json": b"{}"})

    assert [(each.member, each.what) for each in found] == [
        ("a.json", "it is missing here"),
        ("b.json", "it is new: the recorded model has no such file"),
    ]


def test_the_manifest_comes_last_and_its_facts_count_before_its_checksums():
    recorded = {"manifest.json": as_json({"files": {"z.json": "1"}, "python": "3.12.1"}), "z.json": b"[1]"}
    again = {"manifest.json": as_json({"files": {"z.json": "2"}, "python": "3.12.2"}), "z.json": b"[2]"}

    found = differences(recorded, again)

    assert [each.member for each in found] == ["z.json", "manifest.json"]
    assert found[1].what == 'python: "3.12.1" recorded, "3.12.2" here'


def test_a_manifest_whose_checksums_alone_differ_says_so():
    recorded, again = as_json({"files": {"a": "1"}}), as_json({"files": {"a": "2"}})

    assert what({"manifest.json": recorded}, {"manifest.json": again}) == [
        "only its checksums of the other files differ"
    ]


@pytest.mark.parametrize("name", ["model.onnx", "broken.json", "broken.skops"])
def test_what_cannot_be_read_is_compared_byte_by_byte(name):
    assert what({name: b"abcd"}, {name: b"abX"}) == [
        "byte 3 is the first that differs; 4 bytes recorded, 3 here"
    ]


def test_the_same_values_in_other_bytes_are_told_by_their_bytes():
    (told,) = what({"a.json": b'{"a":1}'}, {"a.json": b'{"a": 1}'})

    assert told == "byte 6 is the first that differs; 7 bytes recorded, 8 here"


def test_nan_is_equal_to_nan_and_other_shapes_are_told():
    def array(values):
        buffer = io.BytesIO()
        with zipfile.ZipFile(buffer, "w") as archive:
            content = io.BytesIO()
            np.save(content, np.array(values))
            archive.writestr("0.npy", content.getvalue())
        return buffer.getvalue()

    assert what({"m.npz": array([np.nan, 1.0])}, {"m.npz": array([np.nan, 2.0])}) == [
        "0.npy: row 2: 1.0 recorded, 2.0 here; 1 of 2 numbers differ"
    ]
    assert what({"m.npz": array([1.0])}, {"m.npz": array([1.0, 2.0])}) == [
        "0.npy: 1 of float64 recorded, 2 of float64 here"
    ]
