"""Repair: functions read Kinesis data streams as they do on AWS.

The emulator knows no partial batch responses, cuts no batch, retries for ever, reports to no destination, and reads
without the role's permissions. Here every shard has a lane of its own, which reads as the function's role.

References
----------
.. [1] AWS Lambda developer guide, "Using Lambda to process records from Amazon Kinesis Data Streams".
.. [2] AWS Lambda developer guide, "Retain discarded batch records for a Kinesis Data Streams event source in Lambda".
"""

from __future__ import annotations

import base64
import logging
import threading
import time
import uuid
from collections.abc import Sequence
from typing import Any

from ministack.core.iam_evaluator import enforce
from ministack.core.lambda_runtime import execution_credentials
from ministack.core.responses import error_response_json, request_scope
from ministack.services import kinesis, lambda_svc
from ministack.services.cloudformation import provisioners

from local_cloud.adapters.metrics import put_metrics
from local_cloud.adapters.patching import replace
from local_cloud.repairs.async_invocations import deliver
from local_cloud.sagemaker.surroundings import RoleSession
from local_cloud.settings import ACCOUNT, REGION, Settings
from local_cloud.streams.batches import Batch, Options, Result
from local_cloud.streams.lane import Lane
from local_cloud.streams.shard import Record, Shard, ShardId, iso

_READING = {
    "kinesis": ("GetRecords", "GetShardIterator", "DescribeStream", "ListShards"),
    "dynamodb": ("GetRecords", "GetShardIterator", "DescribeStream", "ListStreams"),
}
_WITHOUT_RESOURCE = ("ListStreams",)
_TYPE = "AWS::Lambda::EventSourceMapping"
logger = logging.getLogger(__name__)


def install(settings: Settings) -> None:
    """Take the place of the emulator's poller, and look at the role before a mapping is made."""
    lanes = _Lanes(settings)
    replace(lambda_svc, "_poll_kinesis", "", lambda _: lanes.keep_up)
    replace(lambda_svc, "_init_stream_position", "esm_id source_arn starting", _anchored)
    replace(lambda_svc, "_create_esm", "data", _refusing)
    create = provisioners._RESOURCE_HANDLERS[_TYPE]["create"]

    def create_if_allowed(logical_id: str, properties: dict[str, Any], stack: str) -> Any:
        if problem := _problem(properties):
            raise ValueError(problem)
        return create(logical_id, properties, stack)

    provisioners._RESOURCE_HANDLERS[_TYPE]["create"] = create_if_allowed


def _refusing(original: Any) -> Any:
    def create(data: dict[str, Any]) -> Any:
        problem = _problem(data)
        return (
            error_response_json("InvalidParameterValueException", problem, 400) if problem else original(data)
        )

    return create


def _problem(mapping: dict[str, Any]) -> str:
    """Say why a function may not read the stream that it is to be mapped to; nothing if it may, or reads no stream."""
    stream = str(mapping.get("EventSourceArn", ""))
    name, _ = lambda_svc._resolve_name_and_qualifier(mapping.get("FunctionName", ""))
    function = lambda_svc._functions.get(name)
    service = next((name for name in _READING if stream.split(":")[2:3] == [name]), None)
    if service is None or not function:
        return ""
    if not mapping.get("StartingPosition"):
        return "1 validation error detected: Value null at 'startingPosition' failed to satisfy constraint: Member must not be null."
    key = execution_credentials(function["config"])["AWS_ACCESS_KEY_ID"]
    asked = {action: "*" if action in _WITHOUT_RESOURCE else stream for action in _READING[service]}
    if any(
        enforce(key, f"{service}:{action}", service, REGION, resource_arn=arn)
        for action, arn in asked.items()
    ):
        return (
            f"Cannot access stream {stream}. Please ensure the role can perform the GetRecords, GetShardIterator, "
            "DescribeStream, and ListStreams Actions on your stream in IAM."
        )
    return ""


def _anchored(original: Any) -> Any:
    """Remember where a mapping begins when it is made, not when its stream is first looked at."""

    def anchor(esm_id: str, source_arn: str, starting: str) -> None:
        original(esm_id, source_arn, starting)
        if ":kinesis:" in source_arn and (stream := stream_of(source_arn)):
            lambda_svc._kinesis_positions[esm_id] = {
                shard_id: "" if starting == "TRIM_HORIZON" else newest(shard)
                for shard_id, shard in stream["shards"].items()
            }

    return anchor


def newest(shard: dict[str, Any]) -> str:
    """Return the sequence number of a shard's last record, or that of its beginning."""
    records = shard["records"]
    return str(records[-1]["SequenceNumber"] if records else shard["starting_sequence_number"])


def stream_of(arn: str) -> dict[str, Any] | None:
    """Return the emulator's record of a stream, or None."""
    found: dict[str, Any] | None = kinesis._streams.get_scoped(ACCOUNT, REGION, arn.rpartition("/")[2])
    return found


class _Lanes:
    """A lane for each shard of each mapping that is enabled."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self._running: dict[tuple[str, str], Lane] = {}

    def keep_up(self) -> bool:
        """Start what is missing and stop what is gone; called again and again by the emulator's poller."""
        wanted = dict(self._wanted())
        for key in [key for key in self._running if key not in wanted]:
            self._running.pop(key).stop()
        for key, shard in wanted.items():
            if key not in self._running:
                self._running[key] = self._start(key[0], shard)
        return False

    def _wanted(self) -> Any:
        for _, _, mapping in lambda_svc._iter_all_esms():
            arn = mapping.get("EventSourceArn", "")
            enabled = str(mapping.get("Enabled", True)).lower() == "true"
            if ":kinesis:" in arn and enabled and (stream := stream_of(arn)):
                for shard_id in stream["shards"]:
                    yield (mapping["UUID"], shard_id), ShardId(arn, shard_id)

    def _start(self, esm_id: str, shard: ShardId) -> Lane:
        mapping = _Mapping(self._settings, esm_id, shard)
        lane = Lane(_Attentive(mapping), mapping)
        threading.Thread(target=lane.run, name=f"stream-{shard.shard_id}", daemon=True).start()
        return lane


class _Attentive:
    """Asks for records only if there are any, and says on the mapping why it may not."""

    def __init__(self, mapping: _Mapping) -> None:
        self._mapping = mapping
        self._shard = Shard(lambda: mapping.session().client("kinesis"), mapping.shard, mapping.position())

    def read(self, limit: int) -> list[Record]:
        if not self._mapping.has_news():
            return []
        try:
            return self._shard.read(limit)
        except Exception as error:  # the role, the stream or the server is gone: Lambda goes on trying
            self._mapping.note(f"PROBLEM: {error}")
            time.sleep(1)
            return []


class _Mapping:
    """One event source mapping, as one shard's lane sees it."""

    def __init__(self, settings: Settings, esm_id: str, shard: ShardId) -> None:
        self._settings, self._esm_id, self.shard = settings, esm_id, shard

    def options(self) -> Options:
        return Options.of(self._record())

    def session(self) -> RoleSession:
        with request_scope(ACCOUNT, REGION):
            credentials = execution_credentials(self._function()["config"])
        return RoleSession(credentials, self._settings.endpoint, REGION)

    def position(self) -> str:
        with request_scope(ACCOUNT, REGION):
            return str(
                lambda_svc._kinesis_positions.setdefault(self._esm_id, {}).get(self.shard.shard_id, "")
            )

    def has_news(self) -> bool:
        stream = stream_of(self.shard.stream_arn)
        shard = (stream or {"shards": {}})["shards"].get(self.shard.shard_id)
        return bool(shard and shard["records"] and newest(shard) > self.position())

    def call(self, records: Sequence[Record]) -> Result:
        with request_scope(ACCOUNT, REGION):
            try:
                function, mapping = self._function(), self._record()
            except LookupError:
                return Result(failed=True)
            events = [self._event(record, function["config"]["Role"]) for record in records]
            events = lambda_svc._apply_filter_criteria(events, mapping)
            if not events:
                return Result(failed=False)
            result = lambda_svc._execute_function(function, {"Records": events})
            self._measure(function["config"]["FunctionName"], records[-1])
        failed = bool(result.get("error"))
        self.note("PROBLEM: Function call failed" if failed else "OK")
        return Result(failed, result.get("body"))

    def discard(self, batch: Batch, condition: str) -> None:
        target = ((self._record().get("DestinationConfig") or {}).get("OnFailure") or {}).get("Destination")
        if not target:
            return
        config = self._function()["config"]
        first, last = batch.records[0], batch.records[-1]
        report = {
            "requestContext": {
                "requestId": str(uuid.uuid4()),
                "functionArn": config["FunctionArn"],
                "condition": condition,
                "approximateInvokeCount": batch.retries,
            },
            "responseContext": {
                "statusCode": 200,
                "executedVersion": config.get("Version", "$LATEST"),
                "functionError": "Unhandled",
            },
            "version": "1.0",
            "timestamp": iso(time.time()),
            "KinesisBatchInfo": {
                "shardId": self.shard.shard_id,
                "startSequenceNumber": first.sequence_number,
                "endSequenceNumber": last.sequence_number,
                "approximateArrivalOfFirstRecord": iso(first.arrived_at),
                "approximateArrivalOfLastRecord": iso(last.arrived_at),
                "batchSize": len(batch.records),
                "streamArn": self.shard.stream_arn,
            },
        }
        try:
            deliver(self.session(), target, report, {})
        except Exception as error:  # the role may not send, or the target is gone: AWS drops the report, too
            logger.warning("a batch that was given up cannot be reported: %s", error)

    def advance(self, sequence_number: str) -> None:
        with request_scope(ACCOUNT, REGION):
            lambda_svc._kinesis_positions.setdefault(self._esm_id, {})[self.shard.shard_id] = sequence_number

    def note(self, result: str) -> None:
        self._record()["LastProcessingResult"] = result

    def _record(self) -> dict[str, Any]:
        with request_scope(ACCOUNT, REGION):
            found: dict[str, Any] = lambda_svc._esms.get(self._esm_id) or {}
            return found

    def _function(self) -> dict[str, Any]:
        mapping = self._record()
        with request_scope(ACCOUNT, REGION):
            found, _ = lambda_svc._get_func_record_for_qualifier(
                mapping.get("FunctionName"), mapping.get("Qualifier")
            )
        if found is None:
            raise LookupError("the function is gone")
        function: dict[str, Any] = found
        return function

    def _event(self, record: Record, role: str) -> dict[str, Any]:
        return {
            "kinesis": {
                "kinesisSchemaVersion": "1.0",
                "partitionKey": record.partition_key,
                "sequenceNumber": record.sequence_number,
                "data": base64.b64encode(record.data).decode(),
                "approximateArrivalTimestamp": record.arrived_at,
            },
            "eventSource": "aws:kinesis",
            "eventVersion": "1.0",
            "eventID": f"{self.shard.shard_id}:{record.sequence_number}",
            "eventName": "aws:kinesis:record",
            "invokeIdentityArn": role,
            "awsRegion": REGION,
            "eventSourceARN": self.shard.stream_arn,
        }

    def _measure(self, function: str, last: Record) -> None:
        """Emit how old the last record of the batch is by now."""
        metric = {
            "MetricName": "IteratorAge",
            "Dimensions": [{"Name": "FunctionName", "Value": function}],
            "Value": max(0.0, 1000 * (time.time() - last.arrived_at)),
            "Unit": "Milliseconds",
        }
        put_metrics(ACCOUNT, REGION, "AWS/Lambda", [metric])
