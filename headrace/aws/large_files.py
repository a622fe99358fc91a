"""Large files on their way through the Spark job: the order, the folder of what is between, the outcome."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from botocore.exceptions import ClientError

from headrace.aws.curated_names import curated_key
from headrace.aws.dropped_files import DroppedFile
from headrace.aws.json_folder import JsonFolder
from headrace.ml.column_rules import ColumnRules
from headrace.ml.contract import Contract, Fields
from headrace.ml.contract_evolution import EvolutionRules
from headrace.ml.declared_steps import DeclaredStep
from headrace.ml.files.options import ReadOptions
from headrace.ml.privacy.protection import ProtectionRule

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client
    from mypy_boto3_stepfunctions import SFNClient

WORK = "work/"
_ORDER, _OUTCOME = "order.json", "outcome.json"
_TAKEN = ("PreconditionFailed", "ConditionalRequestConflict")


@dataclass(frozen=True)
class LargeFileOrder:
    """What the job is to do.

    Parameters
    ----------
    file : DroppedFile
        Which file.
    fields : Fields
        What the pipeline file says about columns.
    rules : EvolutionRules
        What it says about changes from file to file.
    options : ReadOptions
        Limits.
    max_bad_row_share : float
        Above it the file is refused whole, 0 to 1.
    contract : Contract or None
        The version in force; None if this is the first file.
    protection : ProtectionRule or None
        What is to be hidden.
    key_arn : str
        Of the secret that holds the key of the hashes; empty if there is none.
    """

    file: DroppedFile
    fields: Fields
    rules: EvolutionRules
    options: ReadOptions
    max_bad_row_share: float
    contract: Contract | None
    protection: ProtectionRule | None = None
    key_arn: str = ""

    def as_dict(self) -> dict[str, Any]:
        """Return it as JSON has it."""
        return {
            "file": asdict(self.file),
            "fields": {
                **asdict(self.fields),
                "rules": {name: rules.as_dict() for name, rules in self.fields.rules.items()},
                "steps": [step.as_dict() for step in self.fields.steps],
            },
            "rules": asdict(self.rules),
            "options": {**asdict(self.options), "expected": sorted(self.options.expected)},
            "max_bad_row_share": self.max_bad_row_share,
            "contract": self.contract.as_dict() if self.contract else None,
            "protection": asdict(self.protection) if self.protection else None,
            "key_arn": self.key_arn,
        }

    @classmethod
    def from_dict(cls, document: Mapping[str, Any]) -> LargeFileOrder:
        """Read what `as_dict` wrote."""
        options = document["options"]
        sets = {"columns": tuple(options["columns"]), "expected": frozenset(options["expected"])}
        fields, contract = document["fields"], document["contract"]
        declared = {
            "rules": {name: ColumnRules.from_dict(rules) for name, rules in fields["rules"].items()},
            "steps": [DeclaredStep.from_dict(step) for step in fields["steps"]],
        }
        return cls(
            DroppedFile(**document["file"]),
            Fields(**{**fields, **declared}),
            EvolutionRules(**document["rules"]),
            ReadOptions(**{**options, **sets}),
            document["max_bad_row_share"],
            Contract.from_dict(contract) if contract else None,
            ProtectionRule(**document["protection"]) if document.get("protection") else None,
            document.get("key_arn", ""),
        )

    def against(self, contract: Contract) -> LargeFileOrder:
        """Return the same order, but with a contract that another file has made."""
        names = contract.file_columns
        options = replace(self.options, columns=names, expected=frozenset((self.fields.target, *names)))
        return replace(self, contract=contract, options=options)


@dataclass(frozen=True)
class LargeFileOutcome:
    """What the job has found; nothing of it counts before the ledger says so.

    Parameters
    ----------
    rows, quarantined, flagged : int
        Good rows, refused ones, and cells of good rows that break a rule which only flags.
    reasons : mapping of str to int
        Refused rows by reason code.
    curated : tuple of str
        URIs of the good rows.
    contract : Contract or None
        What the contract is to be from now on.
    personal : mapping of str to str
        Columns that look personal and are not declared, and as what they look.
    refused, why : str or None
        Reason code and reason if the whole file is refused.
    """

    rows: int = 0
    quarantined: int = 0
    flagged: int = 0
    reasons: Mapping[str, int] = field(default_factory=dict)
    curated: tuple[str, ...] = ()
    contract: Contract | None = None
    personal: Mapping[str, str] = field(default_factory=dict)
    refused: str | None = None
    why: str | None = None

    def as_dict(self) -> dict[str, Any]:
        """Return it as JSON has it."""
        named = {name: getattr(self, name) for name in self.__dataclass_fields__}
        return {**named, "contract": self.contract.as_dict() if self.contract else None}

    @classmethod
    def from_dict(cls, document: Mapping[str, Any]) -> LargeFileOutcome:
        """Read what `as_dict` wrote."""
        contract = document["contract"]
        known = {"curated": tuple(document["curated"])}
        return cls(**{**document, **known, "contract": Contract.from_dict(contract) if contract else None})


def execution_name(file: DroppedFile) -> str:
    """Return the name of the execution that takes a file in: the same for the same version, and for no other."""
    identity = json.dumps(file.identity, sort_keys=True)
    return hashlib.sha256(identity.encode()).hexdigest()[:40]


class WorkFolder(JsonFolder):
    """What lies below ``work/<execution>/`` of the data bucket while a large file is cleaned."""

    @classmethod
    def of(cls, client: S3Client, file: DroppedFile) -> WorkFolder:
        """Return the folder of a file."""
        return cls(client, file.bucket, f"{WORK}{execution_name(file)}/")

    def order(self) -> LargeFileOrder:
        """Return the order."""
        return LargeFileOrder.from_dict(self._read(_ORDER))

    def open_order(self, order: LargeFileOrder) -> None:
        """Write the order, unless there is one already: a job may be at work on it."""
        try:
            self._write(_ORDER, order.as_dict(), IfNoneMatch="*")
        except ClientError as error:
            if error.response["Error"]["Code"] not in _TAKEN:
                raise

    def order_again(self, order: LargeFileOrder) -> None:
        """Replace the order, and forget the outcome of the one before."""
        self._client.delete_object(Bucket=self.bucket, Key=f"{self.prefix}{_OUTCOME}")
        self._write(_ORDER, order.as_dict())

    def outcome(self) -> LargeFileOutcome:
        """Return the outcome."""
        return LargeFileOutcome.from_dict(self._read(_OUTCOME))

    def write_outcome(self, outcome: LargeFileOutcome) -> None:
        """Write the outcome."""
        self._write(_OUTCOME, outcome.as_dict())

    def upload(self, path: Path, name: str) -> None:
        """Put a file into the folder."""
        self._client.upload_file(str(path), self.bucket, f"{self.prefix}{name}")

    def download(self, name: str, path: Path) -> None:
        """Get a file out of the folder."""
        self._client.download_file(self.bucket, f"{self.prefix}{name}", str(path))

    def delete(self) -> None:
        """Delete the folder; its older versions expire by the bucket's rule."""
        _delete_below(self._client, self.bucket, self.prefix)


class Leftovers:
    """What a run that failed may have written where rows are looked for."""

    def __init__(self, client: S3Client) -> None:
        self._client = client

    def delete(self, file: DroppedFile) -> None:
        """Delete the curated and the refused rows of a file that is not taken."""
        stem = curated_key(file.source, file.dropped_at[:10]).removesuffix(".parquet")
        _delete_below(self._client, file.bucket, f"{stem}-")
        self._client.delete_object(Bucket=file.bucket, Key=f"{file.quarantine_prefix}rejected.csv")

    def delete_refused(self, file: DroppedFile) -> None:
        """Delete the refused rows of a file that has none any more, now that it was cleaned again."""
        names = (f"{file.quarantine_prefix}{name}" for name in ("rejected.csv", "reason.json"))
        for key in (*names, file.records_key):
            self._client.delete_object(Bucket=file.bucket, Key=key)


def _delete_below(client: S3Client, bucket: str, prefix: str) -> None:
    for page in client.get_paginator("list_objects_v2").paginate(Bucket=bucket, Prefix=prefix):
        if keys := [{"Key": item["Key"]} for item in page.get("Contents", [])]:
            chosen: Any = {"Objects": keys, "Quiet": True}
            client.delete_objects(Bucket=bucket, Delete=chosen)


class LargeFiles:
    """Hands large files over to the state machine that cleans them."""

    def __init__(self, s3: S3Client, states: SFNClient, state_machine_arn: str) -> None:
        self._s3, self._states, self._arn = s3, states, state_machine_arn

    def hand_over(self, order: LargeFileOrder) -> None:
        """Start the state machine, once for each version of a file however often this is called."""
        folder = WorkFolder.of(self._s3, order.file)
        name = execution_name(order.file)
        folder.open_order(order)
        try:
            # A name that was used is refused: Step Functions keeps names for 90 days.
            self._states.start_execution(
                stateMachineArn=self._arn, name=name, input=json.dumps({"folder": folder.uri})
            )
        except self._states.exceptions.ExecutionAlreadyExists:
            return
