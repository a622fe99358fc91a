"""What the pipeline file says of labels, in the words of the library that reads them."""

from __future__ import annotations

from headrace.config.feedback import Feedback
from headrace.config.pipeline import Pipeline
from headrace.ml.contract import Contract
from headrace.ml.feedback_labels import LabelRules


def label_rules(pipeline: Pipeline, feedback: Feedback, contract: Contract | None) -> LabelRules:
    """Return what labels of a pipeline must be.

    Parameters
    ----------
    pipeline : Pipeline
        What the file says.
    feedback : Feedback
        Its block.
    contract : Contract or None
        What labels there are, once that is settled.
    """
    allowed = contract.target.allowed if contract else None
    return LabelRules(feedback.join, pipeline.problem, pipeline.target, pipeline.id, allowed)
