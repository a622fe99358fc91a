"""Predictions with their labels, as a table for Athena."""

from __future__ import annotations

from aws_cdk import Stack
from aws_cdk import aws_glue as glue
from aws_cdk import aws_s3 as s3
from constructs import Construct

NAME = "labelled_predictions"
_COLUMNS = {
    "_event_id": ("string", "of the request, as it was captured"),
    "_inference_id": ("string", "the caller's own, if it sent one"),
    "_row": ("int", "which row of the request; 0 is the first"),
    "_time": ("timestamp", "when the endpoint answered, UTC"),
    "_entity": ("string", "the row's id, if the request or the label had it"),
    "_prediction": ("string", "what was answered"),
    "_score": ("double", "the number, or the probability of the positive class or of the answered label"),
    "_label": ("string", "what turned out to be true"),
    "_labelled_at": ("timestamp", "when somebody said so, UTC"),
    "_source": ("string", "the file that the label came with, and its version"),
    "_join": (
        "string",
        "the join that has changed the row last; its rows are incoming/feedback/<_join>.parquet",
    ),
    "_joined_at": ("timestamp", "when that join began, UTC"),
}
_FIRST_DAY = "2020-01-01"


class LabelledTable(Construct):
    """The table ``labelled_predictions``: Parquet by day of the prediction, which Athena finds without anybody registering it.

    The columns of features are added at run time, when it is known what they are.

    References
    ----------
    .. [1] Amazon Athena user guide, "Set up partition projection".
    """

    def __init__(self, scope: Construct, id: str, *, bucket: s3.IBucket, database_name: str) -> None:
        super().__init__(scope, id)
        glue.CfnTable(
            self,
            "Table",
            catalog_id=Stack.of(self).account,
            database_name=database_name,
            table_input=glue.CfnTable.TableInputProperty(
                name=NAME,
                description="Predictions whose labels have come",
                table_type="EXTERNAL_TABLE",
                parameters={
                    "classification": "parquet",
                    "projection.enabled": "true",
                    "projection.date.type": "date",
                    "projection.date.format": "yyyy-MM-dd",
                    "projection.date.range": f"{_FIRST_DAY},NOW",
                    "storage.location.template": bucket.s3_url_for_object("labelled/date=${date}"),
                },
                partition_keys=[
                    glue.CfnTable.ColumnProperty(name="date", type="string", comment="of the prediction, UTC")
                ],
                storage_descriptor=glue.CfnTable.StorageDescriptorProperty(
                    columns=[
                        glue.CfnTable.ColumnProperty(name=name, type=kind, comment=comment)
                        for name, (kind, comment) in _COLUMNS.items()
                    ],
                    location=bucket.s3_url_for_object("labelled/"),
                    input_format="org.apache.hadoop.hive.ql.io.parquet.MapredParquetInputFormat",
                    output_format="org.apache.hadoop.hive.ql.io.parquet.MapredParquetOutputFormat",
                    serde_info=glue.CfnTable.SerdeInfoProperty(
                        serialization_library="org.apache.hadoop.hive.ql.io.parquet.serde.ParquetHiveSerDe"
                    ),
                ),
            ),
        )
