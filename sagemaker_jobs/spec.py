"""The specification that every training and evaluation is given beside the rows."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path

from pydantic import ValidationError

from headrace.config.pipeline import Pipeline
from headrace.ml.contract import ColumnSchema, ContractError
from headrace.ml.data_window import Window
from headrace.ml.declared_steps import DeclaredStep
from headrace.ml.privacy.redaction import told
from sagemaker_jobs.failures import JobError


@dataclass(frozen=True)
class Spec:
    """What is to be learned.

    Parameters
    ----------
    pipeline : Pipeline
        The pipeline file.
    schema : tuple of ColumnSchema
        The features, in the order in which a row without a header has them.
    content_hash, code_version : str
        Of the rows and of the code, for the record.
    steps : tuple of DeclaredStep
        How the rows were cleaned.
    window : Window or None
        Which of the accepted rows are learned from, and how they are weighted.
    unseen : tuple of ColumnSchema
        The columns that no model sees.
    """

    pipeline: Pipeline
    schema: tuple[ColumnSchema, ...]
    content_hash: str
    code_version: str
    steps: tuple[DeclaredStep, ...] = ()
    window: Window | None = None
    unseen: tuple[ColumnSchema, ...] = ()


def read_spec(folder: Path) -> Spec:
    """Read ``spec.json``.

    Raises
    ------
    JobError
        If it is missing, is not what the code expects, or names no feature.
    """
    try:
        document = json.loads((folder / "spec.json").read_text())
        pipeline = Pipeline.model_validate(document["pipeline"])
        columns = tuple(ColumnSchema.from_dict(entry) for entry in document["schema"])
        contract = document.get("contract", {})
        steps = tuple(DeclaredStep.from_dict(entry) for entry in contract.get("steps", ()))
        others = tuple(ColumnSchema.from_dict(entry) for entry in contract.get("columns", ()))
        window = Window.from_dict(document["window"]) if document.get("window") else None
    except FileNotFoundError:
        raise JobError(f"the specification is missing: there is no spec.json in {folder}") from None
    except (KeyError, TypeError, ValueError, ValidationError, ContractError) as error:
        raise JobError(f"spec.json cannot be read: {told(error)}") from None
    schema = tuple(
        column for column in columns if column.role == "feature" and column.name not in _hidden(pipeline)
    )
    if not schema:
        raise JobError("spec.json names no feature to learn from")
    return Spec(
        pipeline,
        schema,
        str(document.get("content_hash", "")),
        str(document.get("code_version", "")),
        steps,
        window,
        tuple(column for column in others if column.name not in {feature.name for feature in schema}),
    )


def _hidden(pipeline: Pipeline) -> set[str | None]:
    """Return the columns that no model may see."""
    time = pipeline.time if pipeline.time not in pipeline.columns else None
    return {pipeline.target, pipeline.id, time, *pipeline.unseen}
