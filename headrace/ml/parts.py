"""The parts that rows are dealt to."""

from __future__ import annotations

PARTS = ("train", "validation", "test")
