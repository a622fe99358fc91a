"""A person in a deployed pipeline: exported from everything it stores, erased from all of it, and kept out."""

import csv
import io
import json
import signal
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from tests.e2e.cloud import eventually
from tests.e2e.deployment import deployed
from tests.e2e.traces import places

HEADRACE = Path(sys.executable).parent / "headrace"
ENDPOINT = "headrace-orders"
PIPELINE = {
    "name": "orders",
    "problem": "regression",
    "target": "days",
    "id": "order",
    "training": {"estimator": "linear", "min_rows": 100},
    "evaluation": {"learning_curve": False},
    "endpoint": {"kind": "realtime", "instances": 1, "batch": {}},
    "feedback": {"gather_seconds": 0},
    "privacy": {
        "personal": {"customer": "hash", "email": "drop", "phone": "encrypt"},
        "subject": "customer",
    },
    "audit": {"ledger": True},
}
STACKS = ("data", "training", "serving", "monitoring", "batch", "feedback")

ANN, MAIL, PHONE = "kanarie-7431", "kanarie@example.org", "+44 20 7946 7431"
ORDERS = [f"kanarie-order-{number}" for number in range(12)]
BROKEN_ORDER, LATER_ORDER = "kanarie-order-broken", "kanarie-order-late"
TRACES = ("kanarie", PHONE)
"""What is in all of it, and in no row of anybody else."""
COLUMNS = ("order", "customer", "email", "phone", "amount", "items", "channel", "days")


def rows(count=240):
    """Return rows of many people, with those of one among them."""
    rng = np.random.default_rng(7)
    for number in range(count):
        amount, items = round(rng.uniform(1, 100), 2), int(rng.integers(1, 9))
        days = round(2 + 0.05 * amount + 0.3 * items + rng.normal(0, 0.2), 2)
        theirs = (amount, items, rng.choice(["web", "shop"]), days)
        yield (f"o-{number}", f"c-{number % 40}", f"c{number % 40}@example.org", "+44 20 7946 0000", *theirs)
        if number < len(ORDERS):
            yield (ORDERS[number], ANN, MAIL, PHONE, *theirs)


def table(lines, columns=COLUMNS):
    text = io.StringIO()
    csv.writer(text).writerows([columns, *lines])
    return text.getvalue().encode()


class Orders:
    """The deployed pipeline, as its users see it."""

    def __init__(self, cloud, outputs):
        self.cloud, self.outputs = cloud, outputs
        self.data, self.artifacts = outputs["DataBucketName"], outputs["ArtifactsBucketName"]
        self.answers = {}

    def drop(self, key, body):
        self.cloud.client("s3").put_object(Bucket=self.data, Key=key, Body=body)

    def objects(self, bucket, prefix):
        listed = self.cloud.client("s3").list_objects_v2(Bucket=bucket, Prefix=prefix)
        return [item["Key"] for item in listed.get("Contents", [])]

    def recorded(self):
        """Record what the endpoint has captured by now, and return what is recorded."""
        self.headrace("check", "orders")
        return self.objects(self.artifacts, "predictions/")

    def versions(self, bucket):
        """Return what a bucket holds, every version of it."""
        pages = self.cloud.client("s3").get_paginator("list_object_versions").paginate(Bucket=bucket)
        return {(item["Key"], item["VersionId"]) for page in pages for item in page.get("Versions", [])}

    def ask(self, order, inference_id):
        body = table([(order, 40, 3, "web")], ("order", "amount", "items", "channel"))
        answer = self.cloud.client("sagemaker-runtime").invoke_endpoint(
            EndpointName=ENDPOINT, ContentType="text/csv", Body=body, InferenceId=inference_id
        )
        self.answers[inference_id] = answer["Body"].read().decode().strip()

    def headrace(self, *arguments):
        done = self.cloud.run(HEADRACE, *arguments)
        return done.stdout if done.returncode == 0 else done.stderr

    def told(self, *arguments):
        done = self.cloud.run(HEADRACE, *arguments, "--json")
        assert done.returncode == 0, done.stderr
        return json.loads(done.stdout)

    def export(self, folder):
        """Return what an export has, by the folder of its place."""
        self.headrace("export", "orders", "--subject", ANN, "--to", folder / "export.jsonl")
        lines = [json.loads(line) for line in (folder / "export.jsonl").read_text().splitlines()]
        return {"/".join(line["place"].split("/")[3:5]).partition("/")[0] for line in lines}, lines

    def erase(self):
        """Erase the person, as soon as no training runs, nor asks whether it should; return the receipt."""
        command = (HEADRACE, "erase", "orders", "--subject", ANN, "--yes", "--json")
        done = eventually(
            lambda: self.cloud.run(*command), lambda done: "a training is running" not in done.stderr, 120
        )
        assert done.returncode == 0, done.stderr
        return json.loads(done.stdout)

    def trainings(self):
        machine = self.outputs["TrainStateMachineArn"]
        states = self.cloud.client("stepfunctions")
        return states.list_executions(stateMachineArn=machine)["executions"]

    def in_service(self):
        endpoints = self.cloud.client("sagemaker").list_endpoints(NameContains=ENDPOINT)["Endpoints"]
        return [endpoint for endpoint in endpoints if endpoint["EndpointStatus"] == "InService"]

    def audit(self, event):
        return self.told("audit", "show", "orders", "--event", event)["entries"]


@pytest.fixture(scope="module")
def orders(cloud, tmp_path_factory):
    """The pipeline with a model, and a person in each of its stores."""
    orders = Orders(cloud, deployed(cloud, tmp_path_factory.mktemp("app"), PIPELINE, *STACKS))
    broken = (BROKEN_ORDER, ANN, MAIL, PHONE, "many", 1, "web", 3)
    orders.drop("incoming/refused.csv", f"order,customer\n{ORDERS[0]},{ANN}\n".encode())
    orders.drop("incoming/2026-01.csv", table([*rows(), broken]))
    eventually(orders.in_service, within_s=150)
    for order, inference_id in ((ORDERS[1], "ann-1"), ("o-1", "other-1")):
        orders.ask(order, inference_id)
    batch = [(ORDERS[2], ANN, MAIL, PHONE, 4, 2, "web"), (ORDERS[3], ANN, MAIL, PHONE, "many", 2, "web")]
    orders.drop("batch/asked.csv", table(batch, COLUMNS[:-1]))
    eventually(orders.recorded, within_s=60)
    orders.drop("feedback/labels.csv", b"inference_id,row,label\nann-1,0,3.5\nother-1,0,4\n")
    eventually(lambda: orders.objects(orders.artifacts, "labelled/"), within_s=60)
    eventually(lambda: len(orders.objects(orders.data, "curated/")) == 2, within_s=60)
    eventually(lambda: orders.objects(orders.data, "predictions/asked.csv/summary.json"), within_s=60)
    return orders


@pytest.fixture(scope="module")
def erased(orders, tmp_path_factory):
    """The export before, what an erasure that was killed has left, and the receipt of the one that went on."""
    folder = tmp_path_factory.mktemp("exports")
    before = orders.export(folder)
    killed = eventually(lambda: killed_while_removing(orders, 5), lambda code: code < 0, within_s=120)
    left = places(orders.cloud, *TRACES)
    receipt = orders.erase()
    # What it makes is tested where trainings are; here it would only keep the processor busy.
    orders.cloud.client("stepfunctions").stop_execution(executionArn=receipt["training"])
    return before, killed, left, receipt, orders.export(folder)


def killed_while_removing(orders, after):
    """Begin an erasure, and kill it when it removes from the object of this number."""
    command = [HEADRACE, "erase", "orders", "--subject", ANN, "--yes"]
    known = {"PATH": "/usr/bin:/bin", "HOME": "/nonexistent", "PYTHONUNBUFFERED": "1"}
    environment = {**known, **orders.cloud.environment()}
    process = subprocess.Popen(command, env=environment, stdout=subprocess.PIPE, text=True)
    removing = (line for line in process.stdout if line.startswith("removing from"))
    for _ in zip(range(after), removing, strict=False):
        pass
    process.kill()
    process.stdout.close()
    return process.wait()


def test_an_export_has_every_store_before_an_erasure_and_none_after_it(erased):
    (folders, lines), _, _, _, after = erased

    assert folders == {
        *("incoming", "batch", "curated", "quarantine", "predictions"),
        *("snapshots", "capture", "labelled", "transform"),
    }
    raw = [line["record"] for line in lines if line["place"].endswith("incoming/2026-01.csv")]
    assert {record["order"] for record in raw} == {*ORDERS, BROKEN_ORDER}
    assert after == (set(), [])


def test_an_erasure_that_was_killed_goes_on_and_leaves_no_trace_in_any_store(orders, erased):
    _, killed, left, receipt, _ = erased

    assert killed == -signal.SIGKILL
    assert left
    assert receipt["rows_by_folder"].keys() >= {"incoming", "curated", "capture", "labelled", "snapshots"}
    assert places(orders.cloud, *TRACES) == []


def test_other_people_are_where_they_were(orders, erased):
    kept = orders.cloud.client("s3").get_object(Bucket=orders.data, Key="incoming/2026-01.csv")
    expected = table([row for row in rows() if row[1] != ANN])

    assert kept["Body"].read() == expected
    (answer,) = orders.told("trace", "orders", "other-1")["answers"]
    assert answer["rows"][0]["prediction"] == orders.answers["other-1"]


def test_a_prediction_is_traced_to_its_training_its_files_the_gate_and_whoever_approved(orders, erased):
    (answer,) = orders.told("trace", "orders", "other-1")["answers"]
    model = answer["model"]

    assert (answer["variant"], model["version"], model["status"]) == ("v1", 1, "Approved")
    assert (model["training"]["estimator"], model["reason"]["reason"]) == ("linear", "new_data")
    assert model["provenance"]["as_registered"]
    files = {file["key"]: file["rows"] for file in model["data"]["files"]}
    assert files["incoming/2026-01.csv"] == 240 + len(ORDERS)
    assert model["data"]["manifest"]["version_id"]
    assert (model["gate"]["metric"], model["approval"]["by"]) == ("rmse", "gate")
    for unknown in (("ann-1",), ("nobody",), ("--file", "incoming/nothing.csv")):
        assert orders.headrace("trace", "orders", *unknown).count("\n") == 1


def test_a_file_is_traced_to_the_predictions_that_it_has_reached(orders, erased):
    found = orders.told("trace", "orders", "--file", "incoming/2026-01.csv")

    assert found["trainings"][-1]["version"] == 1
    assert "other-1" in found["models"][0]["predictions"]["ids"]
    assert "ann-1" not in found["models"][0]["predictions"]["ids"]
    assert found["models"][0]["batch_predictions"]["files"] == 1


def test_models_that_have_learnt_from_the_person_are_marked_and_another_is_trained(orders, erased):
    receipt = erased[3]

    assert receipt["models"] == [1]
    assert "somebody was erased" in orders.told("trace", "orders", "--model", "1")["erasure"]
    (training,) = [run for run in orders.trainings() if run["executionArn"] == receipt["training"]]
    described = orders.cloud.client("stepfunctions").describe_execution(executionArn=training["executionArn"])
    assert json.loads(described["input"])["reason"] == "erasure"


def test_the_ledger_names_the_person_by_the_keyed_hash_alone(orders, erased):
    receipt = erased[3]
    (entry,) = eventually(lambda: orders.audit("erased"))

    assert (entry["about"]["person"], entry["about"]["models"]) == (receipt["person"], [1])
    assert len(orders.audit("erasure_began")) >= 2
    assert orders.audit("exported")[0]["about"]["records"] == 0
    assert orders.told("audit", "verify", "orders")["intact"]


def test_whoever_was_erased_stays_out_and_erasing_again_finds_only_what_was_dropped_since(orders, erased):
    late = [(LATER_ORDER, ANN, MAIL, PHONE, 4, 2, "web", 3), ("o-late", "c-1", "", "", 4, 2, "web", 3)]
    orders.drop("incoming/late.csv", table(late))

    eventually(lambda: len(orders.objects(orders.data, "curated/")) == 3, within_s=60)
    (version,) = orders.told("trace", "orders", "--file", "incoming/late.csv")["versions"]
    assert version["rows"] == 1

    again = orders.erase()
    assert (again["rows_by_folder"], again["models"], again["training"]) == ({"incoming": 1}, [], None)
    assert places(orders.cloud, *TRACES) == []


def test_under_a_legal_hold_nothing_is_erased_and_its_deployment_deletes_nothing(orders, erased, tmp_path):
    before = {name: orders.versions(name) for name in (orders.data, orders.artifacts)}
    privacy = {**PIPELINE["privacy"], "legal_hold": "lawsuit 12/2026"}
    deployed(
        orders.cloud, tmp_path, {**PIPELINE, "on_destroy": "retain", "privacy": privacy}, "data", "training"
    )

    refused = orders.headrace("erase", "orders", "--subject", "c-1", "--yes")
    assert refused == "headrace: nothing may be erased: privacy.legal_hold says 'lawsuit 12/2026'\n"
    (entry,) = eventually(lambda: orders.audit("legal_hold_set"))
    assert entry["about"]["legal_hold"] == "lawsuit 12/2026"
    assert all(known <= orders.versions(name) for name, known in before.items())
    assert orders.told("versions", "orders")["versions"]
