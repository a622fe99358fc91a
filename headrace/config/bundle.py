"""The pipeline that a Lambda function was deployed with."""

from __future__ import annotations

from pathlib import Path

from headrace.config.pipeline import Pipeline

_BUNDLED = Path(__file__).parents[2] / "pipeline.json"


def bundled_pipeline(path: Path = _BUNDLED) -> Pipeline:
    """Return the pipeline that lies beside the function's code; it was validated at synth."""
    return Pipeline.model_validate_json(path.read_text())
