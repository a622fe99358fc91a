"""Lists of steps in the pipeline file: each entry is one of ours, or one of the user's own."""

from __future__ import annotations

import difflib
from collections.abc import Callable, Collection, Sequence
from typing import Any, get_args

from headrace.config.block import Block

STEP_NAME = r"^[a-z][a-z0-9_]{0,62}$"
OWN = "own"
"""Tag of the block for any name that is none of ours."""


def step_names(built_in: Sequence[type[Block]]) -> tuple[str, ...]:
    """Return what the file calls the steps: the one word that each block's field `step` allows."""
    return tuple(str(get_args(block.model_fields["step"].annotation)[0]) for block in built_in)


def check_own_fields(given: Any, block: type[Block], names: Sequence[str]) -> None:
    """Refuse fields that no step of the user's own has: a misspelt step has them, or they belong in `parameters`.

    Parameters
    ----------
    given : Any
        The entry as it stands in the file.
    block : type of Block
        What a step of the user's own is.
    names : sequence of str
        The steps that are built in.

    Raises
    ------
    ValueError
        If there are such fields.
    """
    if not isinstance(given, dict) or "step" not in given:
        return
    others = [str(field) for field in given if field not in block.model_fields]
    if not others:
        return
    close = difflib.get_close_matches(str(given["step"]), names, n=1)
    meant = f" (did you mean {close[0]}?)" if close else ""
    raise ValueError(
        f"no step {given['step']!r} is built in{meant}, and one of your own takes {', '.join(others)} "
        f"as `parameters: {{{others[0]}: …}}`; built in are {', '.join(names)}"
    )


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
