"""The versions of a deployed pipeline's models: what is known of each, and a person's word on it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from itertools import islice
from typing import Any, Literal
from urllib.parse import urlparse

from botocore.exceptions import ClientError

from headrace.aws.artifacts import Artifacts
from headrace.aws.deployed_pipeline import DeployedPipeline
from headrace.aws.model_signature import signature_in_words
from headrace.aws.registry import Package, Registry, property_text
from headrace.aws.release_log import BEGAN, Entry, ReleaseLog
from headrace.aws.training_log import TrainingLog

Approval = Literal["Approved", "Rejected"]

_DESCRIPTION_LIMIT = 1024
_ONLY_SORTS = ("planned_at", "place")
_METRIC = "metric:"
_NO_PACKAGE = ("does not exist", "ould not find", "not found")


class NoSuchVersionError(Exception):
    """The pipeline has no version of this number; the text says which there are."""


@dataclass(frozen=True)
class ModelVersions:
    """What people ask of the versions of a running pipeline, and tell it about them.

    Parameters
    ----------
    pipeline : DeployedPipeline
        The pipeline.
    """

    pipeline: DeployedPipeline

    def newest_first(self, count: int) -> list[dict[str, Any]]:
        """Return the last `count` versions, as plain values."""
        serves = self._serves()
        return [_summary(self._describe(arn), at, serves) for arn, at in islice(self._arns(), count)]

    def audit(self, count: int) -> list[dict[str, Any]]:
        """Return the last `count` lines of the one trail of approvals, deployments and releases, the latest first."""
        entries = islice(ReleaseLog(self._table()).newest_first(), count)
        return [
            {name: getattr(entry, name) for name in Entry.__dataclass_fields__ if name not in _ONLY_SORTS}
            for entry in entries
        ]

    def package(self, version: int) -> Package:
        """Return one version as the registry has it.

        Raises
        ------
        NoSuchVersionError
            If there is none.
        """
        try:
            return self._describe(self._arn(version))
        except ClientError as error:
            if not any(words in str(error) for words in _NO_PACKAGE):
                raise
            known = ", ".join(f"v{_number(arn)}" for arn, _ in islice(self._arns(), 10)) or "none"
            raise NoSuchVersionError(
                f"{self.pipeline.name} has no version {version}; the last ones are: {known}"
            ) from None

    def signature(self, version: int) -> str:
        """Return ``verified``, ``unsigned``, or why the signature of a version is refused."""
        return signature_in_words(self.pipeline, self.package(version))

    def documents(self, version: int) -> tuple[dict[str, Any], dict[str, Any]]:
        """Return the provenance and the evaluation of a version; what was not written down is empty."""
        where = self.package(version).metadata.get("provenance")
        if where is None:
            return {}, {}
        artifacts, folder = self._folder(where)
        return artifacts.load(f"{folder}provenance.json") or {}, artifacts.load(
            f"{folder}evaluation.json"
        ) or {}

    def decide(self, version: int, approval: Approval, because: str, now: datetime) -> dict[str, Any]:
        """Approve or reject a version: in the registry, in the audit trail and in its provenance, with who and why."""
        package = self.package(version)
        by = self.pipeline.session.client("sts").get_caller_identity()["Arn"]
        verb = approval.lower()
        told = {f"{verb}_by": by, f"{verb}_at": now.isoformat(timespec="seconds"), f"{verb}_because": because}
        self.pipeline.session.client("sagemaker").update_model_package(
            ModelPackageArn=package.arn,
            ModelApprovalStatus=approval,
            ApprovalDescription=f"{verb} by {by}: {because}"[:_DESCRIPTION_LIMIT],
            CustomerMetadataProperties={
                **package.metadata,
                **{name: property_text(value) for name, value in told.items()},
            },
        )
        ReleaseLog(self._table()).add(self._entry(version, verb, by, because, now))
        self._note(
            package, {"mode": "manual", "decision": verb, "by": by, "why": because, "at": now.isoformat()}
        )
        return {"model_package": package.arn, "approval": approval, "by": by, "because": because}

    # --- what is known

    def _entry(self, version: int, event: str, by: str, why: str, now: datetime) -> Entry:
        """Return a line of the trail; a decision on a version is no part of a deployment."""
        at = now.isoformat()
        return Entry(at, BEGAN, at, event, version, self._serves(), "", 0.0, by, why, "")

    def _note(self, package: Package, approval: Mapping[str, Any]) -> None:
        where = package.metadata.get("provenance")
        if where is None:
            return
        artifacts, folder = self._folder(where)
        document = artifacts.load(f"{folder}provenance.json")
        if document is not None:
            artifacts.store(f"{folder}provenance.json", {**document, "approval": dict(approval)})

    def _folder(self, uri: str) -> tuple[Artifacts, str]:
        place = urlparse(uri)
        artifacts = Artifacts(self.pipeline.session.client("s3"), place.netloc)
        return artifacts, place.path.lstrip("/").removesuffix("provenance.json")

    def _serves(self) -> int | None:
        champion = TrainingLog(self._table()).champion()
        return champion.version if champion else None

    def _arns(self) -> Iterator[tuple[str, str]]:
        pages = (
            self.pipeline.session.client("sagemaker")
            .get_paginator("list_model_packages")
            .paginate(
                ModelPackageGroupName=self.pipeline.outputs["ModelPackageGroupName"],
                SortBy="CreationTime",
                SortOrder="Descending",
            )
        )
        for page in pages:
            for item in page["ModelPackageSummaryList"]:
                yield item["ModelPackageArn"], item["CreationTime"].isoformat()

    def _arn(self, version: int) -> str:
        return self.pipeline.package_arn(version)

    def _describe(self, arn: str) -> Package:
        return Registry(self.pipeline.session.client("sagemaker")).package(arn)

    def _table(self) -> Any:
        return self.pipeline.session.resource("dynamodb").Table(self.pipeline.outputs["LedgerTableName"])


def _summary(package: Package, created_at: str, serves: int | None) -> dict[str, Any]:
    """Return what a list says of a version."""
    said = package.metadata
    metrics = {
        name.removeprefix(_METRIC): float(value) for name, value in said.items() if name.startswith(_METRIC)
    }
    decided = "rejected" if package.status == "Rejected" else "approved"
    return {
        "version": package.version,
        "status": package.status,
        "created_at": created_at,
        "status_at": package.status_at,
        "serves": package.version == serves,
        "metric": said.get("metric"),
        "metrics": metrics,
        "reason": said.get("reason"),
        "because": said.get("reason:about"),
        "parent": said.get("parent"),
        "decided_by": said.get(f"{decided}_by"),
        "decided_because": said.get(f"{decided}_because") or package.why,
        "run": said.get("run"),
        "model_package": package.arn,
    }


def _number(arn: str) -> str:
    return arn.rsplit("/", 1)[-1]
