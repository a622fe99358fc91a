"""Capture records as an endpoint writes them, for tests."""

import base64
import gzip
import json

ENDPOINT = "headrace-bike"


def record(event_id, rows, predictions, *, time="2026-01-31T10:59:58Z", **payload):
    """Return one capture record; `rows` and `predictions` are lists of CSV lines."""
    return json.dumps(
        {
            "captureData": {
                "endpointInput": {
                    "observedContentType": payload.get("content_type", "text/csv"),
                    "mode": "INPUT",
                    "data": payload.get("data", "".join(f"{row}\n" for row in rows)),
                    "encoding": payload.get("encoding", "CSV"),
                },
                "endpointOutput": {
                    "observedContentType": payload.get("answer_type", "text/csv; charset=utf-8"),
                    "mode": "OUTPUT",
                    "data": "".join(f"{value}\n" for value in predictions),
                    "encoding": "CSV",
                },
            },
            "eventMetadata": {
                "eventId": event_id,
                "inferenceTime": time,
                **({"inferenceId": payload["inference_id"]} if "inference_id" in payload else {}),
            },
            "eventVersion": "0",
        }
    )


def log_event(messages, *, stream="v3/i-0abc", message_type="DATA_MESSAGE"):
    """Return what CloudWatch Logs sends to a subscribed function for `messages`."""
    batch = {
        "messageType": message_type,
        "logGroup": f"/aws/sagemaker/Endpoints/{ENDPOINT}",
        "logStream": stream,
        "logEvents": [
            {"id": f"3{n:05}", "timestamp": 0, "message": message} for n, message in enumerate(messages)
        ],
    }
    return {"awslogs": {"data": base64.b64encode(gzip.compress(json.dumps(batch).encode())).decode()}}
