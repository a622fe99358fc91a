"""A scikit-learn pipeline on disk: no pickle, and the same bytes for the same model."""

from __future__ import annotations

import io
import json
import re
import zipfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from headrace.config.estimators import is_own
from sagemaker_jobs.absent import absent
from sagemaker_jobs.failures import JobError
from sagemaker_jobs.features.registry import own_types
from sagemaker_jobs.model import Model, read_schema_document
from sagemaker_jobs.model_folder import MODEL, SCHEMA, read_json, verify
from sagemaker_jobs.tree_check import check_trees

# skops imports every part of scikit-learn to list its estimators, and one part would import PyTorch wherever that is
# installed: two seconds and 600 MB in every process that touches a model, for nothing.
with absent("sklearn.externals.array_api_compat.torch"):
    import skops.io
    from skops.io.exceptions import UntrustedTypesFoundException

TRUSTED_TYPES = (
    "functools.partial",
    "numpy.dtype",
    "sagemaker_jobs.encoder.RowEncoder",
    "sagemaker_jobs.features.assembly.Assembly",
    "sagemaker_jobs.features.feature_pipeline.FeaturePipeline",
    "sagemaker_jobs.features.own_step.OwnStep",
    "sagemaker_jobs.learners.graph_estimator.GraphEstimator",
    "sagemaker_jobs.learners.own.OwnEstimator",
    "sagemaker_jobs.stream_preparation.StreamPreparation",
    *(
        f"sagemaker_jobs.features.steps.{name}"
        for name in (
            "date_parts.DateParts",
            "hashing.Hashing",
            "impute.Impute",
            "one_hot.OneHot",
            "pair.Pair",
            "pixels.Pixels",
            "product.Product",
            "rank.Rank",
            "scale.Scale",
            "target_mean.TargetMean",
            "tfidf.Tfidf",
            "tokens.Tokens",
        )
    ),
    "sklearn.ensemble._hist_gradient_boosting.predictor.TreePredictor",
    "sklearn.tree._tree.Tree",
    "sklearn.utils.validation.check_array",
)
"""Types that a model may consist of, beside those of scikit-learn and NumPy that skops itself knows to be harmless.

Trees are harmless once `check_trees` has seen them."""

_EPOCH = (1980, 1, 1, 0, 0, 0)  # the first moment that a zip archive can hold


def save_model(pipeline: Any, folder: Path) -> None:
    """Write ``model.skops``; the same fitted pipeline gives the same bytes in every process."""
    (folder / MODEL).write_bytes(normalised_archive(skops.io.dumps(pipeline)))


def normalised_archive(archive: bytes) -> bytes:
    """Return a skops archive without what differs from run to run: memory addresses, file names, times, order.

    References
    ----------
    .. [1] skops, ``io/_utils.py``: ``__id__`` is Python's ``id`` of the object, and names the file of an array.
    """
    with zipfile.ZipFile(io.BytesIO(archive)) as old:
        text = old.read("schema.json").decode()
        files = {name: old.read(name) for name in old.namelist() if name != "schema.json"}
    names = {
        old_name: f"{index}{Path(old_name).suffix}" for index, old_name in enumerate(_in_order(files, text))
    }
    state = json.loads(text)
    _renumber(state, {}, names)
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as new:
        for old_name, new_name in names.items():
            _add(new, new_name, files[old_name])
        _add(new, "schema.json", json.dumps(state, separators=(",", ":")).encode())
    return buffer.getvalue()


def load_model(folder: Path) -> Model:
    """Check every file against the manifest, then load the model.

    Raises
    ------
    JobError
        If a file is missing or has been changed, or the model consists of anything that is not trusted.
    """
    return read_model(folder, verify(folder))


def read_model(folder: Path, manifest: Mapping[str, Any]) -> Model:
    """Load a model whose files have been compared with `manifest`.

    Raises
    ------
    JobError
        If the model consists of anything that is not trusted.
    """
    document = read_json(folder / SCHEMA)
    problem, schema, steps = read_schema_document(document)
    try:
        pipeline = skops.io.load(folder / MODEL, trusted=[*TRUSTED_TYPES, *_own_types(manifest)])
    except UntrustedTypesFoundException as error:
        raise JobError(f"the model is refused, because it holds types that nobody trusts: {error}") from None
    check_trees(pipeline.steps[-1][1])
    return Model(problem, schema, pipeline, steps, document.get("threshold"))


def _own_types(manifest: Mapping[str, Any]) -> list[str]:
    """Return the user's own classes that the manifest names."""
    found = own_types(manifest.get("own_steps", ()))
    if is_own(str(manifest.get("estimator", ""))):
        from sagemaker_jobs.learners.own import own_type  # noqa: PLC0415 - where there is one

        found.append(own_type(str(manifest["estimator"])))
    return found


def _in_order(files: Mapping[str, bytes], text: str) -> list[str]:
    """Return the files in the order in which the schema names them."""
    named = dict.fromkeys(re.findall(r'"file": "([^"]+)"', text))
    return [name for name in named if name in files]


def _renumber(node: Any, ids: dict[int, int], names: Mapping[str, str]) -> None:
    """Give the objects numbers in the order in which they occur, and the files their new names, in place."""
    if isinstance(node, list):
        for item in node:
            _renumber(item, ids, names)
        return
    if not isinstance(node, dict):
        return
    for key, value in node.items():
        # A key may also be a word of the data, whose value is a node.
        if key == "__id__" and isinstance(value, int):
            node[key] = ids.setdefault(value, len(ids) + 1)
        elif key == "file" and isinstance(value, str) and value in names:
            node[key] = names[value]
        else:
            _renumber(value, ids, names)


def _add(archive: zipfile.ZipFile, name: str, data: bytes) -> None:
    entry = zipfile.ZipInfo(name, _EPOCH)
    entry.compress_type = zipfile.ZIP_DEFLATED
    entry.external_attr = 0o644 << 16
    entry.create_system = 3  # Unix, on every machine
    archive.writestr(entry, data)
