"""Drives a pipeline without an endpoint, with AWS's image and large files, through paths that the tests do not take, for a recording.

``python -m tests.security.tour_of_files`` runs it on a local cloud of its own; it needs Spark, and takes some minutes.
"""

import sys
import time
from datetime import UTC, datetime

from tests.security.tour_of_everything import rows
from tests.security.touring import Tour, csv_of, run

PIPELINE = {
    "name": "files",
    "problem": "regression",
    "target": "rides",
    "id": "ride_id",
    "image": "managed",
    "ingest": {"max_file_mb": 1},
    "large_data": {"workers": 2, "max_gb": 1},
    "contract": {"new_columns": "accept"},
    "training": {"min_rows": 200, "estimator": "linear"},
    "evaluation": {"learning_curve": False},
    "endpoint": {"kind": "batch"},
}
STACKS = ("data", "large-data", "training", "serving", "batch")
_LARGE = 30_000  # rows; over a megabyte
_BAD = b"x,ada@example.org,2026-01-01,not a number,1\n"


class Files(Tour):
    """Large files that another one comes before, fail or bring columns; batches that fail; a model that is taken back."""

    def steps(self):
        """Return the steps."""
        return [
            *(self.a_small_file_comes_before_a_large_one, self.a_large_file_has_another_column),
            *(self.a_large_file_fails_after_all, self.a_model_is_trained, self.batches_fail),
            *(self.a_snapshot_was_dealt, self.the_model_is_taken_back),
        ]

    def a_small_file_comes_before_a_large_one(self):
        """The small one makes the contract while Spark starts, so the large one is cleaned again."""
        self.drop("large.csv", csv_of(rows(_LARGE, 1)) + _BAD)
        self.until("its order", lambda: self.keys(self.data, "work/"))
        (key,) = [key for key in self.keys(self.data, "work/") if key.endswith("order.json")]
        self.order = key, self.s3.get_object(Bucket=self.data, Key=key)["Body"].read()
        self.drop("small.csv", csv_of(rows(300, 2).astype({"temp": str}).assign(temp="warm")))
        self.until("both files", lambda: len(self.items("file")) == 2, within_s=600)

    def a_large_file_has_another_column(self):
        """The table learns it."""
        self.drop("wider.csv", csv_of(rows(_LARGE, 3, wind=1.5)))
        self.until("three files", lambda: len(self.items("file")) == 3, within_s=600)

    def a_large_file_fails_after_all(self):
        """What it has left is deleted, and the file is kept in quarantine."""
        key, order = self.order
        self.s3.put_object(Bucket=self.data, Key=key, Body=order)
        folder = f"s3://{self.data}/{key.rpartition('/')[0]}/"
        self.invoke(
            "CloseLargeFile", {"folder": folder, "error": {"Error": "States.TaskFailed", "Cause": "c"}}
        )

    def a_model_is_trained(self):
        """In AWS's image; it is tried by a transform job and published."""
        for n in range(4):
            self.drop(f"more-{n}.csv", csv_of(rows(300, 10 + n)))
        self.until("a model in service", lambda: self.item("champion", "current"), within_s=900)

    def batches_fail(self):
        """One whose execution is gone, and which was before another one; one whose job has failed."""
        machine = self.outputs["PredictBatchArn"]
        gone = machine.replace(":stateMachine:", ":execution:") + ":gone"
        for n in range(12):
            file = self._file(f"batch/{n}.csv", f"2026-01-01T00:00:{n:02d}Z")
            self.invoke("PlanBatch", {"file": file, "execution": gone})
        file = self._file("batch/0.csv", "2026-01-01T00:00:00Z")
        self.invoke("PlanBatch", {"file": file, "execution": "another"})
        plan = {"variant": "v1", "folder": "transform/none/", "name": "none", "model": "none"}
        self.invoke("PrepareBatch", {"file": file, "plan": plan})
        self.s3.put_object(Bucket=self.data, Key="predictions/0.csv/part-00000.csv", Body=b"left")
        self.invoke("FinishBatch", {"file": file, "execution": gone, "error": {"Error": "E", "Cause": "c"}})
        self.invoke("FinishBatch", {"file": file, "execution": gone, **self._answered("batch/0.csv")})

    def _file(self, key, at):
        return {
            "bucket": self.data,
            "key": key,
            "version_id": "v",
            "size_bytes": 1,
            "dropped_at": at,
            "sequencer": "",
        }

    def _answered(self, key):
        plan = {"variant": "v1", "folder": "transform/none/", "name": "none", "model": "none"}
        refusal = {"code": "not_a_table", "why": "it is none"}
        return {
            "plan": plan,
            "at": datetime.now(UTC).isoformat(),
            "prepared": {"refusal": refusal, "key": key},
        }

    def a_snapshot_was_dealt(self):
        """By Spark, of which nothing is left."""
        self.invoke("SnapshotData", {"run": "run", "dealt": True})

    def the_model_is_taken_back(self):
        """A release that failed after the model was put into service."""
        champion = self.item("champion", "current")
        plan = {
            **{
                "planned_at": "2026",
                "version": 1,
                "against": None,
                "strategy": "all_at_once",
                "release": None,
            },
            **{"endpoint": self.endpoint, "endpoint_exists": False, "action": "deploy"},
            **{"name": champion["name"]["S"], "model_package_arn": self.package_arn(1)},
        }
        self.cloud.client("dynamodb").delete_item(
            TableName=self.table, Key={"pk": {"S": "champion"}, "sk": {"S": "current"}}
        )
        self.invoke(
            "RollBackDeployment", {"plan": plan, "execution": "e", "error": {"Error": "E", "Cause": "c"}}
        )
        time.sleep(1)


if __name__ == "__main__":
    sys.exit(run(Files, PIPELINE, *STACKS))
