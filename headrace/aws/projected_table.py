"""A table of the catalogue whose partitions Athena computes: it changes when a model does, not when a day does."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from mypy_boto3_glue.client import GlueClient

_KEPT = ("Name", "Description", "Retention", "StorageDescriptor", "PartitionKeys", "TableType", "Parameters")


class ProjectedTable:
    """A table that the templates define, and that learns the columns and variants of models as they come.

    Parameters
    ----------
    client : GlueClient
        May read and update the table.
    database, table : str
        Its name in Glue.

    References
    ----------
    .. [1] Amazon Athena user guide, "Partition projection": partitions follow from the table's properties.
    """

    def __init__(self, client: GlueClient, database: str, table: str) -> None:
        self._client, self._database, self._table = client, database, table

    def learn(self, variant: str, columns: Mapping[str, str]) -> None:
        """Make `variant` and those of `columns` (types by name) known that the table does not have yet."""
        found: Any = self._client.get_table(DatabaseName=self._database, Name=self._table)["Table"]
        table = {name: found[name] for name in _KEPT if name in found}
        if _add_columns(table, columns) | _add_variant(table, variant):
            self._client.update_table(
                DatabaseName=self._database,
                TableInput=table,  # type: ignore[arg-type]  # what get_table returned
                SkipArchive=True,
            )


def _add_columns(table: dict[str, Any], columns: Mapping[str, str]) -> bool:
    known = {column["Name"] for column in table["StorageDescriptor"]["Columns"]}
    new = [{"Name": name, "Type": kind} for name, kind in columns.items() if name not in known]
    table["StorageDescriptor"]["Columns"] += new
    return bool(new)


def _add_variant(table: dict[str, Any], variant: str) -> bool:
    known = table["Parameters"]["projection.variant.values"].split(",")
    if variant in known:
        return False
    table["Parameters"]["projection.variant.values"] = ",".join([*known, variant])
    return True
