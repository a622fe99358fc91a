"""Names that columns have in the catalogue, where SQL engines set the rules."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Collection, Iterable

PARTITION = "ingest_date"
"""The partition of the catalogue's table: Athena refuses a table with a column of the same name."""

_LONGEST = 128  # of the 255 that Glue allows


def table_names(names: Iterable[str], *, taken: Iterable[str] = ()) -> dict[str, str]:
    """Return for each column the name that it has in Glue, Athena and the Parquet files.

    Athena knows lower-case letters, digits and ``_``, and finds a Parquet column by that name. Columns that would be
    called the same get a number, in the order of `names`.

    Parameters
    ----------
    names : iterable of str
        The columns of the contract, in its order.
    taken : iterable of str
        Names in the catalogue that are not free.

    Returns
    -------
    dict of str to str
        Name in the catalogue by name in the files; no two are the same.

    References
    ----------
    .. [1] Amazon Athena user guide, "Name databases, tables, and columns".

    Examples
    --------
    >>> table_names(["Day Mins", "day_mins", "Année", "温度"])
    {'Day Mins': 'day_mins', 'day_mins': 'day_mins_2', 'Année': 'annee', '温度': 'column'}
    """
    found: dict[str, str] = {}
    reserved = {PARTITION, *taken}
    for name in names:
        found[name] = free_name(_plain(name)[:_LONGEST] or "column", reserved)
        reserved.add(found[name])
    return found


def free_name(stem: str, taken: Collection[str]) -> str:
    """Return `stem`, or `stem` with the first number that makes it another name than those `taken`.

    Examples
    --------
    >>> free_name("row", ["id", "row"]), free_name("row", ["id"])
    ('row_2', 'row')
    """
    name, number = stem, 1
    while name in taken:
        number += 1
        name = f"{stem}_{number}"
    return name


def _plain(name: str) -> str:
    letters = unicodedata.normalize("NFKD", name).lower()
    bare = "".join(letter for letter in letters if not unicodedata.combining(letter))
    return re.sub("[^a-z0-9]+", "_", bare).strip("_")
