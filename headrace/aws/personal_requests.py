"""What people may ask of a deployed pipeline about themselves: to be erased, and to be told what is stored."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING, Any

from headrace.aws.artifacts import Artifacts
from headrace.aws.audit_lines import AuditLines
from headrace.aws.deployed_pipeline import DeployedPipeline
from headrace.aws.erasure import Erasure, Search
from headrace.aws.privacy import ErasedPeople, protection_key
from headrace.aws.registry import ERASURE, Registry, property_text
from headrace.aws.taken_files import taken_files
from headrace.ml.privacy.encryption import CellCipher
from headrace.ml.privacy.hashing import hashed_value
from headrace.ml.privacy.person import Person
from headrace.ml.privacy.protection import same_as_in_cells

if TYPE_CHECKING:
    from mypy_boto3_dynamodb.service_resource import Table


class NoSubjectError(Exception):
    """The pipeline does not say who its rows are about; the text says what to do."""


class NothingEncryptedError(Exception):
    """There is nothing to decrypt; the text says why."""


class HeldError(Exception):
    """Nothing may be deleted now; the text says why."""


class NotErasedError(Exception):
    """Somebody is to be let in again who was never kept out; the text says where."""


@dataclass(frozen=True)
class PersonalRequests:
    """Requests of people to a running pipeline.

    Parameters
    ----------
    pipeline : DeployedPipeline
        Which, and with whose permissions.
    """

    pipeline: DeployedPipeline

    def person(self, subject: str) -> Person:
        """Return whom the pipeline's files call `subject`.

        Raises
        ------
        NoSubjectError
            If the pipeline file names no column for that.
        """
        return Person.of(subject, self._declared(), self._key())

    def search(self) -> Search:
        """Return what finds people in the pipeline's buckets."""
        outputs = self.pipeline.outputs
        client = self.pipeline.session.client("s3")
        return Search(client, (outputs["DataBucketName"], outputs["ArtifactsBucketName"]))

    def cipher(self) -> tuple[CellCipher, list[str]]:
        """Return what reads encrypted cells, with the caller's right to the key, and the columns that have them.

        Raises
        ------
        NothingEncryptedError
            If the pipeline encrypts nothing.
        """
        arn = self.pipeline.outputs.get("EncryptionKeyArn")
        if arn is None:
            raise NothingEncryptedError(f"the pipeline {self.pipeline.name} encrypts no column, as deployed")
        key = protection_key(arn, self.pipeline.session.client("secretsmanager"))
        columns = json.loads(self.pipeline.outputs["EncryptedColumns"])
        return CellCipher(key, self.pipeline.name), columns

    def everything_of(self, person: Person) -> tuple[Search, Person]:
        """Return the search, and the person with the ids of their rows."""
        search = self.search()
        return search, search.completed(person, self._key())

    def erasure(self, subject: str) -> Erasure:
        """Return the erasure of a person.

        Raises
        ------
        HeldError
            Under a legal hold, and while a training reads what would be rewritten.
        """
        if hold := self._declared().get("legal_hold"):
            raise HeldError(f"nothing may be erased: privacy.legal_hold says {hold!r}")
        self._refuse_while_training()
        bucket, client = self.pipeline.outputs["ArtifactsBucketName"], self.pipeline.session.client("s3")
        return Erasure(
            self.person(subject),
            self._hash(subject),
            self._key(),
            self.search(),
            self._people(),
            Artifacts(client, bucket),
            bucket,
            lambda: taken_files(self._ledger()),
            self._refuse_while_training,
            self._mark_models,
            self._train,
        )

    def admit(self, subject: str, now: datetime) -> None:
        """Let rows of a person who was erased come in again.

        Raises
        ------
        NotErasedError
            If that person was not erased.
        """
        self.person(subject)
        if not self._people().remove(self._hash(subject)):
            raise NotErasedError(f"nobody of that name was erased from {self.pipeline.name}")
        self.note("admitted", subject, {}, now)

    def note(self, event: str, subject: str | None, about: Mapping[str, Any], now: datetime) -> None:
        """Say in the audit what is done, where the pipeline has one; a person is named by the keyed hash alone."""
        lines = AuditLines(self.pipeline)
        if lines.wanted:
            person = {} if subject is None else {"person": self._hash(subject)}
            lines.add(event, {**person, **about}, now)

    def _hash(self, subject: str) -> str:
        return hashed_value(str(same_as_in_cells(subject)), self._key())

    def _declared(self) -> dict[str, Any]:
        if "Privacy" not in self.pipeline.outputs:
            raise NoSubjectError(
                "nothing says whom a row is about: name the column in privacy.subject of the pipeline file, and deploy it"
            )
        declared: dict[str, Any] = json.loads(self.pipeline.outputs["Privacy"])
        return declared

    def _key(self) -> bytes:
        return protection_key(
            self.pipeline.outputs["PrivacyKeyArn"], self.pipeline.session.client("secretsmanager")
        )

    def _ledger(self) -> Table:
        return self.pipeline.session.resource("dynamodb").Table(self.pipeline.outputs["LedgerTableName"])

    def _people(self) -> ErasedPeople:
        return ErasedPeople(self._ledger())

    def _refuse_while_training(self) -> None:
        """Refuse to go on: a training reads what would be rewritten, and its model is registered when nobody marks it any more."""
        running = self.pipeline.session.client("stepfunctions").list_executions(
            stateMachineArn=self.pipeline.outputs["TrainStateMachineArn"],
            statusFilter="RUNNING",
            maxResults=1,
        )
        if running["executions"]:
            raise HeldError(
                "a training is running, and reads what would be rewritten: wait for its end, and give the command again"
            )

    def _mark_models(self, snapshots: list[str], at: str) -> list[int]:
        """Mark the versions that have learnt from one of `snapshots`, by the first digits of their content's hash."""
        client = self.pipeline.session.client("sagemaker")
        group, marked = self.pipeline.outputs["ModelPackageGroupName"], []
        for page in client.get_paginator("list_model_packages").paginate(ModelPackageGroupName=group):
            for item in page["ModelPackageSummaryList"]:
                package = Registry(client).package(item["ModelPackageArn"])
                learnt = package.metadata.get("content_hash", "")
                if not learnt or not learnt.startswith(tuple(snapshots)):
                    continue
                said = {ERASURE: property_text(f"somebody was erased from what it has learnt from, {at}")}
                if ERASURE not in package.metadata:
                    client.update_model_package(
                        ModelPackageArn=package.arn, CustomerMetadataProperties={**package.metadata, **said}
                    )
                marked.append(package.version)
        return sorted(marked)

    def _train(self, name: str) -> str:
        """Ask for a training, once however often this is called for one name."""
        client = self.pipeline.session.client("stepfunctions")
        machine = self.pipeline.outputs["TrainStateMachineArn"]
        try:
            return client.start_execution(
                stateMachineArn=machine, name=name, input=json.dumps({"reason": "erasure", "detail": {}})
            )["executionArn"]
        except client.exceptions.ExecutionAlreadyExists:
            return f"{machine.replace(':stateMachine:', ':execution:')}:{name}"
