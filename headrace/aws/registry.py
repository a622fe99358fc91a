"""The model registry: packages of one group."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

from botocore.exceptions import ClientError

if TYPE_CHECKING:
    from mypy_boto3_sagemaker import SageMakerClient
    from mypy_boto3_sagemaker.type_defs import DescribeModelPackageOutputTypeDef

ERASURE = "erasure"
"""The property of a model package that says that somebody was erased from what its model has learnt from."""

_DESCRIPTION_LIMIT = 1024
_PROPERTY_LIMIT = 256
_REFUSED = re.compile(r"[^\w .:/=+\-@]")
_SPOKEN = ((re.compile(r"[,;] "), " - "), (re.compile("%"), "percent"), (re.compile("[()\\[\\]{}'\"`]"), ""))
"""What sentences have and the registry refuses, in signs that it takes."""


def property_text(text: str) -> str:
    """Return a text as the registry takes it for a property: letters, digits, spaces, some punctuation, 1 to 256 of them.

    Examples
    --------
    >>> property_text("overfit: 46 % of what is gained (0.5) is lost; more rows, 'deeper' trees → help")
    'overfit: 46 percent of what is gained 0.5 is lost - more rows - deeper trees _ help'
    >>> property_text("{}")
    'none'
    """
    for found, instead in _SPOKEN:
        text = found.sub(instead, text)
    return _REFUSED.sub("_", text)[:_PROPERTY_LIMIT] or "none"


@dataclass(frozen=True)
class Package:
    """A registered model.

    Parameters
    ----------
    arn : str
        Of the model package.
    version : int
        Counted by its group, from 1.
    status : str
        ``PendingManualApproval``, ``Approved`` or ``Rejected``.
    status_at : str
        When the status was last changed, ISO 8601; the creation time if never.
    image, model_data_url : str
        What to run.
    environment : dict of str to str
        What the container is given.
    metadata : dict of str to str
        What the training wrote about it.
    why : str
        Why it was approved or rejected, for people; empty if nobody has said.
    changed_by : str
        ARN of whoever has changed it last, or else made it; empty if SageMaker does not say.
    """

    arn: str
    version: int
    status: str
    status_at: str
    image: str
    model_data_url: str
    environment: dict[str, str]
    metadata: dict[str, str]
    why: str = ""
    changed_by: str = ""


class Registry:
    """Reads and marks model packages."""

    def __init__(self, client: SageMakerClient) -> None:
        self._client = client

    def package(self, arn: str) -> Package:
        """Describe one package."""
        return _package(self._client.describe_model_package(ModelPackageName=arn))

    def find(self, arn: str) -> Package | None:
        """Describe one package; None if there is none."""
        answer = self._find(arn)
        return _package(answer) if answer else None

    def properties(self, arn: str) -> dict[str, str]:
        """Return what a package's registration has said about its model; nothing of a package that is gone."""
        found = self._find(arn)
        return dict(found.get("CustomerMetadataProperties", {})) if found else {}

    def is_rejected(self, arn: str) -> bool:
        """Tell whether a package was rejected, or is gone."""
        found = self._find(arn)
        return found is None or found.get("ModelApprovalStatus") == "Rejected"

    def reject(self, arn: str, why: str) -> None:
        """Mark a package as rejected."""
        self._client.update_model_package(
            ModelPackageArn=arn, ModelApprovalStatus="Rejected", ApprovalDescription=why[:_DESCRIPTION_LIMIT]
        )

    def delete_packages(self, group: str) -> None:
        """Delete all packages of `group`, so that the group can be deleted."""
        pages = self._client.get_paginator("list_model_packages").paginate(ModelPackageGroupName=group)
        try:
            arns = [item["ModelPackageArn"] for page in pages for item in page["ModelPackageSummaryList"]]
        except ClientError as error:
            if "does not exist" in str(error):
                return
            raise
        for arn in arns:
            self._client.delete_model_package(ModelPackageName=arn)

    def _find(self, arn: str) -> DescribeModelPackageOutputTypeDef | None:
        """Return what SageMaker knows of a package; None if it is gone."""
        try:
            return self._client.describe_model_package(ModelPackageName=arn)
        except ClientError as error:
            if "does not exist" in str(error):
                return None
            raise


def _package(answer: DescribeModelPackageOutputTypeDef) -> Package:
    # A package that somebody has registered by hand may not say what runs it.
    containers = answer.get("InferenceSpecification", {}).get("Containers") or [{"Image": ""}]
    changed = answer.get("LastModifiedTime") or answer["CreationTime"]
    return Package(
        arn=answer["ModelPackageArn"],
        version=answer["ModelPackageVersion"],
        status=answer.get("ModelApprovalStatus", "PendingManualApproval"),
        status_at=changed.isoformat(),
        image=containers[0]["Image"],
        model_data_url=containers[0].get("ModelDataUrl", ""),
        environment=dict(containers[0].get("Environment", {})),
        metadata=dict(answer.get("CustomerMetadataProperties", {})),
        why=answer.get("ApprovalDescription", ""),
        changed_by=(answer.get("LastModifiedBy") or answer.get("CreatedBy") or {})
        .get("IamIdentity", {})
        .get("Arn", ""),
    )
