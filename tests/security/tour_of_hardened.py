"""Drives a pipeline with all that hardens, and an asynchronous endpoint that goes to sleep, for a recording.

``python -m tests.security.tour_of_hardened`` runs it on a local cloud of its own; it takes some minutes.
"""

import io
import json
import sys
import tarfile

from tests.security.tour_of_everything import rows
from tests.security.touring import Tour, csv_of, run

PIPELINE = {
    "name": "hardened",
    "problem": "regression",
    "target": "rides",
    "id": "ride_id",
    "time": "at",
    "training": {"min_rows": 200, "estimator": "linear"},
    "evaluation": {"learning_curve": False},
    "retraining": {"on": ["drift", "quality"]},
    "endpoint": {
        "kind": "asynchronous",
        "instances": 2,
        "scaling": {"min": 0, "max": 2, "by": "backlog", "target": 4},
        "asynchronous": {"notify": True},
    },
    "notify": "ops@example.org",
    "network": "private",
    "compliance": "strict",
    "on_destroy": "retain",
    "audit": {"ledger": True, "cloudtrail": True},
}
STACKS = ("data", "training", "serving", "monitoring")


class Hardened(Tour):
    """In a network that leads to AWS's services alone: a model is trained, let scale, asked and looked after."""

    def steps(self):
        """Return the steps."""
        return [self.a_model_is_trained_and_deployed, self.questions_are_asked, self.questions_are_refused]

    def a_model_is_trained_and_deployed(self):
        """By one file; its endpoint scales down to nothing."""
        self.drop("a.csv", csv_of(rows(400)))
        self.until("a model in service", self.version, within_s=1200)

    def questions_are_asked(self):
        """Each lies in the bucket, waits, and is answered there; then what runs every hour runs."""
        for n in range(6):
            self._ask_later(f"{n}.csv", csv_of(rows(50, 10 + n).drop(columns=["rides"])))
        self.until("six answers", lambda: len(self.keys(self.artifacts, "async/output/")) >= 6, 200)
        self.monitor()

    def _ask_later(self, name, body):
        key = f"async/input/{name}"
        self.s3.put_object(Bucket=self.artifacts, Key=key, Body=body)
        self.cloud.client("sagemaker-runtime").invoke_endpoint_async(
            EndpointName=self.endpoint, ContentType="text/csv", InputLocation=f"s3://{self.artifacts}/{key}"
        )

    def questions_are_refused(self):
        """One of somebody, and one of the smoke test of a model whose training has noted no row that there can be."""
        self._ask_later("bad.csv", b"<html>")
        self.until("a failure", lambda: self.keys(self.artifacts, "async/failures/"), 200)
        sample = json.dumps({"row": {"nothing": "here"}, "prediction": 1.0}).encode()
        archive = io.BytesIO()
        with tarfile.open(fileobj=archive, mode="w:gz") as model:
            member = tarfile.TarInfo("sample.json")
            member.size = len(sample)
            model.addfile(member, io.BytesIO(sample))
        key = "training/odd/output/model.tar.gz"
        self.s3.put_object(Bucket=self.artifacts, Key=key, Body=archive.getvalue())
        plan = {"endpoint": self.endpoint, "name": "odd", "variant": "v1"}
        self.invoke("SmokeTest", {"plan": {**plan, "model_data_url": f"s3://{self.artifacts}/{key}"}})


if __name__ == "__main__":
    sys.exit(run(Hardened, PIPELINE, *STACKS))
