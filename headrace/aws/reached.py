"""What a dropped file has led to: rows, trainings, models, and what these have predicted."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import asdict, dataclass
from datetime import date
from functools import cached_property, partial
from typing import Any
from urllib.parse import urlparse

from boto3.dynamodb.conditions import Key
from botocore.exceptions import ClientError

from headrace.aws.lineage import Lineage, NotFoundError
from headrace.aws.prediction_files import PredictionFile
from headrace.aws.prediction_index import IndexedFile
from headrace.aws.prediction_search import AT_ONCE
from headrace.aws.queried_items import query_items
from headrace.aws.recorded_model import LostEvidenceError
from headrace.aws.training_history import PastTraining, TrainingHistory
from headrace.aws.training_log import TrainingLog

_FIRST_DAY = date(2000, 1, 1)
_GONE = ("404", "405", "NoSuchKey", "NoSuchVersion", "MethodNotAllowed")
_OF_A_FILE = ("key", "version_id", "dropped_at", "sha256", "rows", "quarantined", "refused", "curated_paths")
_OF_A_TRAINING = ("run", "started_at", "finished_at", "reason", "because", "outcome", "why", "version")


@dataclass(frozen=True)
class Reached:
    """Answers what things have led to.

    Parameters
    ----------
    lineage : Lineage
        Of the pipeline.
    """

    lineage: Lineage

    def by_file(self, key: str, *, ids: int | None) -> dict[str, Any]:
        """Return what the versions of a file have led to, of each its rows and whether it is still there.

        Parameters
        ----------
        key : str
            Key or URI of a dropped file, or of one of its curated files.
        ids : int or None
            How many ids of predictions are listed of each model; None lists all.

        Raises
        ------
        NotFoundError
            If the ledger knows no such file.
        """
        known = [item for item in TrainingLog(self.lineage.table).files() if _is_of(item, _plain_key(key))]
        if not known:
            raise NotFoundError(
                f"the ledger knows no file {key!r}: no file of that key was taken in, and no curated file is called so. "
                "Keys are as they were dropped, such as incoming/2026-01.csv"
            )
        versions = {(str(item["key"]), str(item["version_id"])) for item in known}
        trainings = [*self._trainings(versions)]
        models = sorted({each["version"] for each in trainings if each["version"] is not None})
        return {
            "file": key,
            "versions": [self._file(item) for item in known],
            "trainings": trainings,
            "models": [self.by_model(version, ids=ids) for version in models],
        }

    def by_model(self, version: int, *, ids: int | None) -> dict[str, Any]:
        """Return when a version served, and what it has predicted."""
        served = [span.as_dict() for span in self.lineage.served if span.version == version]
        return {
            "version": version,
            "served": served,
            "predictions": self._predictions(f"v{version}", ids),
            "batch_predictions": self._batches(f"v{version}"),
        }

    # --- parts

    def _file(self, item: Mapping[str, Any]) -> dict[str, Any]:
        known = {name: item.get(name) for name in _OF_A_FILE}
        counts = {name: int(item[name]) for name in ("rows", "quarantined")}
        reasons = {name: int(count) for name, count in (item.get("reasons") or {}).items()}
        return {
            **known,
            **counts,
            "reasons": reasons,
            "curated_paths": list(item.get("curated_paths") or ()),
            "still_there": self._is_there(str(item["key"]), str(item["version_id"])),
        }

    def _is_there(self, key: str, version_id: str) -> bool | None:
        """Tell whether a version of a dropped file is still stored; None if these credentials may not see it."""
        named: dict[str, Any] = {"VersionId": version_id} if version_id not in ("", "null") else {}
        bucket = self.lineage.pipeline.outputs["DataBucketName"]
        try:
            self.lineage.client.head_object(Bucket=bucket, Key=key, **named)
        except ClientError as error:
            code = error.response["Error"]["Code"]
            return False if code in _GONE else None
        return True

    def _trainings(self, versions: set[tuple[str, str]]) -> Iterator[dict[str, Any]]:
        """Yield the trainings whose data has rows of one of some versions of files, the latest first."""
        past = {each.run: each for each in TrainingHistory(self.lineage.table).newest_first()}
        had: dict[str, Mapping[str, Any]] = {}
        for run, provenance in self.lineage.provenances([*past]):
            if provenance is None:
                continue
            content = provenance["data"]["content_hash"]
            if content not in had:
                had[content] = self._rows_of(provenance, versions)
            if had[content]:
                yield _training(past[run], content, had[content])

    def _rows_of(self, provenance: Mapping[str, Any], versions: set[tuple[str, str]]) -> Mapping[str, Any]:
        try:
            manifest = self.lineage.manifest(provenance)
        except LostEvidenceError as error:
            return {"says": f"whether it has learnt from the file is not known: {error}"}
        files = [file for file in manifest.get("files", ()) if (file["key"], file["version_id"]) in versions]
        return {"rows": sum(int(file["rows"]) for file in files)} if files else {}

    def _predictions(self, variant: str, ids: int | None) -> dict[str, Any]:
        """Count what a variant has predicted: by the index, and by the ends of files that are not in it, or were rewritten."""
        files = [file for file in self.lineage.files.since(_FIRST_DAY) if file.variant == variant]
        indexed = self._indexed
        with ThreadPoolExecutor(AT_ONCE) as readers:
            counted = [*readers.map(partial(self._counted, indexed), files)]
        spans = [span for _, span in counted if span]
        waiting = self.lineage.search.unrecorded(variant)
        return {
            "count": sum(count for count, _ in counted),
            "first": min((first for first, _ in spans), default=None),
            "last": max((last for _, last in spans), default=None),
            "objects_not_recorded": len(waiting),
            "ids": self._ids(files, ids),
        }

    @cached_property
    def _indexed(self) -> dict[str, IndexedFile]:
        return self.lineage.index.between(_FIRST_DAY, date.max)

    def _counted(
        self, indexed: Mapping[str, IndexedFile], file: PredictionFile
    ) -> tuple[int, tuple[str, str] | None]:
        known = indexed.get(file.key)
        if known and known.size_bytes == file.size_bytes:
            return known.rows, (known.first, known.last)
        table = self.lineage.files.open(file)
        span = table.bounds("_time")
        return table.count, span and (f"{span[0].isoformat()}+00:00", f"{span[1].isoformat()}+00:00")

    def _ids(self, files: Sequence[PredictionFile], most: int | None) -> list[str]:
        """Return inference ids, else event ids, of the newest files first; each once."""
        found: dict[str, None] = {}
        for file in files:
            if most is not None and len(found) >= most:
                break
            for _, piece in self.lineage.files.open(file).pieces(["_inference_id", "_event_id"]):
                pairs = zip(
                    *(piece[name].to_pylist() for name in ("_inference_id", "_event_id")), strict=True
                )
                found |= dict.fromkeys(given or event for given, event in pairs)
        return [*found][:most]

    def _batches(self, variant: str) -> dict[str, int]:
        counts: dict[str, int] = defaultdict(int)
        condition = Key("pk").eq("prediction")
        for item in query_items(self.lineage.table, KeyConditionExpression=condition):
            if item.get("variant") == variant and item.get("state") == "predicted":
                counts["files"] += 1
                counts["rows"] += int(item["rows"])
        return {"files": counts["files"], "rows": counts["rows"]}


def _training(past: PastTraining, content: str, had: Mapping[str, Any]) -> dict[str, Any]:
    known = {name: value for name, value in asdict(past).items() if name in _OF_A_TRAINING}
    return {**known, "content_hash": content, "rows_of_the_file": had.get("rows"), "says": had.get("says")}


def _plain_key(given: str) -> str:
    """Return a key from a key or a URI.

    Examples
    --------
    >>> _plain_key("s3://data/incoming/a.csv"), _plain_key("incoming/a.csv")
    ('incoming/a.csv', 'incoming/a.csv')
    """
    return urlparse(given).path.lstrip("/") if given.startswith("s3://") else given


def _is_of(item: Mapping[str, Any], key: str) -> bool:
    curated = [_plain_key(str(path)) for path in item.get("curated_paths") or ()]
    return item["key"] == key or key in curated
