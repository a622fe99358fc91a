"""What SageMaker keeps: one table per kind of resource."""

from __future__ import annotations

import copy
import threading
import time
from dataclasses import dataclass
from typing import Any

from local_cloud.sagemaker.errors import ApiError, invalid

Record = dict[str, Any]


@dataclass(frozen=True)
class Kind:
    """One kind of resource, and how AWS speaks of it.

    Parameters
    ----------
    noun : str
        As in the operations' names: ``TrainingJob``.
    resource : str
        As in ARNs: ``training-job``.
    missing, taken : str
        Messages for a name that is not there, and for one that is; ``{name}`` and ``{arn}`` are filled in.
    taken_code : str
        Error code of the latter.
    summaries : str
        Member of the list operation's answer.
    """

    noun: str
    resource: str
    missing: str
    taken: str
    summaries: str
    taken_code: str = "ValidationException"

    @property
    def name_field(self) -> str:
        """Member that holds the name."""
        return f"{self.noun}Name"

    @property
    def arn_field(self) -> str:
        """Member that holds the ARN."""
        return f"{self.noun}Arn"

    @property
    def status_field(self) -> str:
        """Member that holds the status."""
        return f"{self.noun}Status"


KINDS = {
    kind.noun: kind
    for kind in (
        Kind(
            "TrainingJob",
            "training-job",
            "Requested resource not found.",
            "Training job names must be unique within an AWS account and region, and a training job with this name "
            "already exists ({arn})",
            "TrainingJobSummaries",
            "ResourceInUse",
        ),
        Kind(
            "ProcessingJob",
            "processing-job",
            "Could not find requested job with name: {name}",
            "Job with name {name} already exists ({arn})",
            "ProcessingJobSummaries",
            "ResourceInUse",
        ),
        Kind(
            "TransformJob",
            "transform-job",
            "Could not find requested job with name: {name}",
            "Job name must be unique within an AWS account and region, and a job with this name already exists ({arn})",
            "TransformJobSummaries",
            "ResourceInUse",
        ),
        Kind(
            "HyperParameterTuningJob",
            "hyper-parameter-tuning-job",
            "Amazon SageMaker can't find a hyper parameter tuning job with name {name}.",
            "Hyper parameter tuning job names must be unique within an AWS account and region, and a hyper parameter "
            "tuning job with this name already exists ({arn})",
            "HyperParameterTuningJobSummaries",
            "ResourceInUse",
        ),
        Kind(
            "Model",
            "model",
            'Could not find model "{arn}".',
            'Cannot create already existing model "{arn}".',
            "Models",
        ),
        Kind(
            "EndpointConfig",
            "endpoint-config",
            'Could not find endpoint configuration "{arn}".',
            'Cannot create already existing endpoint configuration "{arn}".',
            "EndpointConfigs",
        ),
        Kind(
            "Endpoint",
            "endpoint",
            'Could not find endpoint "{arn}".',
            'Cannot create already existing endpoint "{arn}".',
            "Endpoints",
        ),
        Kind(
            "ModelPackageGroup",
            "model-package-group",
            "ModelPackageGroup {arn} does not exist.",
            "Model Package Group already exists: {arn}",
            "ModelPackageGroupSummaryList",
        ),
        Kind(
            "ModelPackage",
            "model-package",
            "ModelPackage {arn} does not exist.",
            "Model Package already exists: {arn}",
            "ModelPackageSummaryList",
        ),
    )
}


class Records:
    """All records of one account and region; safe to use from several threads."""

    def __init__(self, account: str, region: str) -> None:
        self.account, self.region = account, region
        self.lock = threading.RLock()
        self.tables: dict[str, dict[str, Record]] = {noun: {} for noun in KINDS}
        self.tags: dict[str, dict[str, str]] = {}

    def arn(self, kind: Kind, name: str) -> str:
        """Return the ARN of the resource of this kind and name."""
        return f"arn:aws:sagemaker:{self.region}:{self.account}:{kind.resource}/{name}"

    def get(self, noun: str, name_or_arn: str) -> Record:
        """Return a record; AWS's "not found" if there is none."""
        kind = KINDS[noun]
        name = name_or_arn.split(f":{kind.resource}/", 1)[-1]
        with self.lock:
            if name not in self.tables[noun]:
                raise invalid(kind.missing.format(name=name, arn=self.arn(kind, name)))
            return self.tables[noun][name]

    def add(self, noun: str, request: Record, **more: Any) -> Record:
        """Store a new record; AWS's refusal if its name is taken."""
        kind = KINDS[noun]
        record = {key: value for key, value in copy.deepcopy(request).items() if key != "Tags"} | more
        name, now = record[kind.name_field], time.time()
        arn = self.arn(kind, name)
        with self.lock:
            if name in self.tables[noun]:
                raise ApiError(kind.taken_code, kind.taken.format(name=name, arn=arn))
            record |= {kind.arn_field: arn, "CreationTime": now, "LastModifiedTime": now}
            self.tables[noun][name] = record
            self.tag(arn, request.get("Tags", []))
        return record

    def remove(self, noun: str, name: str) -> Record:
        """Delete a record and its tags."""
        with self.lock:
            record = self.get(noun, name)
            kind = KINDS[noun]
            self.tags.pop(record[kind.arn_field], None)
            return self.tables[noun].pop(record[kind.name_field])

    def change(self, record: Record, **changes: Any) -> None:
        """Change a record; None removes a member."""
        with self.lock:
            record |= {**changes, "LastModifiedTime": time.time()}
            for name in [name for name, value in changes.items() if value is None]:
                del record[name]

    def tag(self, arn: str, tags: list[dict[str, str]]) -> None:
        """Add tags to a resource."""
        if tags:
            self.tags.setdefault(arn, {}).update({tag["Key"]: tag["Value"] for tag in tags})

    def dump(self) -> dict[str, Any]:
        """Return everything as plain values."""
        with self.lock:
            return copy.deepcopy({"tables": self.tables, "tags": self.tags})

    def load(self, state: dict[str, Any]) -> None:
        """Take over what `dump` returned in an earlier life."""
        with self.lock:
            for noun in self.tables:
                self.tables[noun].update(state.get("tables", {}).get(noun, {}))
            self.tags.update(state.get("tags", {}))
