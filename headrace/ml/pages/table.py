"""A section with a table whose first column names the rows."""

from __future__ import annotations

from collections.abc import Sequence

from headrace.ml.pages.markup import Markup, Part, element


def draw_table(
    title: str, names: Sequence[str], rows: Sequence[tuple[str, Sequence[Part]]], note: str | None = None
) -> Markup:
    """Return a section with a table.

    Parameters
    ----------
    title : str
        Above it.
    names : sequence of str
        Heads of the columns, that of the rows' names first.
    rows : sequence of (str, sequence)
        Each row's name, and its cells.
    note : str, optional
        Below it.
    """
    return element(
        "section",
        element("h2", title),
        draw_rows(names, rows),
        element("p", note, class_="note") if note else None,
    )


def draw_rows(names: Sequence[str], rows: Sequence[tuple[str, Sequence[Part]]]) -> Markup:
    """Return the table alone.

    Examples
    --------
    >>> draw_rows(["", "v1"], [("rows", ["400"])])[-84:]
    '<tbody><tr><th scope="row">rows</th><td data-name="v1">400</td></tr></tbody></table>'
    """
    return element(
        "table",
        element("thead", element("tr", [element("th", name, scope="col") for name in names])),
        element(
            "tbody",
            [
                element(
                    "tr",
                    element("th", name, scope="row"),
                    [
                        element("td", cell, data_name=column)
                        for cell, column in zip(cells, names[1:], strict=True)
                    ],
                )
                for name, cells in rows
            ],
        ),
    )
