"""The model registry: groups, versions, approval."""

from __future__ import annotations

from typing import Any

from local_cloud.sagemaker.caller import user_context
from local_cloud.sagemaker.errors import ApiError, invalid
from local_cloud.sagemaker.model_card import check_model_card
from local_cloud.sagemaker.records import KINDS, Record, Records
from local_cloud.sagemaker.surroundings import Surroundings

_EVENT = "SageMaker Model Package State Change"
_NOT_TOLD = ("InferenceSpecification", "CreatedBy", "LastModifiedBy")
"""Members that are in no event; who has changed a package is none of those that AWS documents."""


class Registry:
    """Model package groups and model packages."""

    def __init__(self, records: Records, surroundings: Surroundings) -> None:
        self._records, self._around = records, surroundings

    def create_group(self, request: dict[str, Any]) -> dict[str, Any]:
        """Make an empty group."""
        record = self._records.add("ModelPackageGroup", request, ModelPackageGroupStatus="Completed")
        return {"ModelPackageGroupArn": record["ModelPackageGroupArn"]}

    def delete_group(self, request: dict[str, Any]) -> dict[str, Any]:
        """Delete a group, which must be empty."""
        group = self._records.get("ModelPackageGroup", request["ModelPackageGroupName"])
        if self._versions(group["ModelPackageGroupName"]):
            raise ApiError(
                "ConflictException",
                f"Cannot delete ModelPackageGroup {group['ModelPackageGroupArn']} because it contains model packages.",
            )
        self._records.remove("ModelPackageGroup", group["ModelPackageGroupName"])
        return {}

    def create_package(self, request: dict[str, Any]) -> dict[str, Any]:
        """Register the next version of a group."""
        if "ModelPackageGroupName" not in request:
            raise invalid("Only versioned model packages, in a ModelPackageGroupName, are supported here.")
        check_model_card(request)
        with self._records.lock:
            group = self._records.get("ModelPackageGroup", request["ModelPackageGroupName"])[
                "ModelPackageGroupName"
            ]
            version = 1 + max((r["ModelPackageVersion"] for r in self._versions(group)), default=0)
            number = _next_version(self._records, group, version)
            record = self._records.add(
                "ModelPackage",
                {"ModelApprovalStatus": "PendingManualApproval", **request},
                ModelPackageGroupName=group,
                ModelPackageName=f"{group}/{number}",
                ModelPackageVersion=number,
                ModelPackageStatus="Completed",
                ModelPackageStatusDetails={"ValidationStatuses": [], "ImageScanStatuses": []},
                CreatedBy=user_context(),
            )
        self._announce(record)
        return {"ModelPackageArn": record["ModelPackageArn"]}

    def update_package(self, request: dict[str, Any]) -> dict[str, Any]:
        """Approve, reject or describe a version further."""
        check_model_card(request)
        record = self._records.get("ModelPackage", request["ModelPackageArn"])
        changes = {key: value for key, value in request.items() if key != "ModelPackageArn"}
        if "CustomerMetadataProperties" in changes:
            changes["CustomerMetadataProperties"] = {
                **record.get("CustomerMetadataProperties", {}),
                **changes["CustomerMetadataProperties"],
            }
        self._records.change(record, **changes, LastModifiedBy=user_context())
        self._announce(record)
        return {"ModelPackageArn": record["ModelPackageArn"]}

    def delete_package(self, request: dict[str, Any]) -> dict[str, Any]:
        """Delete a version; its number is not given again."""
        self._records.remove("ModelPackage", request["ModelPackageName"])
        return {}

    def _versions(self, group: str) -> list[Record]:
        return [
            r for r in self._records.tables["ModelPackage"].values() if r["ModelPackageGroupName"] == group
        ]

    def _announce(self, record: Record) -> None:
        detail = {key: value for key, value in record.items() if key not in _NOT_TOLD}
        self._around.emit(_EVENT, detail, record["ModelPackageArn"])


def _next_version(records: Records, group: str, at_least: int) -> int:
    """Return the next version number of a group; numbers of deleted versions are not used again."""
    record = records.tables[KINDS["ModelPackageGroup"].noun][group]
    record["_last_version"] = max(at_least, record.get("_last_version", 0) + 1)
    return int(record["_last_version"])
