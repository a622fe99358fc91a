"""The list of what no recorded run proves, each line with the reason for which it stays."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path

LIST = Path(__file__).parent / "unproved.txt"
_HEAD = """# What no recorded run needs or no probe reaches: permissions that are unused as far as the recordings go, conditions, widths.
# Written by `python -m security --accept`, which keeps the reasons; one without a reason fails `make security`. A line that is
# proved by now, or gone, is to be removed; a new one needs a run that proves it.
"""
_BECAUSE = " ## "


def listed(text: str) -> dict[str, str]:
    r"""Return the reasons by what is unproved; an empty one is none.

    Examples
    --------
    >>> listed("# head\nwidth | r | s3:GetObject ## AWS names it\npermission | r | s3:PutObject\n")
    {'width | r | s3:GetObject': 'AWS names it', 'permission | r | s3:PutObject': ''}
    """
    lines = (line for line in text.splitlines() if line and not line.startswith("#"))
    pairs = (line.partition(_BECAUSE) for line in lines)
    return {what.strip(): why.strip() for what, _, why in pairs}


def written(unproved: Iterable[str], reasons: Mapping[str, str]) -> str:
    """Return the list's text: what is unproved today, with the reasons that are known.

    Examples
    --------
    >>> print(written(["width | r | a"], {"width | r | a": "AWS names it"}).splitlines()[-1])
    width | r | a ## AWS names it
    """
    lines = (f"{what}{_BECAUSE}{reasons[what]}" if reasons.get(what) else what for what in sorted(unproved))
    return _HEAD + "".join(f"{line}\n" for line in lines)


def complaints_of(unproved: Iterable[str], reasons: Mapping[str, str]) -> Iterator[str]:
    """Yield what is wrong between the list and what is unproved today."""
    unproved = set(unproved)
    yield from (f"unproved: {what}" for what in sorted(unproved - reasons.keys()))
    yield from (f"listed in {LIST.name} for nothing: {what}" for what in sorted(reasons.keys() - unproved))
    yield from (
        f"listed in {LIST.name} without a reason: {what}"
        for what in sorted(unproved & reasons.keys())
        if not reasons[what]
    )
