"""The arguments of CreateTransformJob: of the files under ``batch/``, and of the row that a new model is tried with."""

from __future__ import annotations

from typing import Any

from headrace.config.batch import Batch
from headrace.config.pipeline import Pipeline
from infra.instances import has_encrypted_disk
from infra.pipeline_tags import tag_list

WORK = "transform/"
"""Prefix of the artifacts bucket for what transform jobs read and write."""

_LINES = "application/jsonlines"
_LARGEST_REQUEST_MB = 6
"""What the server takes, and so the largest that a single row may be."""


def transform_call(pipeline: Pipeline, key_arn: str, *, name: str, model: str, folder: str) -> dict[str, Any]:
    """Return the arguments; `name`, `model` and `folder`, an S3 URI that ends with a slash, are terms in JSONata.

    Each record is asked by its member ``features``, and SageMaker joins the answer to the whole record.
    """
    batch = pipeline.endpoint.batches or Batch()
    encrypted = {} if has_encrypted_disk(batch.instance) else {"VolumeKmsKeyId": key_arn}
    return {
        "TransformJobName": f"{{% {name} & '-' & $string($states.context.State.RetryCount) %}}",
        "ModelName": f"{{% {model} %}}",
        "BatchStrategy": "MultiRecord",
        "MaxPayloadInMB": _LARGEST_REQUEST_MB,
        # What the answers are captured from is the file of predictions, not the container's log.
        "Environment": {"HEADRACE_CAPTURE": "no"},
        "TransformInput": {
            "DataSource": {
                "S3DataSource": {"S3DataType": "S3Prefix", "S3Uri": f"{{% {folder} & 'input/' %}}"}
            },
            "ContentType": _LINES,
            "SplitType": "Line",
            "CompressionType": "None",
        },
        "TransformOutput": {
            "S3OutputPath": f"{{% {folder} & 'output' %}}",
            "Accept": _LINES,
            "AssembleWith": "Line",
            "KmsKeyId": key_arn,
        },
        "TransformResources": {
            "InstanceType": batch.instance,
            "InstanceCount": batch.instances,
            **encrypted,
        },
        "DataProcessing": {"InputFilter": "$.features", "JoinSource": "Input"},
        "Tags": tag_list(pipeline),
    }
