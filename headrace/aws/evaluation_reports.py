"""The pages and model cards that were written when models were judged."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import TYPE_CHECKING

from headrace.aws.artifacts import Artifacts
from headrace.aws.training_history import PastTraining

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client


@dataclass(frozen=True)
class EvaluationReport:
    """What was written of one training.

    Parameters
    ----------
    training : PastTraining
        When it was, and what came of it.
    page_uri : str
        Where the page is.
    page, card : bytes or None
        The page and the model card; None if there is none.
    """

    training: PastTraining
    page_uri: str
    page: bytes | None
    card: bytes | None


class EvaluationReports:
    """Reports below ``evaluations/`` of the artifacts bucket.

    Parameters
    ----------
    client : S3Client
        Whose permissions are used.
    bucket : str
        The artifacts bucket.
    trainings : iterable of PastTraining
        The trainings of the pipeline, the last one first.
    """

    def __init__(self, client: S3Client, bucket: str, trainings: Iterable[PastTraining]) -> None:
        self._artifacts, self._bucket, self._trainings = Artifacts(client, bucket), bucket, trainings

    def find(self, version: int | None) -> EvaluationReport | None:
        """Return the report of a version, or of the last training that did not fail; None without such a training."""
        for training in self._trainings:
            if training.version == version if version is not None else training.outcome != "failed":
                folder = f"evaluations/{training.run}"
                return EvaluationReport(
                    training,
                    f"s3://{self._bucket}/{folder}/report.html",
                    self._artifacts.read(f"{folder}/report.html"),
                    self._artifacts.read(f"{folder}/model_card.json"),
                )
        return None
