"""Names of the documents by which a model is watched: its training job writes them, its deployment publishes them."""

from __future__ import annotations

BASELINE = "baseline.json"
"""The profile that traffic is compared with; every model has one."""
FURTHER = ("statistics.json", "constraints.json")
"""What newer models have beside it."""
