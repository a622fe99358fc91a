"""How much of what a model's answers rest on each column is: how grave it is if the column drifts."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

SLIGHT = 0.01
"""A column with a smaller share hardly matters."""


def importance_shares(importances: Iterable[Mapping[str, Any]]) -> dict[str, float]:
    """Return each column's share of all importance, 0 to 1; what is below 0 counts as 0. Empty if nothing is important.

    Examples
    --------
    >>> importance_shares([{"feature": "temp", "mean": 30.0}, {"feature": "wind", "mean": 10.0}, {"feature": "n", "mean": -1.0}])
    {'temp': 0.75, 'wind': 0.25, 'n': 0.0}
    """
    means = {each["feature"]: max(0.0, float(each["mean"])) for each in importances}
    total = sum(means.values())
    return {name: mean / total for name, mean in means.items()} if total > 0 else {}


def weight_in_words(share: float | None) -> str:
    """Say what a column's drift means for the answers; nothing if it is not known.

    Examples
    --------
    >>> weight_in_words(0.75), weight_in_words(0.001), weight_in_words(None)
    ('75 % of what the answers rest on', 'the answers hardly rest on it', '')
    """
    if share is None:
        return ""
    return (
        "the answers hardly rest on it"
        if share < SLIGHT
        else f"{share * 100:.0f} % of what the answers rest on"
    )
