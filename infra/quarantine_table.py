"""What was refused, as a table for Athena."""

from __future__ import annotations

from aws_cdk import Stack
from aws_cdk import aws_glue as glue
from aws_cdk import aws_s3 as s3
from constructs import Construct

_COLUMNS = {
    "file": ("string", "the key"),
    "version_id": ("string", "which version of it"),
    "dropped_at": ("string", "when, ISO 8601, UTC"),
    "contract_version": ("int", "of the contract that it was held against, if there was one"),
    "row_number": ("bigint", "1 is the first row after the header; none for a file that was refused whole"),
    "column_name": ("string", "where the fault is; none if the whole row is wrong"),
    "value_class": ("string", "what stood there: number, text, date, nothing or row; never the value"),
    "reason": ("string", "its code"),
}


class QuarantineTable(Construct):
    """The table ``quarantine`` of the catalogue: gzipped JSON Lines below ``refusals/``, one for each refused row or file.

    Its columns are always the same and it has no partitions, so that nothing has to register anything at run time.
    """

    def __init__(self, scope: Construct, id: str, *, bucket: s3.IBucket, database: glue.CfnDatabase) -> None:
        super().__init__(scope, id)
        glue.CfnTable(
            self,
            "Table",
            catalog_id=Stack.of(self).account,
            database_name=database.ref,
            table_input=glue.CfnTable.TableInputProperty(
                name="quarantine",
                description="Rows and files that were refused, and why",
                table_type="EXTERNAL_TABLE",
                parameters={"classification": "json", "compressionType": "gzip"},
                storage_descriptor=glue.CfnTable.StorageDescriptorProperty(
                    columns=[
                        glue.CfnTable.ColumnProperty(name=name, type=kind, comment=comment)
                        for name, (kind, comment) in _COLUMNS.items()
                    ],
                    location=bucket.s3_url_for_object("refusals/"),
                    compressed=True,
                    input_format="org.apache.hadoop.mapred.TextInputFormat",
                    output_format="org.apache.hadoop.hive.ql.io.HiveIgnoreKeyTextOutputFormat",
                    serde_info=glue.CfnTable.SerdeInfoProperty(
                        serialization_library="org.openx.data.jsonserde.JsonSerDe"
                    ),
                ),
            ),
        )
