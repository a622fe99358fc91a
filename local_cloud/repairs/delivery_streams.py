"""Repair: Firehose buffers what it reads from a Kinesis data stream, and does what its roles allow.

The emulator writes one object per record at once, with everybody's permissions, and appends no delimiter. What it does
with functions, partitions and formats on the way is left to it, record by record.

References
----------
.. [1] Amazon Data Firehose developer guide, "Configure buffering hints", "Amazon S3 object name format".
.. [2] Amazon Data Firehose API reference, "Processor": ``AppendDelimiterToRecord``.
"""

from __future__ import annotations

import json
import logging
import threading
import time
import uuid
from typing import Any

from ministack.core.responses import request_scope
from ministack.services import firehose

from local_cloud.adapters.logs import write_log
from local_cloud.adapters.metrics import put_metrics
from local_cloud.adapters.patching import replace, require
from local_cloud.adapters.role_sessions import RoleError, role_session
from local_cloud.repairs.stream_mappings import newest, stream_of
from local_cloud.settings import ACCOUNT, REGION, Settings
from local_cloud.streams.buffer import Buffer
from local_cloud.streams.shard import Shard, ShardId

_LOOK_EVERY_S = 0.25
_READ_AT_ONCE = 1000
_PAUSE_AFTER_A_FAILURE_S = 5.0
logger = logging.getLogger(__name__)


def install(settings: Settings) -> None:
    """Refuse what AWS refuses, and deliver in the background."""
    require(firehose, "_evaluate_prefix", "template t query_keys lambda_keys error_type")
    require(firehose, "_deliver_records_to_s3", "stream dest records")
    replace(firehose, "_create_delivery_stream", "data", lambda original: _checked(original, settings))
    firehose._HANDLERS["CreateDeliveryStream"] = (
        firehose._create_delivery_stream
    )  # bound when it was imported
    replace(firehose, "ingest_from_kinesis_source", "stream_arn records", lambda _: lambda *_: None)
    threading.Thread(target=_Deliveries(settings).run, name="firehose", daemon=True).start()


def _checked(original: Any, settings: Settings) -> Any:
    def create(data: dict[str, Any]) -> Any:
        if problem := _problem(data) or _role_problem(data, settings):
            return firehose._invalid(problem)
        answer = original(data)
        stream = firehose._streams.get(data.get("DeliveryStreamName", ""))
        source = _source(data)
        if source and stream and answer[0] == 200:  # noqa: PLR2004
            # It begins with what comes after it was made.
            shards = (stream_of(source["KinesisStreamARN"]) or {"shards": {}})["shards"]
            stream["positions"] = {shard_id: newest(shard) for shard_id, shard in shards.items()}
        return answer

    return create


def _source(data: dict[str, Any]) -> dict[str, Any]:
    return data.get("KinesisStreamSourceConfiguration") or {}


def _problem(data: dict[str, Any]) -> str:
    """Say what AWS would not accept; nothing if it would."""
    target = data.get("ExtendedS3DestinationConfiguration") or {}
    if "!{" in target.get("Prefix", "") and not target.get("ErrorOutputPrefix"):
        return "ErrorOutputPrefix cannot be null or empty when Prefix contains expressions."
    if not _source(data):
        return ""
    if data.get("DeliveryStreamEncryptionConfigurationInput"):
        return "Server-side encryption is not supported for delivery streams with a Kinesis stream as source."
    if not stream_of(_source(data)["KinesisStreamARN"]):
        return f"Stream {_source(data)['KinesisStreamARN']} not found."
    return ""


def _role_problem(data: dict[str, Any], settings: Settings) -> str:
    target = data.get("ExtendedS3DestinationConfiguration") or {}
    for role in {_source(data).get("RoleARN", ""), target.get("RoleARN", "")} - {""}:
        try:
            role_session(settings, role, "firehose")
        except RoleError:
            return f"Firehose is unable to assume role {role}. Please check the role provided."
    return ""


class _Deliveries:
    """The buffers of all delivery streams that read from a Kinesis data stream."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self._running: dict[tuple[str, int], _Delivery] = {}

    def run(self) -> None:
        """Look after them for ever."""
        while True:
            time.sleep(_LOOK_EVERY_S)
            with request_scope(ACCOUNT, REGION):
                for name, stream in list(firehose._streams.items()):
                    if stream["type"] == "KinesisStreamAsSource" and stream["destinations"]:
                        self._of(name, stream).step(time.time())

    def _of(self, name: str, stream: dict[str, Any]) -> _Delivery:
        """Return the delivery of a stream as it is now; another one once it has been made anew or changed."""
        key = name, id(stream["destinations"][0])
        if key not in self._running:
            self._running = {known: made for known, made in self._running.items() if known[0] != name}
            self._running[key] = _Delivery(self._settings, stream)
        return self._running[key]


class _Delivery:
    """One delivery stream: reads as the role of its source, writes as the role of its target."""

    def __init__(self, settings: Settings, stream: dict[str, Any]) -> None:
        self._settings, self._stream = settings, stream
        self._target = stream["destinations"][0]["config"]
        hints = self._target.get("BufferingHints") or {}
        self._buffer = Buffer(
            most_bytes=int(hints.get("SizeInMBs", 5)) * 2**20,
            longest_s=float(hints.get("IntervalInSeconds", 300)),
            delimiter=b"\n" if "AppendDelimiterToRecord" in self._processors() else b"",
        )
        self._positions: dict[str, str] = stream.setdefault("positions", {})
        self._shards: dict[str, Shard] = {}
        self._not_before = 0.0

    def step(self, now: float) -> None:
        """Read what is new, and deliver what is due."""
        if now < self._not_before:
            return
        try:
            self._read(now)
            if self._buffer.full(now):
                self._deliver()
        except Exception as error:  # a role may not, or something is gone: Firehose goes on trying, for a day
            self._not_before = now + _PAUSE_AFTER_A_FAILURE_S
            self._log(error)

    def _read(self, now: float) -> None:
        arn = self._stream["kinesis_source"]["KinesisStreamARN"]
        for shard_id, shard in (stream_of(arn) or {"shards": {}})["shards"].items():
            known = self._buffer.positions.get(shard_id) or self._positions.get(shard_id, "")
            if not shard["records"] or newest(shard) <= known:
                continue
            if shard_id not in self._shards:
                self._shards[shard_id] = Shard(self._reader, ShardId(arn, shard_id), known)
            self._buffer.add(shard_id, self._shards[shard_id].read(_READ_AT_ONCE), now)

    def _reader(self) -> Any:
        role = self._stream["kinesis_source"]["RoleARN"]
        return role_session(self._settings, role, "firehose").client("kinesis")

    def _deliver(self) -> None:
        oldest = min(record.arrived_at for record in self._buffer.records)
        if self._is_plain():
            self._buffer.empty(self._put)
        else:
            entries = [(uuid.uuid4().hex, record.data) for record in self._buffer.records]
            firehose._deliver_records_to_s3(self._stream, self._stream["destinations"][0], entries)
            self._buffer.empty(lambda _: None)
        self._positions.update(self._buffer.positions)
        self._measure(time.time() - oldest)

    def _put(self, body: bytes) -> None:
        now, target = time.gmtime(), self._target
        name = f"{self._stream['name']}-{self._stream['version']}-{time.strftime('%Y-%m-%d-%H-%M-%S', now)}-{uuid.uuid4()}"
        key = f"{firehose._evaluate_prefix(target.get('Prefix', ''), now)}{name}{target.get('FileExtension') or ''}"
        encryption = (target.get("EncryptionConfiguration") or {}).get("KMSEncryptionConfig")
        options = (
            {"ServerSideEncryption": "aws:kms", "SSEKMSKeyId": encryption["AWSKMSKeyARN"]}
            if encryption
            else {}
        )
        session = role_session(self._settings, target["RoleARN"], "firehose")
        bucket = target["BucketARN"].rpartition(":")[2]
        session.client("s3").put_object(Bucket=bucket, Key=key, Body=body, **options)

    def _is_plain(self) -> bool:
        special = ("DynamicPartitioningConfiguration", "DataFormatConversionConfiguration")
        return "Lambda" not in self._processors() and not any(
            (self._target.get(name) or {}).get("Enabled") for name in special
        )

    def _processors(self) -> set[str]:
        processing = self._target.get("ProcessingConfiguration") or {}
        if str(processing.get("Enabled")).lower() != "true":
            return set()
        return {processor["Type"] for processor in processing.get("Processors") or ()}

    def _log(self, error: Exception) -> None:
        logger.debug("%s could not deliver: %s", self._stream["name"], error)
        options = self._target.get("CloudWatchLoggingOptions") or {}
        if str(options.get("Enabled")).lower() == "true":
            line = {
                "deliveryStreamARN": self._stream["arn"],
                "destination": self._target["BucketARN"],
                "message": str(error),
                "errorCode": "S3.AccessDenied" if "AccessDenied" in str(error) else type(error).__name__,
            }
            write_log(options["LogGroupName"], options["LogStreamName"], [json.dumps(line)])

    def _measure(self, age_s: float) -> None:
        dimensions = [{"Name": "DeliveryStreamName", "Value": self._stream["name"]}]
        values = (("DeliveryToS3.DataFreshness", age_s, "Seconds"), ("DeliveryToS3.Success", 1.0, "Count"))
        data = [
            {"MetricName": name, "Dimensions": dimensions, "Value": value, "Unit": unit}
            for name, value, unit in values
        ]
        put_metrics(ACCOUNT, REGION, "AWS/Firehose", data)
