"""What the functions that take and join labels may do."""

from __future__ import annotations

from typing import TYPE_CHECKING

from aws_cdk import aws_lambda as lambda_

from infra.catalogue_grant import grant_learning_columns
from infra.labelled_table import LABELLED
from infra.narrow_grants import grant_data_keys, grant_items, grant_list, grant_objects

if TYPE_CHECKING:
    from infra.data_stack import DataStack

_CONTRACT = "contract/contract.json"


def grant_joining(function: lambda_.Function, data: DataStack) -> None:
    """Allow reading labels and predictions, and writing what comes of both."""
    dropped, artifacts = data.data_bucket, data.artifacts_bucket
    grant_objects(function, dropped, "s3:GetObjectVersion", ["feedback/*"])
    grant_objects(
        function,
        dropped,
        "s3:PutObject",
        ["quarantine/feedback/*", "refusals/*", "incoming/feedback/*"],
    )
    grant_objects(
        function,
        artifacts,
        "s3:GetObject",
        ["predictions/*", "labelled/*", "feedback/*", _CONTRACT],
    )
    grant_objects(function, artifacts, "s3:PutObject", ["labelled/*", "feedback/*"])
    grant_objects(function, artifacts, "s3:DeleteObject", ["feedback/waiting/*", "feedback/join.json"])
    # Without listing, S3 answers 403, not 404, for what is not there.
    grant_list(function, dropped, "feedback/")
    for prefix in ("predictions/", "labelled/", "feedback/", "contract/"):
        grant_list(function, artifacts, prefix)
    for action in ("dynamodb:GetItem", "dynamodb:PutItem"):
        grant_items(function, data.ledger, action, ["feedback"])
    grant_items(function, data.ledger, "dynamodb:Query", ["release"])
    grant_data_keys(function, data.key)
    grant_learning_columns(function, data, LABELLED.name)


def grant_taking_calls(function: lambda_.Function, data: DataStack) -> None:
    """Allow dropping labels, and knowing which there are."""
    grant_objects(function, data.data_bucket, "s3:PutObject", ["feedback/api/*"])
    grant_objects(function, data.artifacts_bucket, "s3:GetObject", [_CONTRACT])
    grant_list(function, data.artifacts_bucket, "contract/")
    grant_data_keys(function, data.key)
