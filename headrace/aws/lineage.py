"""Where a prediction comes from, and what a dropped file has led to; from what the pipeline has written down, and nothing else."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from datetime import datetime
from functools import cached_property
from typing import Any

from botocore.config import Config

from headrace.aws.artifacts import Artifacts
from headrace.aws.captured_data import CapturedData
from headrace.aws.deployed_pipeline import DeployedPipeline
from headrace.aws.model_versions import ModelVersions, NoSuchVersionError
from headrace.aws.monitor_ledger import ProgressLog
from headrace.aws.prediction_files import PredictionFiles
from headrace.aws.prediction_index import PredictionIndex
from headrace.aws.prediction_search import AT_ONCE, PredictionSearch
from headrace.aws.recorded_model import LostEvidenceError, RecordedObjects
from headrace.aws.registry import ERASURE, Package
from headrace.aws.release_log import Entry, ReleaseLog
from headrace.ml.lineage import Served, Step, served
from headrace.ml.reproduction.digest import json_sha256

_NO_PROVENANCE = "it was registered without a provenance: by hand, or by an earlier release of Headrace"
_HISTORY = ("at", "event", "share", "by", "why", "execution")


class NotFoundError(Exception):
    """Nothing is known of what was asked for; the text says where was looked."""


@dataclass(frozen=True)
class Lineage:
    """Answers questions about where things come from.

    Parameters
    ----------
    pipeline : DeployedPipeline
        Which, and with whose permissions.
    """

    pipeline: DeployedPipeline

    def of_prediction(self, id: str, at: datetime | None = None) -> dict[str, Any]:
        """Return who answered under an id, and all that the answering models were made from.

        Raises
        ------
        NotFoundError
            If it is neither recorded nor captured.
        """
        found = self.search.find(id, at)
        if not found:
            raise NotFoundError(self._nothing_under(id, at))
        answers = []
        for each in found:
            answered_at = min(row["time"] for row in each.rows)
            answers.append(
                {
                    "variant": each.variant,
                    "recorded": each.recorded,
                    "stored": f"s3://{self.bucket}/{each.key}",
                    "time": answered_at,
                    "rows": each.rows,
                    "model": self._model_of(each.version, answered_at),
                }
            )
        return {"id": id, "endpoint": self.pipeline.outputs["EndpointName"], "answers": answers}

    def of_model(self, version: int) -> dict[str, Any]:
        """Return what a version was made from, who approved it, and when it served.

        Raises
        ------
        NoSuchVersionError
            If there is none.
        """
        package = self.versions.package(version)
        provenance, evaluation = self.versions.documents(version)
        history = [entry for entry in self.history if entry.version == version]
        known = {
            "version": version,
            "status": package.status,
            "model_package": package.arn,
            "served": [span.as_dict() for span in self.served if span.version == version],
            "history": [{name: getattr(entry, name) for name in _HISTORY} for entry in history],
            "approval": approval_of(package, provenance),
            **({"erasure": package.metadata[ERASURE]} if ERASURE in package.metadata else {}),
        }
        if not provenance:
            return {**known, "says": _NO_PROVENANCE}
        return {**known, **_made_from(package, provenance, evaluation), "data": self._data(provenance)}

    # --- what it asks

    @property
    def bucket(self) -> str:
        """Where predictions, captures and evaluations lie."""
        return self.pipeline.outputs["ArtifactsBucketName"]

    @cached_property
    def client(self) -> Any:
        """A client of S3 that many threads use at once."""
        return self.pipeline.session.client("s3", config=Config(max_pool_connections=AT_ONCE))

    @cached_property
    def table(self) -> Any:
        """The ledger."""
        return self.pipeline.session.resource("dynamodb").Table(self.pipeline.outputs["LedgerTableName"])

    @cached_property
    def files(self) -> PredictionFiles:
        """The recorded predictions."""
        return PredictionFiles(self.client, self.bucket)

    @cached_property
    def index(self) -> PredictionIndex:
        """What is known of their files without opening them."""
        return PredictionIndex(self.table)

    @cached_property
    def search(self) -> PredictionSearch:
        """What finds predictions."""
        return PredictionSearch(
            self.files,
            self.index,
            CapturedData(self.client, self.bucket, self.pipeline.outputs["EndpointName"]),
            ProgressLog(self.table, "recorded"),
            Artifacts(self.client, self.bucket),
        )

    @cached_property
    def versions(self) -> ModelVersions:
        """The versions in the registry."""
        return ModelVersions(self.pipeline)

    @cached_property
    def history(self) -> list[Entry]:
        """All that was done with versions, the first line first."""
        return [*ReleaseLog(self.table).newest_first()][::-1]

    @cached_property
    def served(self) -> list[Served]:
        """Which version served when."""
        return served([Step(entry.at, entry.event, entry.version) for entry in self.history])

    def provenances(self, runs: list[str]) -> Iterator[tuple[str, dict[str, Any] | None]]:
        """Yield what each of some trainings has written down; None of one that was never judged."""
        artifacts = Artifacts(self.client, self.bucket)
        with ThreadPoolExecutor(AT_ONCE) as readers:
            keys = (f"evaluations/{run}/provenance.json" for run in runs)
            yield from zip(runs, readers.map(artifacts.load, keys), strict=True)

    def manifest(self, provenance: Mapping[str, Any]) -> dict[str, Any]:
        """Return the manifest of the data that a training has read.

        Raises
        ------
        LostEvidenceError
            If it is gone, or is not what it was.
        """
        stored = provenance["data"]["manifest"]
        if stored is None:
            raise LostEvidenceError("its provenance names no manifest")
        found: dict[str, Any] = json.loads(RecordedObjects(self.pipeline).read(stored))
        return found

    # --- parts

    def _nothing_under(self, id: str, at: datetime | None) -> str:
        looked = f"on {at.date()} and the days beside it" if at else "on any day"
        return (
            f"no prediction under the id {id!r}: none is recorded {looked}, and none waits among what the endpoint has "
            "captured. Ids of requests that were not sent with an InferenceId are those of the capture; the rows of a "
            "person who was erased are gone"
        )

    def _model_of(self, version: int | None, at: str) -> dict[str, Any]:
        if version is None:
            return {"version": None, "says": "its variant is not named after a version"}
        try:
            return {**self.of_model(version), "share": self._share(version, at)}
        except NoSuchVersionError as error:
            return {"version": version, "says": str(error)}

    def _share(self, version: int, at: str) -> float | None:
        """Return which share of the requests a version had at a time; None if nothing is written down."""
        known = [entry for entry in self.history if entry.version == version and entry.at <= at]
        return known[-1].share if known else None

    def _data(self, provenance: Mapping[str, Any]) -> dict[str, Any]:
        """Return what a training has learnt from: which versions of which files, and how many rows."""
        data = provenance["data"]
        known = {
            "content_hash": data["content_hash"],
            "learned_from": data["learned_from"],
            "manifest": data["manifest"],
            "objects": data["objects"],
        }
        try:
            manifest = self.manifest(provenance)
        except LostEvidenceError as error:
            return {**known, "says": str(error)}
        return {
            **known,
            "rows": {name: part["rows"] for name, part in manifest["parts"].items() if "rows" in part},
            "files": [
                {name: file.get(name) for name in ("key", "version_id", "sha256", "rows", "accepted")}
                for file in manifest.get("files", ())
            ],
        }


def approval_of(package: Package, provenance: Mapping[str, Any]) -> dict[str, Any]:
    """Return who approved or rejected: as the registry has it, which is written to last.

    A command writes who gave it. Of a decision with AWS's own tools the registry knows who has changed the package last, unless it was
    marked since.
    """
    said, decided = package.metadata, "rejected" if package.status == "Rejected" else "approved"
    noted = provenance.get("approval") or {}
    if noted.get("decision", "approved") != decided:
        noted = {}  # it was decided otherwise since
    is_last = package.status in ("Approved", "Rejected") and ERASURE not in said
    return {
        "status": package.status,
        "by": said.get(f"{decided}_by") or noted.get("by") or (package.changed_by if is_last else None),
        "at": said.get(f"{decided}_at") or noted.get("at") or package.status_at,
        "why": package.why or said.get(f"{decided}_because") or noted.get("why"),
    }


def _made_from(
    package: Package, provenance: Mapping[str, Any], evaluation: Mapping[str, Any]
) -> dict[str, Any]:
    metric = provenance["metric"]
    measured = {who: (evaluation.get(who) or {}).get(metric) for who in ("challenger", "champion")}
    intact = json_sha256(provenance["data"]["objects"]) == package.metadata.get("objects_sha256")
    return {
        "provenance": {"uri": package.metadata["provenance"], "as_registered": intact},
        "run": provenance["run"],
        "reason": provenance["reason"],
        "parent": provenance["parent"],
        "training": {"job": provenance["training_job"], **provenance["training"]},
        "code": provenance["code"],
        "image": provenance["image"],
        "environment": provenance["environment"],
        "gate": {
            **provenance["gate"],
            "metric": metric,
            **measured,
            "rows": evaluation.get("rows"),
            "metrics": provenance["metrics"],
        },
    }
