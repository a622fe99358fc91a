"""How many records a second `score_records` gets through, with a trained model behind it and more or less poison among them.

The endpoint is the container's own application, called without a network; everything else is what runs in Lambda. Ends in
one line of JSON.
"""

from __future__ import annotations

import contextlib
import io
import json
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from headrace.aws.model_endpoint import Answers, RowsRefusedError
from headrace.aws.stream_records import StreamRecord
from lambdas.score_records.scoring import Ports, score_batch
from sagemaker_jobs.model_files import load_model
from sagemaker_jobs.serve_model.app import Application
from sagemaker_jobs.serve_model.settings import Settings
from tests.integration.sagemaker_jobs.opt_ml import OptMl, rows

BATCH, BATCHES = 100, 50
_HEADERS = {b"content-type": b"application/json", b"accept": b"application/json"}


class Container:
    """The serving container as an endpoint, which counts what it is asked."""

    def __init__(self, application: Application) -> None:
        self._application, self.requests = application, 0

    def predict(self, rows: Sequence[bytes], inference_id: str) -> Answers:
        """Answer rows, as the endpoint would."""
        self.requests += 1
        reply = self._application.reply(_HEADERS, b'{"instances": [%s]}' % b",".join(rows))
        if reply.status != 200:  # noqa: PLR2004
            raise RowsRefusedError(reply.body.decode())
        return Answers(json.loads(reply.body)["predictions"], "v1")


class Taking:
    """Takes everything."""

    def put(self, entries: Sequence[Any]) -> None:
        """Take entries."""


def main() -> None:
    """Measure batches without poison, with one poison record, and with ten."""
    with tempfile.TemporaryDirectory() as folder:
        job = OptMl(Path(folder), estimator="linear")  # type: ignore[no-untyped-call]
        with contextlib.redirect_stdout(io.StringIO()):
            job.train()  # type: ignore[no-untyped-call]
        container = Container(Application(load_model(job.model), Settings()))
    found = {f"poison_{count}_in_{BATCH}": _measure(container, count) for count in (0, 1, 10)}
    for name, figures in found.items():
        print(name, figures)
    print(json.dumps(found))


def _measure(container: Container, poison: int) -> dict[str, float]:
    features = rows(BATCH)[["temp", "season", "holiday", "at"]]  # type: ignore[no-untyped-call]
    documents = features.to_json(orient="records", lines=True, date_format="iso")
    lines = [line.encode() for line in documents.splitlines()]
    for index in range(poison):
        lines[index * BATCH // poison] = b'{"temp": 1}'
    batch = [StreamRecord(f"{number:056d}", "k", line, 0.0) for number, line in enumerate(lines)]
    ports, container.requests = Ports(container, Taking(), Taking()), 0
    started = time.perf_counter()
    for _ in range(BATCHES):
        outcome = score_batch(batch, ports, id_column=None)
        assert outcome.scored == BATCH - poison
    seconds = time.perf_counter() - started
    return {
        "records_per_second": round(BATCH * BATCHES / seconds),
        "requests_per_batch": container.requests / BATCHES,
    }


if __name__ == "__main__":
    main()
