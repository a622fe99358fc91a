"""Captured predictions: one JSON line per request, as SageMaker's DataCapture writes them.

References
----------
.. [1] Amazon SageMaker Developer Guide, "Data capture", format of the captured data.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import json
import re
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from headrace.ml.privacy.redaction import told

_MOST_ROWS = 2**30
_OUTPUT = re.compile(r"\boutput=(labels|probabilities)\b")
_VARIANT = re.compile(r"[A-Za-z0-9](?:[A-Za-z0-9-]{0,62})")


class CaptureError(ValueError):
    """A line is no capture record; the text says what is wrong with it and repeats no value of it."""


@dataclass(frozen=True)
class Payload:
    """Body of a request or of a response.

    Parameters
    ----------
    content_type : str
        Media type without parameters, e.g. ``text/csv``.
    text : str
        The decoded body; of an image its base64.
    output : str
        What of a classification an answer holds, as its media type says: ``both``, ``labels`` or ``probabilities``.
    """

    content_type: str
    text: str
    output: str = "both"


@dataclass(frozen=True)
class Capture:
    """One request to an endpoint and the answer to it.

    Parameters
    ----------
    event_id : str
        Unique per request; two records with one id are the same request delivered twice.
    inference_id : str or None
        The caller's own id, if it sent one.
    time : datetime
        When the endpoint answered, in UTC.
    request, response : Payload
        What was asked and answered.
    first_row : int
        Place of the first row in what the caller sent: an endpoint that logs its requests cuts large ones into several records.
    """

    event_id: str
    inference_id: str | None
    time: datetime
    request: Payload
    response: Payload
    first_row: int = 0


def parse_capture(line: str | bytes) -> Capture:
    r"""Read one line of captured data.

    Parameters
    ----------
    line : str or bytes
        JSON in the format of SageMaker's DataCapture [1]_.

    Returns
    -------
    Capture
        The request, the response and their identity.

    Raises
    ------
    CaptureError
        If the line is cut, is no JSON, or lacks a part.

    Examples
    --------
    >>> body = '"observedContentType": "text/csv", "data": "1,2\\n", "encoding": "CSV"'
    >>> capture = parse_capture(
    ...     '{"captureData": {"endpointInput": {%s}, "endpointOutput": {%s}}, "eventMetadata":'
    ...     ' {"eventId": "e1", "inferenceTime": "2026-01-31T10:00:00Z"}, "eventVersion": "0"}' % (body, body)
    ... )
    >>> capture.request.text, capture.time.hour, capture.inference_id
    ('1,2\n', 10, None)
    """
    try:
        record = json.loads(line)
    except (ValueError, RecursionError) as error:
        raise CaptureError("the line is not JSON") from error
    try:
        data, metadata = record["captureData"], record["eventMetadata"]
        return Capture(
            event_id=str(metadata["eventId"]),
            inference_id=None if (given := metadata.get("inferenceId")) is None else str(given),
            time=_utc(metadata["inferenceTime"]),
            request=_payload(data["endpointInput"]),
            response=_payload(data["endpointOutput"]),
            first_row=_whole(metadata.get("firstRow", 0)),
        )
    except (KeyError, TypeError, AttributeError) as error:
        raise CaptureError(f"the record lacks a part: {told(error)}") from error


def capture_key(endpoint: str, variant: str, time: datetime, event_ids: list[str]) -> str:
    """Return where a batch of records belongs, in DataCapture's layout.

    The same events give the same key, so a batch that is delivered twice is stored once.

    Parameters
    ----------
    endpoint, variant : str
        Names in SageMaker.
    time : datetime
        Time of the first record; its hour in UTC is the partition.
    event_ids : list of str
        Ids of the log events of the batch, in their order.

    Returns
    -------
    str
        ``capture/<endpoint>/<variant>/yyyy/mm/dd/hh/<id>.jsonl``.

    Raises
    ------
    CaptureError
        If `variant` is not a name that SageMaker allows.

    Examples
    --------
    >>> capture_key("headrace-bike", "v3", datetime(2026, 1, 31, 10, 5, tzinfo=UTC), ["37", "38"])
    'capture/headrace-bike/v3/2026/01/31/10/e3a9b2c4cc67ebe8bac32fa22f3f5513.jsonl'
    """
    if not _VARIANT.fullmatch(variant):
        raise CaptureError("the log stream is not named after a variant")
    batch = hashlib.sha256("\n".join(event_ids).encode()).hexdigest()[:32]
    return f"{capture_prefix(endpoint, variant)}{time.astimezone(UTC):%Y/%m/%d/%H}/{batch}.jsonl"


def capture_prefix(endpoint: str, variant: str) -> str:
    """Return the folder of one variant's captured data.

    Examples
    --------
    >>> capture_prefix("headrace-bike", "v3")
    'capture/headrace-bike/v3/'
    """
    return f"capture/{endpoint}/{variant}/"


def _payload(part: dict[str, Any]) -> Payload:
    name, _, parameters = str(part.get("observedContentType") or "text/csv").lower().partition(";")
    content_type, output = name.strip(), _OUTPUT.search(parameters)
    text = part["data"]
    if part.get("encoding") == "BASE64" and not content_type.startswith("image/"):
        try:
            text = base64.b64decode(text, validate=True).decode()
        except (binascii.Error, UnicodeDecodeError) as error:
            raise CaptureError("the body is not text in base64") from error
    if not isinstance(text, str):
        raise CaptureError("the body is not text")
    return Payload(content_type, text.removeprefix("\ufeff"), output[1] if output else "both")


def _whole(number: Any) -> int:
    if not isinstance(number, int) or not 0 <= number < _MOST_ROWS:
        raise CaptureError("the place of the first row is no place")
    return number


def _utc(text: str) -> datetime:
    try:
        time = datetime.fromisoformat(text)
    except ValueError as error:
        raise CaptureError("the time of the inference is not ISO 8601") from error
    return time.replace(tzinfo=UTC) if time.tzinfo is None else time.astimezone(UTC)
