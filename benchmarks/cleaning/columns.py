"""The columns of the table that is cleaned."""

from __future__ import annotations

ID, TIME, TARGET = "customer", "at", "churned"
NUMBERS = [f"amount_{n}" for n in range(7)]
CATEGORIES = {"country": 40, "plan": 5, "shop": 400, "colour": 12}
BOOLEAN = "active"
