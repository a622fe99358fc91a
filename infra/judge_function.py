"""The function that judges a model, with what it may read and write to say where the model comes from."""

from __future__ import annotations

import json

from infra.code_origin import code_origin
from infra.data_stack import DataStack
from infra.model_image import Image
from infra.narrow_grants import grant_data_keys, grant_list, grant_objects
from infra.pipeline_function import PipelineFunction
from infra.pipeline_stack import PipelineStack

_WRITTEN = ("provenance.json", "report.html", "model_card.json")


def judge_function(stack: PipelineStack, data: DataStack, image: Image) -> PipelineFunction:
    """Return the function, made in the scope of `stack`, so that its name begins with the stack's and its own."""
    bucket = data.artifacts_bucket
    function = PipelineFunction(
        stack,
        "JudgeModel",
        name="judge_model",
        pipeline=stack.pipeline,
        key=data.key,
        environment={
            "ARTIFACTS_BUCKET": bucket.bucket_name,
            "CODE_VERSION": image.code_version,
            "CODE_ORIGIN": json.dumps(code_origin().as_dict(), sort_keys=True),
            "IMAGE_URI": image.training_uri,
        },
        memory_mb=512,
        pandas=True,  # for NumPy
    )
    documents = ["evaluations/*", "snapshots/*/manifest.json", "snapshots/*/spec/spec.json"]
    grant_objects(function, bucket, "s3:GetObject", documents)
    grant_objects(function, bucket, "s3:PutObject", [f"evaluations/*/{name}" for name in _WRITTEN])
    grant_data_keys(function, data.key)
    for prefix in ("evaluations/", "snapshots/"):
        grant_list(function, bucket, prefix)
    for prefix in ("snapshots/", "training/"):
        grant_list(function, bucket, prefix, action="s3:ListBucketVersions")
    image.grant_look(function.role)
    return function
