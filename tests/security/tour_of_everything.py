"""Drives a pipeline that has nearly everything through paths that the demo and the tests do not take, for a recording.

Everything is deployed by the CDK, and every call is made by the deployed functions, jobs and state machines under their own roles:
by events where that is quick, else by invoking a function with the event that would have come. What the ledger says is written
beforehand where waiting for it would take hours.

``python -m tests.security.tour_of_everything`` runs it on a local cloud of its own; it takes some minutes.
"""

import json
import sys
import time
from datetime import UTC, datetime

import numpy as np
import pandas as pd

from tests.e2e.cloud import policy_document
from tests.e2e.signed import sign
from tests.security.touring import Tour, csv_of, plain, run

CALLER = "arn:aws:iam::123456789012:role/shop"
PIPELINE = {
    "name": "tour",
    "problem": "regression",
    "target": "rides",
    "id": "ride_id",
    "time": "at",
    "contract": {"new_columns": "accept"},
    "arrival": {"train": "batch"},
    "privacy": {"personal": {"ride_id": "hash", "email": "drop"}, "subject": "ride_id", "raw_days": 30},
    "training": {"min_rows": 200, "estimator": "linear", "tuning": {"trials": 2}},
    "evaluation": {"learning_curve": False},
    "retraining": {"on": ["drift", "quality", "new_data"], "min_new_rows": 1, "cooldown_minutes": 0},
    "endpoint": {
        "kind": "realtime",
        "instances": 2,
        "scaling": {"min": 2, "max": 4, "by": "concurrency", "target": 4},
        "batch": {"format": "csv", "schedule": "rate(1 day)"},
        "front": {"principals": [CALLER]},
    },
    "release": {"strategy": "canary", "share": 0.5, "interval_minutes": 30},
    "feedback": {"api": True, "gather_seconds": 0},
    "tracking": {"mlflow": "arn:aws:sagemaker:us-east-1:123456789012:mlflow-tracking-server/ours"},
    "audit": {"ledger": True, "cloudtrail": True},
    "notify": "ops@example.org",
    "alarms": {
        "latency_p50_ms": 50,
        "client_error_share": 0.1,
        "monthly_usd": 20,
        "chat": {"kind": "webhook", "secret": "headrace/chat"},
    },
}
STACKS = ("data", "batches", "training", "serving", "monitoring", "feedback", "batch", "front", "tracking")
ENDPOINT = f"headrace-{PIPELINE['name']}"
_BROKEN = f"{ENDPOINT}-v99"


def rows(n, seed=0, **more):
    """Return rides that follow from the temperature."""
    rng = np.random.default_rng(seed)
    temp = rng.normal(15, 5, n)
    at = pd.date_range("2026-01-01", periods=n, freq="h").strftime("%Y-%m-%d %H:%M:%S")
    ids = [f"ride-{seed}-{i}" for i in range(n)]
    frame = {"ride_id": ids, "email": "ada@example.org", "at": at, "temp": temp.round(2), **more}
    return pd.DataFrame({**frame, "rides": (10 * temp + rng.normal(0, 5, n)).round(1)})


def questions(n, seed, *personal):
    """Return rides that nobody has counted yet; an endpoint takes nothing personal, a file does."""
    hidden = {"ride_id", "email"} - {*personal}
    return csv_of(rows(n, seed, wind=1.5).drop(columns=["rides", *hidden]))


class Everything(Tour):
    """The steps, in order: each leaves what the next ones need."""

    def steps(self):
        """Return the steps."""
        return [
            *(
                self.nothing_has_come,
                self.files_come,
                self.a_model_is_trained_and_deployed,
                self.questions_are_asked,
            ),
            *(
                self.labels_come,
                self.files_are_answered,
                self.an_alarm_is_over,
                self.alarms_go_off,
                self.cases_are_followed,
            ),
            *(self.messages_come_twice, self.a_second_model_is_released, self.people_decide),
            self.somebody_was_quicker,
            self.a_training_is_asked_for,
            *(self.what_failed_is_taken_back, self.logs_are_written),
        ]

    # --- files

    def nothing_has_come(self):
        """Ask for what is not there yet: labels come before there is a contract, and a file of labels is gone."""
        self.invoke("TakeFeedback", {"labels": [{"inference_id": "ask-0", "row": 0, "label": 1}]})
        self.s3.put_object(Bucket=self.data, Key="feedback/early.csv", Body=b"inference_id,label\nask-0,1\n")
        self.call(self.function("JoinFeedback"), self.message("feedback/gone.csv", "gone"))
        self.invoke("JoinFeedback", {})
        self.invoke("SnapshotData", {"run": "early"})

    def files_come(self):
        """One good file, one with a further column, one that is broken, a broken manifest, a marker."""
        self._fail_once("GatherBatch", "day/_broken.manifest.json", b"{")
        self.drop("day/a.csv", csv_of(rows(400)))
        self.until("a file in the ledger", lambda: self.items("file"))
        self.drop("day/_worse.manifest.json", b"{")
        self.until("a refusal", lambda: self.keys(self.data, "quarantine/day/_worse"))
        self.drop("day/b.csv", csv_of(rows(100, 1, wind=3.5)))
        self.drop("day/c.csv", b"<html>")
        self.drop("day/_SUCCESS", b"")
        self.until("three files", lambda: len(self.items("file")) >= 3)

    def _fail_once(self, function, key, body):
        """Drop a file that the function cannot refuse at first, because it may not write; a moment later it may."""
        iam, role = self.cloud.client("iam"), self.role(function)
        fault = {"RoleName": role, "PolicyName": "fault"}
        denied = policy_document({"Effect": "Deny", "Action": "s3:PutObject", "Resource": "*"})
        iam.put_role_policy(**fault, PolicyDocument=denied)
        self.drop(key, body)
        self.until("a task that failed", lambda: "TaskFailed" in self.events("Batch"))
        iam.delete_role_policy(**fault)

    def a_model_is_trained_and_deployed(self):
        """The marker starts a training with a search; the model goes into service and is let scale."""
        self.until("a model in service", self.version, within_s=1200)

    def questions_are_asked(self):
        """By the endpoint, and by the API in front of it; then what runs every hour runs."""
        for n in range(6):
            self.ask(questions(50, 10 + n), f"ask-{n}")
        time.sleep(3)
        self.monitor()

    def labels_come(self):
        """As a file; they are joined, and quality is measured."""
        lines = "".join(f"ask-{n},{row},{100 + row}\n" for n in range(6) for row in range(50))
        body = f"inference_id,row,label\n{lines}".encode()
        self.s3.put_object(Bucket=self.data, Key="feedback/labels.csv", Body=body)
        self.until("labelled rows", lambda: self.keys(self.artifacts, "labelled/"), within_s=600)
        self.monitor()
        self.invoke("JoinFeedback", {})

    def files_are_answered(self):
        """Two whole files by transform jobs, when the schedule says."""
        body = questions(30, 20, "ride_id")
        for key in ("one.csv", "two.csv"):
            self.s3.put_object(Bucket=self.data, Key=f"batch/{key}", Body=body)
        self.invoke("StartBatch", {"id": "by-schedule"})
        self.until("two answers", lambda: len(self.keys(self.data, "predictions/")) >= 2, within_s=600)
        gone = self.message("batch/gone.csv", "gone")
        self.call(self.function("StartBatch"), gone)

    # --- alarms

    def an_alarm_is_over(self):
        """Forget what is known of an alarm that is not on."""
        self._open_case("drift", None)
        self.invoke("FollowTraining", {})

    def _open_case(self, reason, awaits):
        now = datetime.now(UTC).isoformat()
        case = {"reason": reason, "since": now, "alarm": "a", "about": "", "in_vain": 0, "awaits": awaits}
        self.put("training", f"alarm#{reason}", {**case, "judged_from": None, "counted": None})

    def a_training_is_asked_for(self):
        """Of rows that came after the last training, because of an alarm that is still on; it is stopped at once."""
        before = len(self.items("file"))
        self.drop("late/e.csv", csv_of(rows(300, 3, wind=2.5)))
        self.until("the rows", lambda: len(self.items("file")) > before)
        self._open_case("drift", None)
        self._open_case("quality", None)
        for alarm in self.alarms():
            if any(word in alarm["AlarmName"].lower() for word in ("drift", "quality", "concept")):
                self.set_alarm(alarm["AlarmName"], "ALARM")
        time.sleep(4)  # each alarm has started a training, too
        self._stop_trainings()
        self.invoke("FollowTraining", {})
        self._stop_trainings()

    def _stop_trainings(self):
        states = self.cloud.client("stepfunctions")
        machine = self.outputs["TrainStateMachineArn"]
        for running in states.list_executions(stateMachineArn=machine, statusFilter="RUNNING")["executions"]:
            states.stop_execution(executionArn=running["executionArn"])

    def alarms_go_off(self):
        """The text, the chat room, the size of the endpoint."""
        secret = "https://127.0.0.1:9/hook"
        self.cloud.client("secretsmanager").create_secret(Name="headrace/chat", SecretString=secret)
        for alarm in self.alarms():
            words = alarm["AlarmName"].lower()
            if any(word in words for word in ("drift", "quality", "concept")):
                self.set_alarm(alarm["AlarmName"], "ALARM")
        self.invoke("EndpointMeasure", {})
        message = {"Records": [{"Sns": {"Subject": "s", "Message": "m"}}]}
        self.invoke("PostAlarm", message)
        time.sleep(5)

    def cases_are_followed(self):
        """Alarms that stay on, one that is over, and a lock that a training has left."""
        package = self.package_arn(1)
        reports = {"drift/latest.json": {"variant": "v1"}, "quality/latest.json": {"variant": "v1"}}
        for key, document in reports.items():
            if key not in self.keys(self.artifacts, key):
                self.s3.put_object(Bucket=self.artifacts, Key=key, Body=json.dumps(document).encode())
        now = datetime.now(UTC).isoformat()
        for reason in ("drift", "quality"):
            self._open_case(reason, package)
        ended = self.last_execution("TrainStateMachineArn")
        self.put("training", "lock", {"execution": ended, "acquired_at": now, "reason": "drift", "until": ""})
        self.invoke("FollowTraining", {})
        for alarm in self.alarms():
            self.set_alarm(alarm["AlarmName"], "OK")
        self.invoke("FollowTraining", {})
        self.invoke("GuardTraining", {"reason": "quality", "detail": {}, "execution": "e"})

    def messages_come_twice(self):
        """A file that was taken, and one that is gone."""
        function = self.function("IngestFile")
        known = self.s3.list_object_versions(Bucket=self.data, Prefix="incoming/day/a.csv")["Versions"][0]
        for key, version in (("incoming/day/a.csv", known["VersionId"]), ("incoming/gone.csv", "gone")):
            self.call(function, self.message(key, version))
        # What the ledger's head would have said is looked up in the entries.
        head = {"pk": {"S": "audit"}, "sk": {"S": "head"}}
        self.cloud.client("dynamodb").delete_item(TableName=self.table, Key=head)

    # --- releases

    def a_second_model_is_released(self):
        """Another version of the model that is in service is approved; a person promotes it while it has its share."""
        self._release_again(2)
        for n in range(6, 12):
            self.ask(questions(50, 10 + n), f"ask-{n}")
        time.sleep(3)
        self.monitor()
        running = self.item("release", "running")
        plan = plain(running["plan"])
        self.invoke("JudgeRelease", {"plan": plan, "execution": running["execution"]["S"], "step": 0})
        self.decide({"decision": "promote", "by": "ada", "why": "looks good"})
        self.until("the second model", lambda: self.version() == "v2", within_s=600)

    def _release_again(self, version):
        """Approve another version of the first model, and wait until it has its share."""
        sagemaker = self.cloud.client("sagemaker")
        first = sagemaker.describe_model_package(ModelPackageName=self.package_arn(1))
        named = ("ModelPackageGroupName", "InferenceSpecification", "CustomerMetadataProperties")
        again = {name: first[name] for name in named if name in first}
        (container,) = again["InferenceSpecification"]["Containers"]
        container["ModelDataUrl"] = self._signed_again(container["ModelDataUrl"], version)
        # A model that is approved while another one is deployed waits for its turn.
        sagemaker.create_model_package(**again, ModelApprovalStatus="Approved")
        self.until("a release that waits", self.waiting_token, within_s=600)

    def _signed_again(self, url, version):
        """Copy a model, sign the copy as another version, and return where it is."""
        key = f"training/again-{version}/output/model.tar.gz"
        source = {"Bucket": self.artifacts, "Key": url.removeprefix(f"s3://{self.artifacts}/")}
        self.s3.copy_object(Bucket=self.artifacts, Key=key, CopySource=source)
        copied = f"s3://{self.artifacts}/{key}"
        sign(self.cloud, self.outputs, PIPELINE["name"], copied, version)
        return copied

    def people_decide(self):
        """Back to the first version, by its number; then about one that there is not."""
        self.decide({"decision": "rollback", "by": "ada", "why": "complaints", "version": 1})
        self.until("the first model", lambda: self.version() == "v1", within_s=600)
        self.invoke(
            "DecideRelease",
            {"request": {"decision": "rollback", "by": "ada", "version": 9}, "execution": "e"},
        )

    def somebody_was_quicker(self):
        """A third model is decided on before its release waits: whoever notes the token wakes it at once."""
        self._release_again(3)
        self.cloud.client("dynamodb").update_item(
            TableName=self.table,
            Key={"pk": {"S": "release"}, "sk": {"S": "running"}},
            UpdateExpression="SET decision = :decision",
            ExpressionAttributeValues={
                ":decision": {"M": {"what": {"S": "promote"}, "by": {"S": "ada"}, "why": {"S": "now"}}}
            },
        )
        running = {name: plain(value) for name, value in self.item("release", "running").items()}
        names = ("execution", "plan", "step", "share", "token", "judged")
        self.invoke("HoldRelease", {name: running[name] for name in names})
        self.until("the third model", lambda: self.version() == "v3", within_s=600)

    def what_failed_is_taken_back(self):
        """A model that waits for its turn, a first deployment that failed, an endpoint that never served."""
        lost = "arn:aws:states:us-east-1:123456789012:execution:x:y"
        self.cloud.client("dynamodb").delete_item(
            TableName=self.table, Key={"pk": {"S": "champion"}, "sk": {"S": "current"}}
        )
        self._break_endpoint()
        self.invoke("PlanDeployment", {"model_package_arn": self.package_arn(1), "execution": "e"})
        self._fail_endpoint()
        error = {"Error": "E", "Cause": "c"}
        for _ in range(3):
            self._let_wait(lost)
            event = {"plan": self._plan_of_nothing(), "execution": lost, "error": error}
            if self.invoke("RollBackDeployment", event).get("done"):
                break
            time.sleep(2)
        self._let_wait(lost)
        self.invoke("RemovePrevious", {"plan": self._plan_of_nothing(), "execution": lost})
        self._let_wait(lost)
        self.invoke(
            "DecideRelease", {"request": {"executionArn": lost, "status": "ABORTED"}, "execution": "e"}
        )

    def _let_wait(self, execution):
        """Have one model wait for the end of the deployment of another one."""
        wait = {"model_package_arn": self.package_arn(1), "approved_at": "2026-01-01T00:00:00+00:00"}
        lock = {
            "execution": execution,
            "acquired_at": "2026-01-01T00:00:00+00:00",
            "reason": "r",
            "until": "",
        }
        self.put("release", "waiting", wait)
        self.put("deployment", "lock", lock)

    def logs_are_written(self):
        """What S3 and CloudTrail write down of accesses, so that there is something to be deleted with the stacks."""
        for bucket in self.s3.list_buckets()["Buckets"]:
            written = any(name in bucket["Name"].lower() for name in ("accesslogs", "auditcalls"))
            for day in (1, 2) if written else ():
                self.s3.put_object(Bucket=bucket["Name"], Key=f"2026-01-0{day}-00", Body=b"log")

    def _plan_of_nothing(self):
        entry = {
            "planned_at": "2026",
            "version": 9,
            "against": None,
            "strategy": "all_at_once",
            "release": None,
        }
        deployment = {"name": f"{ENDPOINT}-v9-00000000", "endpoint": ENDPOINT, "endpoint_exists": False}
        return {**entry, **deployment, "action": "deploy", "model_package_arn": self.package_arn(1)}

    def _break_endpoint(self):
        """Have an endpoint of the pipeline's name that cannot start, in the place of the one that serves."""
        sagemaker = self.cloud.client("sagemaker")
        config = sagemaker.describe_endpoint(EndpointName=ENDPOINT)["EndpointConfigName"]
        variant = sagemaker.describe_endpoint_config(EndpointConfigName=config)["ProductionVariants"][0]
        model = sagemaker.describe_model(ModelName=variant["ModelName"])
        key = "training/nothing/output/model.tar.gz"
        self.s3.put_object(Bucket=self.artifacts, Key=key, Body=b"nothing")
        sagemaker.create_model(
            ModelName=_BROKEN,
            ExecutionRoleArn=model["ExecutionRoleArn"],
            PrimaryContainer={**model["PrimaryContainer"], "ModelDataUrl": f"s3://{self.artifacts}/{key}"},
        )
        broken = {"VariantName": "v99", "ModelName": _BROKEN, "InstanceType": "ml.m5.large"}
        sagemaker.create_endpoint_config(
            EndpointConfigName=_BROKEN, ProductionVariants=[{**broken, "InitialInstanceCount": 1}]
        )
        sagemaker.delete_endpoint(EndpointName=ENDPOINT)
        self._fail_endpoint()

    def _fail_endpoint(self):
        """Once there is no endpoint any more, begin to make the one that cannot start."""
        sagemaker = self.cloud.client("sagemaker")
        self.until(
            "no endpoint", lambda: not sagemaker.list_endpoints(NameContains=ENDPOINT)["Endpoints"], 60
        )
        sagemaker.create_endpoint(EndpointName=ENDPOINT, EndpointConfigName=_BROKEN)
        self.until(
            "a failed endpoint",
            lambda: sagemaker.describe_endpoint(EndpointName=ENDPOINT)["EndpointStatus"] == "Failed",
            within_s=60,
        )


if __name__ == "__main__":
    sys.exit(run(Everything, PIPELINE, *STACKS, mlflow=True))
