"""By what a model is watched: documents that its training left, and that its endpoint's monitoring looks up by variant."""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import closing
from typing import TYPE_CHECKING, Any

from headrace.aws.artifacts import Artifacts
from headrace.aws.model_archive import open_archive, read_members
from headrace.ml.monitoring_documents import BASELINE, FURTHER

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client


class BaselineDocuments:
    """The objects below ``baselines/<variant>/`` of the artifacts bucket.

    Parameters
    ----------
    client : S3Client
        May read models and evaluations, and list, read and write there.
    bucket : str
        The artifacts bucket.
    """

    def __init__(self, client: S3Client, bucket: str) -> None:
        self._client, self._documents = client, Artifacts(client, bucket)

    def publish(self, plan: Mapping[str, Any]) -> None:
        """Publish the documents of the model that a deployment's plan names, unless they are there already."""
        folder = f"baselines/{plan['variant']}/"
        if self._documents.has(f"{folder}{BASELINE}"):
            return
        performance = self._performance(plan)
        if performance is not None:
            self._documents.store(f"{folder}performance.json", performance)
        with closing(open_archive(self._client, plan["model_data_url"])) as archive:
            found = read_members(archive, [BASELINE], optional=FURTHER)
        # The baseline comes last: it says that all are there.
        for name in sorted(found, key=lambda name: name == BASELINE):
            self._documents.put(f"{folder}{name}", found[name], content_type="application/json")

    def _performance(self, plan: Mapping[str, Any]) -> dict[str, Any] | None:
        return (
            self._documents.load(f"evaluations/{plan['run']}/performance.json") if plan.get("run") else None
        )
