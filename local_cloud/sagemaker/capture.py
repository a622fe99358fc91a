"""Data capture of real-time endpoints: requests and answers as JSON lines in S3.

References
----------
.. [1] SageMaker developer guide, "Capture data from real-time endpoint".
"""

from __future__ import annotations

import base64
import json
import random
import threading
import uuid
from collections import defaultdict
from datetime import UTC, datetime
from typing import Any

from local_cloud.sagemaker.fleets import Fleet
from local_cloud.sagemaker.servers import Reply
from local_cloud.sagemaker.surroundings import Surroundings
from local_cloud.sagemaker.transfer import encryption, split_uri

_FLUSH_S = 0.7
_Destination = tuple[str, str, str]


class DataCapture:
    """Samples requests, buffers them, and writes them in the background."""

    def __init__(self, surroundings: Surroundings) -> None:
        self._around = surroundings
        self._lock = threading.Lock()
        self._waiting: dict[_Destination, list[str]] = defaultdict(list)
        self._timer: threading.Timer | None = None

    def offer(
        self, endpoint: str, variant: str, fleet: Fleet, body: bytes, headers: dict[str, str], reply: Reply
    ) -> None:
        """Capture this request if the configuration and the dice say so; never delays the answer."""
        capture = fleet.config.get("DataCaptureConfig") or {}
        if not capture.get("EnableCapture") or random.random() * 100 >= capture["InitialSamplingPercentage"]:
            return
        now = datetime.now(UTC)
        modes = {option["CaptureMode"] for option in capture["CaptureOptions"]}
        data: dict[str, Any] = {}
        if modes & {"Input", "InputAndOutput"}:
            data["endpointInput"] = _part("INPUT", headers.get("content-type", ""), body, capture)
        if modes & {"Output", "InputAndOutput"}:
            data["endpointOutput"] = _part(
                "OUTPUT", reply.headers.get("content-type", ""), reply.body, capture
            )
        meta: dict[str, Any] = {
            "eventId": str(uuid.uuid4()),
            "inferenceTime": now.strftime("%Y-%m-%dT%H:%M:%SZ"),
        }
        if inference_id := headers.get("x-amzn-sagemaker-inference-id"):
            meta["inferenceId"] = inference_id
        if attributes := headers.get("x-amzn-sagemaker-custom-attributes"):
            meta["customAttributes"] = [attributes]
        line = json.dumps({"captureData": data, "eventMetadata": meta, "eventVersion": "0"})
        hour = now.strftime("%Y/%m/%d/%H")
        prefix = f"{capture['DestinationS3Uri'].rstrip('/')}/{endpoint}/{variant}/{hour}"
        self._buffer((prefix, capture.get("KmsKeyId", ""), fleet.role), line)

    def _buffer(self, destination: _Destination, line: str) -> None:
        with self._lock:
            self._waiting[destination].append(line)
            if self._timer is None:
                self._timer = threading.Timer(_FLUSH_S, self.flush)
                self._timer.daemon = True
                self._timer.start()

    def flush(self) -> None:
        """Write what waits."""
        with self._lock:
            waiting, self._waiting, self._timer = self._waiting, defaultdict(list), None
        for (prefix, key, role), lines in waiting.items():
            s3 = self._around.role_session(role).client("s3")
            bucket, folder = split_uri(prefix)
            now = datetime.now(UTC)
            name = f"{folder}/{now:%M-%S}-{now.microsecond // 1000:03d}-{uuid.uuid4()}.jsonl"
            body = "\n".join(lines).encode() + b"\n"
            s3.put_object(Bucket=bucket, Key=name, Body=body, **encryption(key))


def _part(mode: str, content_type: str, body: bytes, capture: dict[str, Any]) -> dict[str, Any]:
    headers = capture.get("CaptureContentTypeHeader") or {}
    kind = content_type.split(";", maxsplit=1)[0].strip()
    if kind in headers.get("CsvContentTypes", ["text/csv"]):
        data, encoding = body.decode(errors="replace"), "CSV"
    elif kind in headers.get("JsonContentTypes", ["application/json"]):
        data, encoding = body.decode(errors="replace"), "JSON"
    else:
        data, encoding = base64.b64encode(body).decode(), "BASE64"
    return {"observedContentType": content_type, "mode": mode, "data": data, "encoding": encoding}
