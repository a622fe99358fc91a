"""What was predicted, as a table for Athena."""

from __future__ import annotations

from aws_cdk import Stack
from aws_cdk import aws_glue as glue
from aws_cdk import aws_s3 as s3
from constructs import Construct

_COLUMNS = {
    "_event_id": ("string", "of the request; no other has it"),
    "_inference_id": ("string", "the caller's own id of the request, if it sent one"),
    "_row": ("int", "place of the row in the request, from 0"),
    "_time": ("timestamp", "when the endpoint answered, in UTC"),
    "_entity": ("string", "what the row is about: the id column, if the request had it"),
    "_prediction": ("string", "the label or the number that was answered"),
    "_score": (
        "double",
        "the number; of two labels the probability of the second one, of more that of the label that was answered",
    ),
}
_FIRST_DAY = "2026-01-01"


class PredictionsTable(Construct):
    """The table ``predictions`` of the catalogue: Parquet below ``predictions/variant=<v>/date=<d>/``.

    Athena computes the partitions, so no day has to be registered. The features of a model, and its variant, are added
    by ``record_predictions`` when the model has answered first.

    Attributes
    ----------
    name : str
        Of the table.
    """

    name = "predictions"

    def __init__(self, scope: Construct, id: str, *, bucket: s3.IBucket, database: glue.CfnDatabase) -> None:
        super().__init__(scope, id)
        glue.CfnTable(
            self,
            "Table",
            catalog_id=Stack.of(self).account,
            database_name=database.ref,
            table_input=glue.CfnTable.TableInputProperty(
                name=self.name,
                description="What the endpoint was asked and what it answered, a row for each prediction",
                table_type="EXTERNAL_TABLE",
                parameters={
                    "classification": "parquet",
                    "projection.enabled": "true",
                    "projection.variant.type": "enum",
                    "projection.variant.values": "v1",
                    "projection.date.type": "date",
                    "projection.date.format": "yyyy-MM-dd",
                    "projection.date.range": f"{_FIRST_DAY},NOW",
                },
                partition_keys=[
                    glue.CfnTable.ColumnProperty(name="variant", type="string", comment="who answered"),
                    glue.CfnTable.ColumnProperty(
                        name="date", type="string", comment="day of the capture, in UTC"
                    ),
                ],
                storage_descriptor=glue.CfnTable.StorageDescriptorProperty(
                    columns=[
                        glue.CfnTable.ColumnProperty(name=name, type=kind, comment=comment)
                        for name, (kind, comment) in _COLUMNS.items()
                    ],
                    location=bucket.s3_url_for_object("predictions/"),
                    input_format="org.apache.hadoop.hive.ql.io.parquet.MapredParquetInputFormat",
                    output_format="org.apache.hadoop.hive.ql.io.parquet.MapredParquetOutputFormat",
                    serde_info=glue.CfnTable.SerdeInfoProperty(
                        serialization_library="org.apache.hadoop.hive.ql.io.parquet.serde.ParquetHiveSerDe"
                    ),
                ),
            ),
        )
