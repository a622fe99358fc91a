"""Append what happens to the audit ledger: lines of the table, changes of model packages, settings that are deployed."""

from __future__ import annotations

import os
from collections.abc import Mapping
from datetime import UTC, datetime
from functools import cache
from typing import Any, Protocol

import boto3

from headrace.aws.audit_ledger import AuditHead, AuditLedger
from headrace.aws.custom_resource import Context, answer
from headrace.aws.logs import function_logger
from headrace.aws.registry import Package, Registry
from headrace.config.bundle import bundled_pipeline
from headrace.ml.audit.chain import Entry, Record
from headrace.ml.privacy.redaction import redact_errors
from lambdas.write_audit.lines import record_of, record_of_package

logger = function_logger()


class Ledger(Protocol):
    """What this function needs of the ledger."""

    def append(self, record: Record) -> Entry | None:
        """Write down what happened; None if it was written down before."""
        ...


class Packages(Protocol):
    """What this function needs of the model registry."""

    def find(self, arn: str) -> Package | None:
        """Describe one package; None if there is none."""
        ...


@cache
def _deps() -> Ledger:
    table = boto3.resource("dynamodb").Table(os.environ["LEDGER_TABLE"])
    head = AuditHead(table, bundled_pipeline().name)
    return AuditLedger(boto3.client("s3"), os.environ["AUDIT_BUCKET"], head)


@cache
def _packages() -> Packages:
    return Registry(boto3.client("sagemaker"))


def write_audit(event: Mapping[str, Any], ledger: Ledger) -> int:
    """Append a line for each change of a batch, in its order, and return how many there are.

    If one cannot be written, the whole batch comes again: those that were written before are known by their ids.
    """
    for change in event["Records"]:
        _append(record_of(change), ledger)
    return len(event["Records"])


def write_package(event: Mapping[str, Any], ledger: Ledger, packages: Packages) -> None:
    """Append that a model package was made, approved, rejected or described further, by whomever and with whatever tool."""
    _append(record_of_package(event, packages.find(event["detail"]["ModelPackageArn"])), ledger)


def write_settings(event: Mapping[str, Any], ledger: Ledger, now: datetime) -> dict[str, str]:
    """Append what a deployment changes of the settings: above all, whether anything may be erased."""
    if event["RequestType"] == "Delete":
        return {}
    new, old = event["ResourceProperties"], event.get("OldResourceProperties") or {}
    about = {"pipeline_sha256": new["PipelineSha256"], "legal_hold": new["LegalHold"]}
    at = now.isoformat(timespec="seconds")
    _append(Record(event["RequestId"], at, _changed(old, new), event["StackId"], about), ledger)
    return {}


def _changed(old: Mapping[str, Any], new: Mapping[str, Any]) -> str:
    """Tell what is new.

    Examples
    --------
    >>> _changed({}, {"LegalHold": ""}), _changed({}, {"LegalHold": "lawsuit"}), _changed({"LegalHold": "a"}, {"LegalHold": "b"})
    ('configured', 'legal_hold_set', 'legal_hold_changed')
    >>> _changed({"LegalHold": "lawsuit"}, {"LegalHold": ""})
    'legal_hold_lifted'
    """
    before, after = old.get("LegalHold", ""), new["LegalHold"]
    if before == after:
        return "configured"
    return "legal_hold_lifted" if not after else "legal_hold_changed" if before else "legal_hold_set"


def _append(record: Record, ledger: Ledger) -> None:
    entry = ledger.append(record)
    if entry is not None:
        # In the log is one more place that the head is kept in.
        logger.info("entry", extra={"number": entry.number, "hash": entry.hash, "event": record.event})


@redact_errors
def handler(event: dict[str, Any], context: Context) -> Any:
    """Lambda entry point: wire the real dependencies, then delegate."""
    if "RequestType" in event:
        return answer(event, context, lambda: write_settings(event, _deps(), datetime.now(UTC)))
    if event.get("source") == "aws.sagemaker":
        return write_package(event, _deps(), _packages())
    return write_audit(event, _deps())
