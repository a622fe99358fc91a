"""What Athena calls the types of Parquet's columns."""

from __future__ import annotations

import pyarrow as pa

_TYPES = (
    (pa.types.is_boolean, "boolean"),
    (pa.types.is_int64, "bigint"),
    (pa.types.is_integer, "int"),
    (pa.types.is_floating, "double"),
    (pa.types.is_timestamp, "timestamp"),
    (pa.types.is_binary, "binary"),
)


def athena_types(schema: pa.Schema) -> dict[str, str]:
    """Return the types of a table's columns in Athena; what has no counterpart is read as text.

    Examples
    --------
    >>> athena_types(pa.schema([("temp", pa.float64()), ("at", pa.timestamp("us", "UTC")), ("photo", pa.binary())]))
    {'temp': 'double', 'at': 'timestamp', 'photo': 'binary'}
    """
    return {column.name: _type_of(column.type) for column in schema}


def _type_of(kind: pa.DataType) -> str:
    return next((name for is_one, name in _TYPES if is_one(kind)), "string")
