"""A scikit-learn pipeline on disk: no pickle, and the same bytes for the same model."""

from __future__ import annotations

import zipfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from headrace.config.estimators import is_own
from sagemaker_jobs.absent import absent
from sagemaker_jobs.failures import JobError
from sagemaker_jobs.features.registry import own_types
from sagemaker_jobs.model import Model, read_schema_document
from sagemaker_jobs.model_archive import archive_of
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


def save_model(pipeline: Any, folder: Path) -> None:
    """Write ``model.skops``; the same fitted pipeline gives the same bytes in every process."""
    (folder / MODEL).write_bytes(archive_of(pipeline))


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
    except (zipfile.BadZipFile, KeyError, ValueError, TypeError) as error:
        raise JobError(
            f"the model is refused: foreign_format: {MODEL} is none of skops ({type(error).__name__})"
        ) from None
    check_trees(pipeline.steps[-1][1])
    return Model(problem, schema, pipeline, steps, document.get("threshold"))


def _own_types(manifest: Mapping[str, Any]) -> list[str]:
    """Return the user's own classes that the manifest names."""
    found = own_types(manifest.get("own_steps", ()))
    if is_own(str(manifest.get("estimator", ""))):
        from sagemaker_jobs.learners.own import own_type  # noqa: PLC0415 - where there is one

        found.append(own_type(str(manifest["estimator"])))
    return found
