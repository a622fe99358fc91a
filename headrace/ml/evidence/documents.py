"""Names of the documents, in a model's folder, that hold evidence."""

from __future__ import annotations

EVIDENCE = "evidence.json"
"""Leaks, how it has learnt, and its cross-validation."""
IMPORTANCE = "importance.json"
"""On which columns its answers rest."""
SHAP = "shap.json"
"""How much each column moves single answers."""
