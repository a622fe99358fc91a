"""Files that people send to be answered, and what becomes of them."""

from __future__ import annotations

import time
from pathlib import Path

import boto3

from headrace.aws.answered_files import BATCH, answers_prefix
from headrace.aws.captured_data import list_objects
from headrace.aws.dropped_files import DroppedFile
from headrace.aws.prediction_ledger import Prediction, PredictionLedger

_POLL_S = 0.5


class SentFiles:
    """Sends files to a pipeline, and follows them.

    Parameters
    ----------
    session : Session
        Whose permissions are used.
    bucket, ledger_table : str
        The pipeline's data bucket and its ledger.
    """

    def __init__(self, session: boto3.Session, bucket: str, ledger_table: str) -> None:
        self._s3, self._bucket = session.client("s3"), bucket
        self._ledger = PredictionLedger(session.resource("dynamodb").Table(ledger_table))

    def send(self, path: Path, name: str) -> DroppedFile:
        """Upload a file under ``batch/``."""
        key = f"{BATCH}{name}"
        self._s3.upload_file(str(path), self._bucket, key)
        found = self._s3.head_object(Bucket=self._bucket, Key=key)
        return DroppedFile(self._bucket, key, found.get("VersionId", "null"), found["ContentLength"], "")

    def wait(self, file: DroppedFile) -> Prediction:
        """Return what became of a file, as soon as something has."""
        while True:
            found = self._ledger.find(file)
            if found and found.is_over:
                return found
            time.sleep(_POLL_S)

    def results(self, file: DroppedFile) -> str:
        """Return where the predictions of a file will be."""
        return f"s3://{self._bucket}/{answers_prefix(file.key)}"

    def fetch(self, prediction: Prediction, folder: Path) -> list[Path]:
        """Download what a file was answered; return the files."""
        found = list_objects(self._s3, self._bucket, answers_prefix(prediction.key))
        folder.mkdir(parents=True, exist_ok=True)
        paths = [folder / item.key.rpartition("/")[2] for item in found]
        for item, path in zip(found, paths, strict=True):
            self._s3.download_file(self._bucket, item.key, str(path))
        return paths
