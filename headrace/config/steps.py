"""Lists of steps in the pipeline file: each entry is one of ours, or one of the user's own."""

from __future__ import annotations

from collections.abc import Callable, Collection, Sequence
from typing import Any, get_args

from headrace.config.block import Block

STEP_NAME = r"^[a-z][a-z0-9_]{0,62}$"
OWN = "own"
"""Tag of the block for any name that is none of ours."""


def step_names(built_in: Sequence[type[Block]]) -> tuple[str, ...]:
    """Return what the file calls the steps: the one word that each block's field `step` allows."""
    return tuple(str(get_args(block.model_fields["step"].annotation)[0]) for block in built_in)


def tag_by_name(names: Collection[str]) -> Callable[[Any], str]:
    """Return what tells pydantic which block an entry is.

    Examples
    --------
    >>> tag = tag_by_name(("trim", "clip"))
    >>> tag({"step": "clip"}), tag({"step": "mine"}), tag("no block at all")
    ('clip', 'own', 'own')
    """

    def tag(given: Any) -> str:
        name = given.get("step") if isinstance(given, dict) else getattr(given, "step", None)
        return str(name) if name in names else OWN

    return tag
