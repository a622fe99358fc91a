"""What Athena calls the types of Parquet's columns."""

from __future__ import annotations

import pyarrow as pa

_TYPES = {
    pa.float64(): "double",
    pa.int32(): "int",
    pa.string(): "string",
    pa.bool_(): "boolean",
    pa.timestamp("us"): "timestamp",
    pa.binary(): "binary",
}


def athena_types(schema: pa.Schema) -> dict[str, str]:
    """Return the types of a table's columns in Athena.

    Examples
    --------
    >>> athena_types(pa.schema([("temp", pa.float64()), ("photo", pa.binary())]))
    {'temp': 'double', 'photo': 'binary'}
    """
    return {column.name: _TYPES[column.type] for column in schema}
