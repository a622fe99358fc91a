"""Labels of one call: judged record by record, and stored before the caller gets an answer."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Protocol

from headrace.config.feedback import Feedback
from headrace.config.label_rules import label_rules
from headrace.config.pipeline import Pipeline
from headrace.ml.contract import Contract
from headrace.ml.feedback_labels import read_labels
from headrace.ml.files.refusal import FileRefusedError
from headrace.ml.files.small import read_bytes

MOST_RECORDS = 10_000
"""Of one call; files may have more."""

API_LABELS = "feedback/api/"


class CallRefusedError(Exception):
    """A call cannot be used; the text says why, and repeats nothing of it."""


class Contracts(Protocol):
    """What is needed of the contract's store."""

    def load(self) -> Contract | None:
        """Return the contract, if there is one."""
        ...


class Labels(Protocol):
    """Where labels are dropped."""

    def put(self, key: str, body: bytes) -> None:
        """Drop a file."""
        ...


@dataclass(frozen=True)
class Ports:
    """Everything outside that a call touches."""

    contracts: Contracts
    labels: Labels


def take_call(
    document: Any, pipeline: Pipeline, feedback: Feedback, ports: Ports, now: datetime
) -> dict[str, Any]:
    """Store the labels of a call as a file of labels, and say of each record what will become of it.

    Refused records are stored too, and end in quarantine as those of a file do. The same records within an hour are the same
    file, so a caller may repeat a call that was not answered.

    Parameters
    ----------
    document : Any
        ``{"labels": [record, …]}``; a record has the fields that a file of labels has as columns.

    Returns
    -------
    dict
        ``accepted`` and ``refused`` count; ``records`` says of each in order ``accepted``, or ``refused`` with the field, the
        reason's code and its text; ``stored_as`` names the file.

    Raises
    ------
    CallRefusedError
        If it is none of that, empty or too large.
    """
    records = _records(document)
    body = b"".join(json.dumps(record, ensure_ascii=False).encode() + b"\n" for record in records)
    rules = label_rules(pipeline, feedback, ports.contracts.load())
    try:
        _, rejections = read_labels(read_bytes(body), rules, received_at=now, source="")
    except FileRefusedError as refusal:
        raise CallRefusedError(refusal.why) from None
    key = f"{API_LABELS}{now:%Y/%m/%d/%H}/{hashlib.sha256(body).hexdigest()[:32]}.jsonl"
    ports.labels.put(key, body)
    verdicts: list[Mapping[str, Any]] = [{"status": "accepted"}] * len(records)
    for each in rejections:
        verdicts[each.row - 1] = {
            "status": "refused",
            "field": each.column,
            "reason": str(each.reason),
            "text": each.reason.text,
        }
    refused = len(rejections)
    return {
        "accepted": len(records) - refused,
        "refused": refused,
        "stored_as": key,
        "records": verdicts,
    }


def _records(document: Any) -> Sequence[Any]:
    records = document.get("labels") if isinstance(document, dict) else None
    if not isinstance(records, list) or not records:
        raise CallRefusedError(
            'send {"labels": [{"inference_id": …, "label": …}, …]}, with one record at least'
        )
    if len(records) > MOST_RECORDS:
        raise CallRefusedError(
            f"a call takes {MOST_RECORDS} records: send several, or drop a file under feedback/"
        )
    if not all(isinstance(record, dict) for record in records):
        raise CallRefusedError("every record is an object with the fields of a label")
    return records
