"""Members of a record that a transform job sends to the model."""

from __future__ import annotations

ROW, FEATURES, KEPT, ANSWER = "row", "features", "kept", "SageMakerOutput"
"""The row's number from 1, what the model is asked, what only stands beside; and what SageMaker joins to it."""
