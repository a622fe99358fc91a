"""What the pipeline file asks of a new model."""

from __future__ import annotations

from headrace.config.evaluation import FAIRNESS_MEASURES
from headrace.config.pipeline import Pipeline
from headrace.ml.evaluation.fairness import FairnessRule
from headrace.ml.gate import GateRule


def gate_rule(pipeline: Pipeline) -> GateRule:
    """Return what the gate asks for."""
    block = pipeline.evaluation
    return GateRule(
        pipeline.metric,
        min_value=block.min_value,
        max_value=block.max_value,
        min_improvement=block.min_improvement,
        min_rows=block.min_recent_rows,
        old_tolerance=block.old_tolerance,
        floors=block.floors,
        beyond_luck=block.beyond_luck,
        fairness=_fairness(pipeline),
    )


def fairness_measure(pipeline: Pipeline) -> str:
    """Return which gap between groups counts: the one that the file names, or the problem's default."""
    block = pipeline.evaluation.fairness
    return (block and block.measure) or FAIRNESS_MEASURES[pipeline.problem][0]


def _fairness(pipeline: Pipeline) -> FairnessRule | None:
    block = pipeline.evaluation.fairness
    if block is None or not block.gate or block.max_gap is None:
        return None
    return FairnessRule(block.columns, fairness_measure(pipeline), block.max_gap)
