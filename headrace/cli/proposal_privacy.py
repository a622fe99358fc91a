"""Proposes what becomes of columns that look personal. Pure: cells in, lines out, and never a value."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field

import pyarrow as pa

from headrace.cli.yaml_text import quoted
from headrace.ml.privacy.detection import find_personal


@dataclass(frozen=True)
class PrivacyProposal:
    """The block `privacy`, if anything looks personal.

    Parameters
    ----------
    columns : dict of str to str
        What becomes of each column: ``drop`` or ``hash``.
    lines : list of str
        Of the pipeline file.
    notes : list of str
        What a person should look at.
    """

    columns: dict[str, str] = field(default_factory=dict)
    lines: list[str] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)


def propose_privacy(cells: pa.Table, id_column: str | None, leave_out: Iterable[str]) -> PrivacyProposal:
    r"""Propose to drop what looks personal; an `id` that does is hashed, because it tells rows apart.

    Parameters
    ----------
    cells : pyarrow.Table
        The first rows, as text.
    id_column : str or None
        The one that is proposed as `id`: if it looks personal, rows are about whom it names.
    leave_out : iterable of str
        Columns that must be what they are: the target, the time, texts to learn from.

    Examples
    --------
    >>> rows = pa.table({"contact": ["a@b.org", "c@d.org", "e@f.org"], "age": ["31", "42", "53"]})
    >>> print("\n".join(propose_privacy(rows, None, ["age"]).lines))
    <BLANKLINE>
    privacy:
      # before anything is stored; `hash` would keep rows of one value apart, `encrypt` can be read again
      personal:
        contact: drop  # looks like: email
    """
    found = {
        column: kind.replace("_", " ") for column, kind in find_personal(cells, leave_out=leave_out).items()
    }
    if not found:
        return PrivacyProposal()
    columns = {column: "hash" if column == id_column else "drop" for column in found}
    lines = [
        "",
        "privacy:",
        "  # before anything is stored; `hash` would keep rows of one value apart, `encrypt` can be read again",
        "  personal:",
    ]
    for column, kind in found.items():
        lines.append(f"    {quoted(column)}: {columns[column]}  # looks like: {kind}")
    if id_column in found:
        lines.append(
            f"  subject: {quoted(id_column)}  # whom a row is about: for `headrace erase` and `export`"
        )
    done = {"drop": "dropped", "hash": "hashed"}
    notes = [
        f"{column}: looks personal ({kind}), is {done[columns[column]]}" for column, kind in found.items()
    ]
    return PrivacyProposal(columns, lines, notes)
