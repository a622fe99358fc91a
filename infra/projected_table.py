"""Tables of Parquet files whose partitions Athena computes, so that nobody has to register a day."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from aws_cdk import Stack
from aws_cdk import aws_glue as glue
from aws_cdk import aws_s3 as s3
from constructs import Construct

_FIRST_DAY = "2026-01-01"
_FORMAT = "org.apache.hadoop.hive.ql.io.parquet"

Columns = Mapping[str, tuple[str, str]]
"""Type and comment by name."""


@dataclass(frozen=True)
class TableDefinition:
    """What a table is.

    Parameters
    ----------
    name, description : str
        Of the table.
    folder : str
        Below which its files are in the bucket, as ``<folder>/…/date=<yyyy-mm-dd>/``.
    columns : Columns
        Those that it always has; others are added when it is known what a model sees.
    date_of : str
        What the partition ``date`` is the day of, in UTC.
    enums : mapping of str to (str, str)
        Partitions above the day: the only value that they have at first, and a comment.
    """

    name: str
    description: str
    folder: str
    columns: Columns
    date_of: str
    enums: Columns = field(default_factory=dict)

    def projection(self) -> dict[str, str]:
        """Return the properties by which Athena computes the partitions."""
        properties = {
            "classification": "parquet",
            "projection.enabled": "true",
            "projection.date.type": "date",
            "projection.date.format": "yyyy-MM-dd",
            "projection.date.range": f"{_FIRST_DAY},NOW",
        }
        for name, (first, _) in self.enums.items():
            properties |= {f"projection.{name}.type": "enum", f"projection.{name}.values": first}
        return properties

    def partition_keys(self) -> list[glue.CfnTable.ColumnProperty]:
        """Return the partitions in the order of their folders."""
        comments = {name: comment for name, (_, comment) in self.enums.items()}
        return [
            glue.CfnTable.ColumnProperty(name=name, type="string", comment=comment)
            for name, comment in {**comments, "date": f"{self.date_of}, UTC"}.items()
        ]


class ProjectedTable(Construct):
    """A table of the catalogue over Parquet files.

    References
    ----------
    .. [1] Amazon Athena user guide, "Set up partition projection": without a template of its own, a partition lies where
       Hive would have it, ``name=value``.
    """

    def __init__(
        self, scope: Construct, id: str, *, table: TableDefinition, bucket: s3.IBucket, database_name: str
    ) -> None:
        super().__init__(scope, id)
        glue.CfnTable(
            self,
            "Table",
            catalog_id=Stack.of(self).account,
            database_name=database_name,
            table_input=glue.CfnTable.TableInputProperty(
                name=table.name,
                description=table.description,
                table_type="EXTERNAL_TABLE",
                parameters=table.projection(),
                partition_keys=table.partition_keys(),
                storage_descriptor=glue.CfnTable.StorageDescriptorProperty(
                    columns=[
                        glue.CfnTable.ColumnProperty(name=name, type=kind, comment=comment)
                        for name, (kind, comment) in table.columns.items()
                    ],
                    location=bucket.s3_url_for_object(f"{table.folder}/"),
                    input_format=f"{_FORMAT}.MapredParquetInputFormat",
                    output_format=f"{_FORMAT}.MapredParquetOutputFormat",
                    serde_info=glue.CfnTable.SerdeInfoProperty(
                        serialization_library=f"{_FORMAT}.serde.ParquetHiveSerDe"
                    ),
                ),
            ),
        )
