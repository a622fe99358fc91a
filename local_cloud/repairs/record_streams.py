"""Repair: Kinesis data streams are encrypted as their templates say, and only for those who may use the key.

References
----------
.. [1] Kinesis Data Streams developer guide, "Permissions to use user-generated KMS keys": producers need
   ``kms:GenerateDataKey``, consumers ``kms:Decrypt``.
.. [2] Service authorization reference, "Actions, resources, and condition keys for Amazon Kinesis Data Streams": reading is
   authorised on the stream, which an iterator belongs to.
"""

from __future__ import annotations

import json
from typing import Any

from ministack.core import iam_actions
from ministack.core.iam_evaluator import enforce
from ministack.core.responses import error_response_json
from ministack.core.router import extract_access_key_id
from ministack.services import kinesis
from ministack.services.cloudformation import provisioners

from local_cloud.adapters.patching import replace, require
from local_cloud.settings import REGION, Settings

_TYPE = "AWS::Kinesis::Stream"
_NEEDED = {
    "PutRecord": "kms:GenerateDataKey",
    "PutRecords": "kms:GenerateDataKey",
    "GetRecords": "kms:Decrypt",
}
_REQUEST = "service method path headers body query_params region account_id"


def install(settings: Settings) -> None:
    """Encrypt what CloudFormation makes, name the stream of an iterator, and look at the key before records pass."""
    require(provisioners, "_kinesis_stream_create", "logical_id props stack_name")
    require(provisioners, "_kinesis_stream_update", "physical_id old_props new_props stack_name")
    handlers = provisioners._RESOURCE_HANDLERS[_TYPE]
    handlers["create"] = _encrypting(handlers["create"])
    handlers["update"] = _encrypting(handlers["update"])
    replace(iam_actions, "extract_resource_arn", _REQUEST, _with_iterators)
    replace(kinesis, "handle_request", "method path headers body query_params", _with_the_key)


def _encrypting(original: Any) -> Any:
    def make(*arguments: Any) -> Any:
        made = original(*arguments)
        properties = arguments[-2]
        encryption = properties.get("StreamEncryption") or {}
        stream = kinesis._streams[made[0]]
        stream["EncryptionType"] = encryption.get("EncryptionType", "NONE")
        stream["KeyId"] = encryption.get("KeyId")
        return made

    return make


def _with_iterators(original: Any) -> Any:
    def resource_arn(service: str, *request: Any) -> str:
        found: str = original(service, *request)
        if service != "kinesis" or found != "*":
            return found
        return str(_iterator(request[3]).get("stream_arn", "*"))

    return resource_arn


def _iterator(body: bytes) -> dict[str, Any]:
    try:
        token = json.loads(body or b"{}").get("ShardIterator")
    except ValueError:
        return {}
    return kinesis._shard_iterators.get(token) or {}


def _with_the_key(original: Any) -> Any:
    async def handle(
        method: str, path: str, headers: dict[str, str], body: bytes, query_params: dict[str, Any]
    ) -> Any:
        operation = headers.get("x-amz-target", "").rpartition(".")[2]
        if (action := _NEEDED.get(operation)) and (key := _key_of(body)):
            caller = extract_access_key_id(headers, query_params)
            if enforce(caller, action, "kms", REGION, resource_arn=key):
                text = f"User is not authorized to perform: {action} on resource: {key}"
                return error_response_json("KMSAccessDeniedException", text, 400)
        return await original(method, path, headers, body, query_params)

    return handle


def _key_of(body: bytes) -> str:
    """Return the ARN of the key of the stream that a request is about; nothing if it has none of its own."""
    try:
        request = json.loads(body or b"{}")
    except ValueError:
        return ""
    arn = request.get("StreamARN") or _iterator(body).get("stream_arn")
    stream = kinesis._resolve_stream_by_arn(arn) if arn else kinesis._streams.get(request.get("StreamName"))
    key = str((stream or {}).get("KeyId") or "")
    return key if key.startswith("arn:") else ""
