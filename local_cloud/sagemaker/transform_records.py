"""What a transform job does to records: splits, filters, batches, joins and assembles them.

References
----------
.. [1] SageMaker API reference, CreateTransformJob, TransformInput, TransformOutput, DataProcessing.
.. [2] SageMaker developer guide, "Associate Prediction Results with Input Records".
"""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Any, BinaryIO

from local_cloud.sagemaker.errors import JobError
from local_cloud.sagemaker.transform_paths import select

MB = 2**20
_WHOLE = "$"


@dataclass(frozen=True)
class Payload:
    """What is sent with one request.

    Parameters
    ----------
    records : list of bytes
        As they were read; all of a file that is not split is one record.
    body : bytes
        What the container is sent.
    """

    records: list[bytes]
    body: bytes


@dataclass(frozen=True)
class Processing:
    """How records are filtered and joined.

    Parameters
    ----------
    content_type, accept : str
        What records and answers are.
    input_filter, output_filter : str
        JSONPath expressions; ``$`` is everything.
    joins : bool
        Whether answers are put beside what was asked.
    by_line : bool
        Whether a record is a line.
    """

    content_type: str
    accept: str
    input_filter: str = _WHOLE
    output_filter: str = _WHOLE
    joins: bool = False
    by_line: bool = False

    def asked(self, record: bytes) -> bytes:
        """Return what of a record is sent.

        Examples
        --------
        >>> Processing("application/jsonlines", "", "$.x").asked(b'{"id": 1, "x": {"a": 2}}')
        b'{"a": 2}'
        >>> Processing("text/csv", "", "$[1:]").asked(b'7,"a,b",2')
        b'"a,b",2'
        """
        if self.input_filter == _WHOLE:
            return record
        return _written(select(self.input_filter, _read(record, self.content_type)), self.content_type)

    def answered(self, records: list[bytes], answer: bytes) -> bytes:
        r"""Return what is stored for the answer to some records.

        Raises
        ------
        JobError
            If answers are to be joined and there is not one for each record.

        Examples
        --------
        >>> processing = Processing("application/jsonlines", "application/jsonlines", joins=True, by_line=True)
        >>> processing.answered([b'{"id": 1}'], b'{"score": 0.5}\n')
        b'{"id": 1, "SageMakerOutput": {"score": 0.5}}'
        >>> Processing("text/csv", "text/csv", joins=True, by_line=True).answered([b"1,2", b"3,4"], b"yes,0.5\nno,0.6\n")
        b'1,2,yes,0.5\n3,4,no,0.6'
        """
        if not self.joins and self.output_filter == _WHOLE:
            return answer
        answers = _lines(answer) if self.by_line else [answer]
        if self.joins and len(answers) != len(records):
            raise JobError(
                f"ClientError: {len(answers)} predictions for {len(records)} records cannot be joined"
            )
        joined = (
            (self._joined(record, each) for record, each in zip(records, answers, strict=True))
            if self.joins
            else (_read(each, self.accept) for each in answers)
        )
        return b"\n".join(_written(select(self.output_filter, each), self.accept) for each in joined)

    def _joined(self, record: bytes, answer: bytes) -> Any:
        asked, said = _read(record, self.content_type), _read(answer, self.accept)
        if _kind(self.content_type) == "text/csv":
            return [*asked, *said]
        if isinstance(asked, dict):
            return {**asked, "SageMakerOutput": said}
        return {"SageMakerInput": asked, "SageMakerOutput": said}


def split(stream: BinaryIO, *, by_line: bool) -> Iterator[bytes]:
    r"""Yield the records of a file: its lines without their ends, or all of it.

    Examples
    --------
    >>> list(split(io.BytesIO(b"1,2\r\n\n3,4"), by_line=True)), list(split(io.BytesIO(b"1,2\n3"), by_line=False))
    ([b'1,2', b'3,4'], [b'1,2\n3'])
    """
    if not by_line:
        yield stream.read()
        return
    for line in stream:
        if record := line.rstrip(b"\r\n"):
            yield record


def payloads(
    records: Iterable[bytes], processing: Processing, *, most_mb: int, several: bool
) -> Iterator[Payload]:
    r"""Pack records into requests: one each, or as many as fit.

    Parameters
    ----------
    records : iterable of bytes
        Of one file.
    processing : Processing
        What of them is sent.
    most_mb : int
        Size of a request; 0 is no limit.
    several : bool
        Whether a request may have several records.

    Raises
    ------
    JobError
        If a single record is larger than a request may be.

    Examples
    --------
    >>> [each.body for each in payloads([b"1", b"2"], Processing("text/csv", ""), most_mb=6, several=True)]
    [b'1\n2']
    """
    most = most_mb * MB
    waiting: list[bytes] = []
    bodies: list[bytes] = []
    size = 0
    for record in records:
        body = processing.asked(record)
        if most and len(body) > most:
            raise JobError("ClientError: a record is larger than MaxPayloadInMB")
        if waiting and (not several or (most and size + len(body) + 1 > most)):
            yield Payload(waiting, b"\n".join(bodies))
            waiting, bodies, size = [], [], 0
        waiting.append(record)
        bodies.append(body)
        size += len(body) + 1
    if waiting:
        yield Payload(waiting, b"\n".join(bodies))


def assembled(parts: Iterable[bytes], *, by_line: bool) -> Iterator[bytes]:
    r"""Yield what is stored of answers that follow each other.

    Examples
    --------
    >>> b"".join(assembled([b"1\n2\n", b"3"], by_line=True)), b"".join(assembled([b"1", b"2"], by_line=False))
    (b'1\n2\n3\n', b'12')
    """
    for part in parts:
        yield part.removesuffix(b"\n") + b"\n" if by_line else part


def _kind(content_type: str) -> str:
    return content_type.partition(";")[0].strip().lower()


def _lines(answer: bytes) -> list[bytes]:
    return [line for line in answer.replace(b"\r\n", b"\n").split(b"\n") if line]


def _read(data: bytes, content_type: str) -> Any:
    try:
        if _kind(content_type) == "text/csv":
            return next(csv.reader(io.StringIO(data.decode(), newline="")), [])
        return json.loads(data)
    except (ValueError, csv.Error, RecursionError):
        raise JobError(f"ClientError: a record or a prediction is not {content_type}") from None


def _written(value: Any, content_type: str) -> bytes:
    if _kind(content_type) != "text/csv":
        return json.dumps(value, ensure_ascii=False).encode()
    text = io.StringIO()
    csv.writer(text, lineterminator="").writerow(value if isinstance(value, list) else [value])
    return text.getvalue().encode()
