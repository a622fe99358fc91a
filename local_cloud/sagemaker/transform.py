"""Transform jobs: a model's container is asked about every record of some files, and its answers are stored.

One container works, whatever ``InstanceCount`` says: SageMaker gives each instance files of its own, and a file is never shared.

References
----------
.. [1] SageMaker developer guide, "Custom Inference Code with Batch Transform".
.. [2] SageMaker API reference, "CreateTransformJob".
"""

from __future__ import annotations

import gzip
import json
import threading
from collections import deque
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from typing import Any, BinaryIO, cast

from local_cloud.sagemaker.errors import ApiError, JobError, invalid
from local_cloud.sagemaker.images import ImageStore
from local_cloud.sagemaker.jobs import Jobs, Run, now
from local_cloud.sagemaker.records import Record, Records
from local_cloud.sagemaker.servers import ModelServer, Reply
from local_cloud.sagemaker.surroundings import Surroundings
from local_cloud.sagemaker.transfer import put_file
from local_cloud.sagemaker.transform_input import InputFile, input_files
from local_cloud.sagemaker.transform_paths import check_path
from local_cloud.sagemaker.transform_records import Payload, Processing, assembled, payloads, split

_MOST_MB = 100
_DEFAULTS = {"MaxConcurrentTransforms": 1, "MaxPayloadInMB": 6, "BatchStrategy": "MULTI_RECORD"}
_STRATEGIES = {"SingleRecord": "SINGLE_RECORD", "MultiRecord": "MULTI_RECORD"}
"""How containers are told, and tell, what a request calls its ``BatchStrategy``."""
_RETRIES = 3
_SEE_LOGS = "See job logs for more information"
_JOINED = ("text/csv", "application/json", "application/jsonlines")
_OK, _CLIENT_ERROR = range(200, 300), range(400, 500)


@dataclass(frozen=True)
class Manner:
    """How the container of a job is asked.

    Parameters
    ----------
    at_once : int
        Requests at the same time.
    most_mb : int
        Size of a request; 0 is no limit.
    several : bool
        Whether a request may have several records.
    retries : int
        How often a request that fails, but for what is wrong with it, is sent again.
    """

    at_once: int
    most_mb: int
    several: bool
    retries: int


class TransformJobs(Jobs):
    """Runs transform jobs."""

    noun = "TransformJob"
    log_group = "/aws/sagemaker/TransformJobs"
    event = "SageMaker Transform Job State Change"

    def __init__(
        self,
        records: Records,
        images: ImageStore,
        surroundings: Surroundings,
        deployable: Callable[[str], Record],
        start: Callable[[Record, ImageStore, Surroundings, tuple[str, str]], ModelServer] = ModelServer,
    ) -> None:
        super().__init__(records, images, surroundings)
        self._deployable, self._start_server = deployable, start

    def role_of(self, request: dict[str, Any]) -> str:
        """Return the role of the model, under which the job runs; refuse what AWS refuses, and what is not built here."""
        model = self._deployable(request["ModelName"])
        _check(request)
        return str(model["ExecutionRoleArn"])

    def ended(self, record: Record, status: str) -> None:
        """Note the time."""
        record["TransformEndTime"] = now()

    def run(self, run: Run) -> None:
        """Start the container, and ask it about file after file; what could be answered is stored even if others fail.

        The reason of a failure says whose fault it is, and no more, as on AWS: the data log has the rest.
        """
        s3 = run.session.client("s3")
        files = input_files(s3, run.record["TransformInput"]["DataSource"]["S3DataSource"])
        server = self._start(run)
        try:
            manner = self._manner(run, server)
            failures = []
            for file in files:
                if run.stop.is_set():
                    return
                try:
                    self._transform(run, s3, file, server, manner)
                except JobError as failure:
                    failures.append(failure)
                    self._tell(run, f"{file.bucket}/{file.key}: {failure}")
        finally:
            server.stop()
        if failures:
            raise JobError(f"{str(failures[0]).partition(':')[0]}: {_SEE_LOGS}")

    def _start(self, run: Run) -> ModelServer:
        record, model = run.record, self._deployable(run.record["ModelName"])
        container = {**model["Containers"][0]}
        container["Environment"] = {**container.get("Environment", {}), **_environment(record)}
        log = (self.log_group, record["TransformJobName"])
        try:
            server = self._start_server({**model, "Containers": [container]}, self._images, self._around, log)
        except JobError as failure:
            self._tell(run, str(failure))
            raise JobError(f"AlgorithmError: {_SEE_LOGS}") from None
        run.works = server
        self._records.change(record, TransformStartTime=now())
        return server

    def _manner(self, run: Run, server: ModelServer) -> Manner:
        """Return how the request says the container is asked, or the container itself, or SageMaker by default."""
        record, asked = run.record, server.get("/execution-parameters")
        wished = {**_DEFAULTS, **(_document(asked.body) if asked.status in _OK else {})}
        strategy = _STRATEGIES.get(record.get("BatchStrategy", ""), wished["BatchStrategy"])
        at_once = record.get("MaxConcurrentTransforms") or wished["MaxConcurrentTransforms"]
        most_mb = record.get("MaxPayloadInMB", wished["MaxPayloadInMB"])
        self._tell(
            run,
            f"MaxConcurrentTransforms={at_once}, MaxPayloadInMB={most_mb}, BatchStrategy={strategy}",
        )
        config = record.get("ModelClientConfig", {})
        return Manner(
            int(at_once),
            int(most_mb),
            strategy == "MULTI_RECORD",
            config.get("InvocationsMaxRetries", _RETRIES),
        )

    def _transform(self, run: Run, s3: Any, file: InputFile, server: ModelServer, manner: Manner) -> None:
        """Ask about one file, and store its answers in one piece."""
        record, target = run.record, run.folder / "output"
        output = record["TransformOutput"]
        processing = _processing(record)
        with file.opened(s3, run.folder / "input") as stream, target.open("wb") as stored:
            records = split(_unpacked(stream, record), by_line=processing.by_line)
            requests = payloads(records, processing, most_mb=manner.most_mb, several=manner.several)
            answers = self._answers(run, requests, processing, server, manner)
            stored.writelines(assembled(answers, by_line=output.get("AssembleWith") == "Line"))
        if not run.stop.is_set():
            uri = f"{output['S3OutputPath'].rstrip('/')}/{file.name}.out"
            put_file(s3, target, uri, output.get("KmsKeyId"))

    def _answers(
        self,
        run: Run,
        requests: Iterator[Payload],
        processing: Processing,
        server: ModelServer,
        manner: Manner,
    ) -> Iterator[bytes]:
        """Yield the answers in the order of the requests, of which as many are under way as may be."""
        headers = {"content-type": processing.content_type, "accept": processing.accept}
        headers = {name: value for name, value in headers.items() if value}
        under_way: deque[tuple[Payload, Future[bytes]]] = deque()

        def finished() -> bytes:
            payload, answer = under_way.popleft()
            return processing.answered(payload.records, answer.result())

        with ThreadPoolExecutor(manner.at_once) as pool:
            for payload in requests:
                if run.stop.is_set():
                    return
                if len(under_way) == manner.at_once:
                    yield finished()
                sent = pool.submit(_ask, server, payload.body, headers, manner.retries, run.stop)
                under_way.append((payload, sent))
            while under_way:
                yield finished()

    def _tell(self, run: Run, text: str) -> None:
        """Write to the job's data log, in which SageMaker itself speaks."""
        name = run.record["TransformJobName"]
        self._around.put_log(self.log_group, f"{name}/data-log", [f"[sagemaker logs]: {text}"])


def _check(request: dict[str, Any]) -> None:
    """Refuse what AWS refuses, and what is not built here."""
    most_mb, at_once = request.get("MaxPayloadInMB", 0), request.get("MaxConcurrentTransforms", 0)
    if most_mb > _MOST_MB or most_mb * at_once > _MOST_MB:
        raise invalid("MaxConcurrentTransforms * MaxPayloadInMB cannot exceed 100 MB.")
    split_type = request["TransformInput"].get("SplitType", "None")
    if split_type not in ("None", "Line"):
        raise _unavailable(f"SplitType {split_type}")
    if "DataCaptureConfig" in request:
        raise _unavailable("DataCaptureConfig of transform jobs")
    filters = request.get("DataProcessing", {})
    for field in ("InputFilter", "OutputFilter"):
        check_path(filters.get(field, "$"), field)
    if filters.get("JoinSource") == "Input":
        _check_join(request)


def _check_join(request: dict[str, Any]) -> None:
    given, stored = request["TransformInput"], request["TransformOutput"]
    kinds = given.get("ContentType"), stored.get("Accept")
    if kinds[0] != kinds[1] or kinds[0] not in _JOINED:
        raise invalid(
            "JoinSource Input needs the same ContentType and Accept, which are text/csv, application/json or "
            f"application/jsonlines, not {kinds[0]} and {kinds[1]}."
        )
    if given.get("SplitType", "None") != stored.get("AssembleWith", "None"):
        raise invalid("JoinSource Input needs the same SplitType and AssembleWith.")


def _unavailable(what: str) -> ApiError:
    return ApiError("UnknownOperationException", f"{what} is not available in the local cloud", 501)


def _environment(record: Record) -> dict[str, str]:
    """Return what the container of a transform job is told beside its own variables: what the request says of them."""
    told = {
        "SAGEMAKER_MAX_PAYLOAD_IN_MB": record.get("MaxPayloadInMB"),
        "SAGEMAKER_BATCH_STRATEGY": _STRATEGIES.get(record.get("BatchStrategy", "")),
        "SAGEMAKER_MAX_CONCURRENT_TRANSFORMS": record.get("MaxConcurrentTransforms"),
    }
    known = {name: str(value) for name, value in told.items() if value is not None}
    return {"SAGEMAKER_BATCH": "true", **known, **record.get("Environment", {})}


def _processing(record: Record) -> Processing:
    given, filters = record["TransformInput"], record.get("DataProcessing", {})
    return Processing(
        given.get("ContentType", ""),
        record["TransformOutput"].get("Accept", ""),
        filters.get("InputFilter", "$"),
        filters.get("OutputFilter", "$"),
        filters.get("JoinSource") == "Input",
        given.get("SplitType") == "Line",
    )


def _unpacked(stream: BinaryIO, record: Record) -> BinaryIO:
    packed = record["TransformInput"].get("CompressionType") == "Gzip"
    return cast("BinaryIO", gzip.open(stream)) if packed else stream


def _ask(
    server: ModelServer, body: bytes, headers: dict[str, str], retries: int, stop: threading.Event
) -> bytes:
    """Return the container's answer; a request that is at fault fails at once, any other after some attempts."""
    reply = Reply(0, b"", {})
    for _ in range(retries + 1):
        if stop.is_set():
            break
        try:
            reply = server.invoke(body, headers)
        except OSError as error:
            reply = Reply(0, str(error).encode(), {})
        if reply.status in _OK:
            return reply.body
        if reply.status in _CLIENT_ERROR:
            said = reply.body.decode(errors="replace")
            raise JobError(f"ClientError: {reply.status}. Message: {said}")
    raise JobError(f"AlgorithmError: {reply.status or 'no answer'} after {retries + 1} attempts")


def _document(body: bytes) -> dict[str, Any]:
    try:
        document = json.loads(body)
    except ValueError:
        return {}
    return document if isinstance(document, dict) else {}
