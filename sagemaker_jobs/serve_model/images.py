"""Refuses requests with images that cannot be opened. In training such a cell counts as missing; a caller should know."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from headrace.ml.column_schema import ColumnSchema
from headrace.ml.rows import CellError, Columns


def image_check(schema: Sequence[ColumnSchema]) -> Callable[[Columns], None]:
    """Return a function that raises `CellError` for the first image of a request that cannot be opened."""
    names = [column.name for column in schema if column.kind == "image"]
    if not names:
        return _accept
    # Pillow is loaded by servers of models with images only.
    from sagemaker_jobs.features.pictures import open_picture  # noqa: PLC0415

    def check(columns: Columns) -> None:
        for name in names:
            for row, data in enumerate(columns[name]):
                if data is not None and open_picture(data) is None:
                    raise CellError(row, name, "image")

    return check


def _accept(columns: Columns) -> None:
    """Accept requests without images."""
