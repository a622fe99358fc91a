"""Writes what every role may do, and what needs it, as a page."""

from __future__ import annotations

import re
from collections.abc import Mapping
from itertools import groupby
from pathlib import Path

from infra.code_bundle import REPO
from security.mutants import Mutant

PAGE = REPO / "docs" / "security-roles.md"
_HEAD = """# What every role may do

Written by `python -m security --accept`; `make security` fails when it is out of date. For each permission: a call that would be denied
without it. *Nothing recorded* means that no recorded run has needed it: a path that was not driven, or what a construct of the CDK
grants beside what is used. How that is known: [Security](security.md#least-privilege-proved).
"""


def page(changes: Mapping[tuple[str, str, str], Mutant]) -> str:
    """Return the page, in Markdown."""
    rows = sorted(
        (owner, what, mutant) for (kind, owner, what), mutant in changes.items() if kind == "permission"
    )
    lines = [_HEAD]
    for owner, of_owner in groupby(rows, key=lambda row: row[0]):
        lines += [f"## {_short(owner)}\n", "| permission | needed by |", "|---|---|"]
        lines += [f"| {_cell(what)} | {_needed_by(mutant)} |" for _, what, mutant in of_owner]
        lines.append("")
    return "\n".join(lines)


def is_current(changes: Mapping[tuple[str, str, str], Mutant], path: Path = PAGE) -> bool:
    """Tell whether the page says what is so now."""
    return path.exists() and path.read_text() == page(changes)


def _needed_by(mutant: Mutant) -> str:
    if mutant.killed_by is None:
        return "*nothing recorded*"
    return _cell(f"{mutant.killed_by.action} {_short(mutant.killed_by.resource)}")


def _cell(text: str) -> str:
    return f"`{_short(text)}`".replace("|", "\\|")


def _short(text: str) -> str:
    for prefix in ("arn:aws:s3:::", ":us-east-1:123456789012", "arn:aws:"):
        text = text.replace(prefix, "")
    return re.sub(r"[0-9a-f]{64}", "<hash>", text)
