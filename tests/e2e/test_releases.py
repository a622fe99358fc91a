"""Releases through the deployed stacks: bad models are withdrawn by themselves, a good one goes through, a person goes back,
what is stopped leaves nothing behind, and all of it is in the audit ledger."""

import io
import json
import shutil
import sys
import tarfile
import threading
from collections import Counter
from pathlib import Path

import numpy as np
import pytest
from botocore.exceptions import ClientError

from headrace.ml.profile import profile_frame
from local_cloud.sagemaker.images import Image, ImageStore
from tests.e2e.cloud import ACCOUNT, REGION, eventually, running
from tests.e2e.deployment import deployed
from tests.e2e.signed import sign

HEADRACE = Path(sys.executable).parent / "headrace"
IMAGE = f"{ACCOUNT}.dkr.ecr.{REGION}.amazonaws.com/toy-model:1"
ENDPOINT, GROUP, SHARE = "headrace-rides", "headrace-rides", 0.2
PIPELINE = {
    "name": "rides",
    "problem": "regression",
    "target": "rides",
    "image": "managed",
    "endpoint": {"kind": "realtime", "instances": 1},
    # An interval is two seconds here; how fast anything is on a busy machine is no property of a model.
    "release": {
        "strategy": "canary",
        "share": SHARE,
        "interval_minutes": 2,
        "limits": {"latency_p99_factor": None},
    },
    "audit": {"ledger": True, "cloudtrail": True},
}
STACKS = ("data", "training", "serving", "monitoring")


@pytest.fixture(scope="module")
def cloud(new_cloud):
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("SFN_WAIT_SCALE", "0.1")  # states that poll wait for tenths of seconds
        cloud = new_cloud()
        store = ImageStore(cloud.settings.state_dir / "images")
        root = store.folder_of("toy-model", "1") / "root"
        (root / "program").mkdir(parents=True)
        shutil.copy(Path(__file__).parent / "toy_model.py", root / "program" / "toy.py")
        store.save("toy-model", "1", Image(root, "/program", ("python", "toy.py"), {}))
        with running(cloud) as cloud:
            yield cloud


@pytest.fixture(scope="module")
def outputs(cloud, tmp_path_factory):
    return deployed(cloud, tmp_path_factory.mktemp("app"), PIPELINE, *STACKS)


@pytest.fixture(scope="module")
def approve(cloud, outputs):
    """Approve a model that behaves as it is told, and return its package's ARN."""
    sagemaker, s3, bucket = cloud.client("sagemaker"), cloud.client("s3"), outputs["ArtifactsBucketName"]

    def approve(*, offset=0.0, fails=False):
        key = f"training/{offset}-{fails}/model.tar.gz"
        s3.put_object(Bucket=bucket, Key=key, Body=archive(offset, fails))
        container = {"Image": IMAGE, "ModelDataUrl": f"s3://{bucket}/{key}"}
        arn = sagemaker.create_model_package(
            ModelPackageGroupName=GROUP,
            InferenceSpecification={
                "Containers": [container],
                "SupportedContentTypes": ["text/csv"],
                "SupportedResponseMIMETypes": ["text/csv"],
            },
            ModelApprovalStatus="PendingManualApproval",
        )["ModelPackageArn"]
        sign(cloud, outputs, "rides", container["ModelDataUrl"], int(arn.rpartition("/")[2]))
        sagemaker.update_model_package(ModelPackageArn=arn, ModelApprovalStatus="Approved")
        return arn

    return approve


def archive(offset, fails):
    answers = np.random.default_rng(7).normal(200, 50, 2000) + offset
    documents = {
        "behaviour.json": {"offset": offset, "fails": fails},
        "sample.json": {"row": {"temp": 20.0}, "prediction": {"score": 200.0 + offset}},
        "baseline.json": profile_frame({}, [], predictions=answers).as_dict(),
    }
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w:gz") as tar:
        for name, document in documents.items():
            text = json.dumps(document).encode()
            member = tarfile.TarInfo(name)
            member.size = len(text)
            tar.addfile(member, io.BytesIO(text))
    return buffer.getvalue()


class Callers(threading.Thread):
    """Ask the endpoint, some dozen times a second, and count who has answered; None is a failure."""

    def __init__(self, runtime):
        super().__init__(daemon=True)
        self.runtime, self.answers, self.over = runtime, Counter(), threading.Event()

    def run(self):
        rng = np.random.default_rng(0)
        while not self.over.wait(0.02):
            rows = "".join(f"{temp:.3f}\n" for temp in rng.normal(20, 5, 50))
            try:
                answer = self.runtime.invoke_endpoint(
                    EndpointName=ENDPOINT, ContentType="text/csv", Accept="text/csv", Body=rows
                )
                self.answers[answer["InvokedProductionVariant"]] += 1
            except ClientError:
                self.answers[None] += 1

    def __enter__(self):
        self.start()
        return self.answers

    def __exit__(self, *_):
        self.over.set()
        self.join()


@pytest.fixture(scope="module")
def release(cloud, approve):
    """Release a model while callers ask; return the package's status in the end, and who has answered."""
    sagemaker = cloud.client("sagemaker")

    def release(**behaviour):
        with Callers(cloud.client("sagemaker-runtime")) as answers:
            arn = approve(**behaviour)
            version = int(arn.rpartition("/")[2])
            eventually(lambda: ended(cloud, version), within_s=60)
        return sagemaker.describe_model_package(ModelPackageName=arn), answers

    return release


def items(cloud, partition):
    tables = cloud.client("dynamodb").list_tables()["TableNames"]
    (table,) = [name for name in tables if "Ledger" in name]
    found = cloud.client("dynamodb").query(
        TableName=table,
        KeyConditionExpression="pk = :pk",
        ExpressionAttributeValues={":pk": {"S": partition}},
    )["Items"]
    return {item["sk"]["S"]: item for item in found}


def ended(cloud, version):
    """Return the history of a version once its deployment has ended, and another one may begin."""
    known = items(cloud, "release")
    mine = [item for sk, item in sorted(known.items()) if item.get("version", {}).get("N") == str(version)]
    over = mine and mine[-1]["place"]["N"] == "9999" and "running" not in known
    return [item["event"]["S"] for item in mine] if over else []


def serving(cloud):
    """Return the variants with their weights, and how many configurations there are."""
    sagemaker = cloud.client("sagemaker")
    variants = sagemaker.describe_endpoint(EndpointName=ENDPOINT)["ProductionVariants"]
    configs = sagemaker.list_endpoint_configs()["EndpointConfigs"]
    return {variant["VariantName"] for variant in variants}, len(configs)


@pytest.fixture(scope="module")
def first(cloud, approve):
    approve()
    eventually(lambda: ended(cloud, 1), within_s=60)


@pytest.fixture(scope="module")
def story(cloud, first, release):
    """One release after the other, and what is left after each."""
    told = {}
    for name, behaviour in {
        "fails": {"fails": True},
        "shifted": {"offset": 300.0},
        "good": {"offset": 0.5},
    }.items():
        package, answers = release(**behaviour)
        version = package["ModelPackageVersion"]
        told[name] = (package, answers, ended(cloud, version), serving(cloud))
    return told


def test_a_model_that_fails_is_withdrawn_and_no_more_requests_fail_than_its_share(cloud, story):
    package, answers, history, left = story["fails"]

    assert history == ["began", "shifted", "withdrawn"]
    assert package["ModelApprovalStatus"] == "Rejected"
    assert "the release was withdrawn" in package["ApprovalDescription"]
    assert answers.keys() == {"v1", None}
    # Of the requests while it had its share; the others, before and after, all went well.
    assert answers[None] / answers.total() < SHARE
    assert left == ({"v1"}, 1)


def test_a_model_whose_predictions_have_shifted_is_withdrawn_without_any_failure(story):
    package, answers, history, left = story["shifted"]

    assert history[-1] == "withdrawn"
    assert package["ModelApprovalStatus"] == "Rejected"
    assert answers[None] == 0
    assert left == ({"v1"}, 1)


def test_a_good_model_goes_through_and_the_one_before_is_kept(story):
    package, answers, history, left = story["good"]

    assert history == ["began", "shifted", "shifted", "promoted"]
    assert package["ModelApprovalStatus"] == "Approved"
    assert answers.keys() == {"v1", "v4"}
    assert left == ({"v4"}, 2)


def test_no_alarm_of_a_release_is_left(cloud, story):
    alarms = cloud.client("cloudwatch").describe_alarms(AlarmNamePrefix="headrace-rides-release-")

    assert alarms["MetricAlarms"] == []


def headrace(cloud, *arguments):
    done = cloud.run(HEADRACE, "release", *arguments, "--json")
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)


def test_a_person_goes_back_by_one_command_and_the_model_does_not_return(cloud, story):
    before = headrace(cloud, "status", "rides")
    done = headrace(cloud, "rollback", "rides", "--why", "complaints")
    eventually(lambda: "running" not in items(cloud, "release"))
    after = headrace(cloud, "status", "rides")

    assert (before["in_service"]["version"], before["in_service"]["way_back"]) == (4, 1)
    assert done["in_service"]["version"] == 1
    assert (after["in_service"]["way_back"], after["requests"]) == (None, {"v1": 1.0})
    last = after["history"][0]
    assert (last["event"], last["version"], last["why"]) == ("rolled_back", 1, "complaints")
    package = story["good"][0]["ModelPackageArn"]
    described = cloud.client("sagemaker").describe_model_package(ModelPackageName=package)
    assert described["ModelApprovalStatus"] == "Rejected"


def test_a_release_whose_execution_somebody_stops_leaves_nothing_behind(cloud, story, approve):
    arn = approve(offset=0.7)
    waits = eventually(lambda: items(cloud, "release").get("running", {}).get("token", {}).get("S"))
    running = items(cloud, "release")["running"]["execution"]["S"]

    cloud.client("stepfunctions").stop_execution(executionArn=running)
    history = eventually(lambda: ended(cloud, int(arn.rpartition("/")[2])))

    assert waits
    assert history == ["began", "shifted", "withdrawn"]
    assert serving(cloud)[0] == {"v1"}
    described = cloud.client("sagemaker").describe_model_package(ModelPackageName=arn)
    assert described["ApprovalDescription"] == "the release was withdrawn: its execution ended as ABORTED"


def audit(cloud, *arguments):
    done = cloud.run(HEADRACE, "audit", *arguments, "--json")
    return done.returncode, json.loads(done.stdout)


def entries(cloud, *arguments):
    """Return the entries of the ledger, the first one first."""
    return audit(cloud, "show", "rides", "--last", "999", *arguments)[1]["entries"][::-1]


def test_the_ledger_has_every_line_of_the_table_by_whom_and_why_and_is_whole(cloud, outputs, story):
    lines = [item for sk, item in items(cloud, "release").items() if sk.startswith("entry#")]

    def of_releases():
        return [entry for entry in entries(cloud) if "strategy" in entry["about"]]

    told = eventually(of_releases, lambda found: len(found) == len(lines))
    assert sorted((entry["event"], entry["by"]) for entry in told) == sorted(
        (line["event"]["S"], line["by"]["S"]) for line in lines
    )
    assert "complaints" in {entry["about"]["why"] for entry in told}
    first = entries(cloud)[0]
    assert (first["number"], first["event"]) == (1, "configured")
    code, verdict = audit(cloud, "verify", "rides")
    assert (code, verdict["intact"]) == (0, True)
    assert verdict["anchored"] == verdict["entries"]


def test_what_aws_own_tools_do_to_a_package_is_an_entry_by_whom_and_why(cloud, story):
    package = story["good"][0]["ModelPackageArn"]
    eve = cloud.as_role({"Action": "sagemaker:UpdateModelPackage", "Resource": package})
    eve("sagemaker").update_model_package(
        ModelPackageArn=package, ModelApprovalStatus="Rejected", ApprovalDescription="I do not like it"
    )

    def by_eve():
        return [each for each in entries(cloud, "--event", "package_changed") if each["by"].endswith("/test")]

    (found,) = eventually(by_eve)
    assert found["about"] == {"version": 4, "status": "Rejected", "why": "I do not like it"}
    approved = {
        each["about"]["version"] for each in entries(cloud) if each["about"].get("status") == "Approved"
    }
    assert approved >= {1, 2, 3, 4}


def test_nobody_but_its_writer_appends_and_nobody_deletes_or_writes_over(cloud, outputs, story):
    bucket = outputs["AuditBucketName"]
    everything = {"Effect": "Allow", "Action": "s3:*", "Resource": "*"}
    s3, first = cloud.as_role(everything)("s3"), "ledger/000000000001.json"
    new = {"Bucket": bucket, "Key": "ledger/000000009999.json", "Body": b"forged"}

    assert s3.get_object(Bucket=bucket, Key=first)["Body"].read().startswith(b'{"about":')
    for attempt in (
        lambda: s3.put_object(**new),
        lambda: s3.put_object(**new, IfNoneMatch="*"),
        lambda: s3.put_object(Bucket=bucket, Key=first, Body=b"forged"),
        lambda: s3.delete_object(Bucket=bucket, Key=first),
    ):
        with pytest.raises(ClientError, match="AccessDenied"):
            attempt()


def test_a_line_of_the_table_that_somebody_changes_is_an_entry(cloud, outputs, story):
    sk, line = next((sk, item) for sk, item in items(cloud, "release").items() if sk.startswith("entry#"))
    forged = {**line, "by": {"S": "arn:aws:iam::123456789012:user/eve"}}
    cloud.client("dynamodb").put_item(TableName=outputs["LedgerTableName"], Item=forged)

    def changed():
        return audit(cloud, "show", "rides", "--event", "line_changed")[1]["entries"]

    (entry,) = eventually(changed)
    assert entry["about"] == {"line": f"release/{sk}"}
    assert audit(cloud, "verify", "rides")[0] == 0


def test_the_trail_is_there_with_its_selectors(cloud, outputs):
    trails = cloud.client("cloudtrail")
    (trail,) = trails.describe_trails()["trailList"]

    assert (trail["Name"], trail["LogFileValidationEnabled"]) == ("headrace-rides", True)
    assert trails.get_trail_status(Name="headrace-rides")["IsLogging"]
    chosen = trails.get_event_selectors(TrailName="headrace-rides")["AdvancedEventSelectors"]
    assert len(chosen) == 5


def test_a_prediction_is_traced_to_its_model_while_it_is_captured_and_after_it_was_recorded(
    cloud, outputs, story
):
    answer = cloud.client("sagemaker-runtime").invoke_endpoint(
        EndpointName=ENDPOINT, ContentType="text/csv", Body="20\n", InferenceId="traced-1"
    )

    def traced():
        done = cloud.run(HEADRACE, "trace", "rides", "traced-1", "--json")
        return json.loads(done.stdout) if done.returncode == 0 else None

    (found,) = eventually(traced)["answers"]
    assert found["variant"] == answer["InvokedProductionVariant"]
    assert found["rows"][0]["prediction"] == answer["Body"].read().decode().strip()
    assert found["model"]["version"] == 1
    assert "without a provenance" in found["model"]["says"]
    assert [line["event"] for line in found["model"]["history"]][-1] == "rolled_back"


def test_an_entry_that_an_administrator_changes_after_lifting_the_policy_is_found_and_named(
    cloud, outputs, story
):
    s3, entry = cloud.client("s3"), {"Bucket": outputs["AuditBucketName"], "Key": "ledger/000000000002.json"}
    s3.delete_bucket_policy(Bucket=entry["Bucket"])
    written = s3.get_object(**entry)["Body"].read()
    s3.put_object(**entry, Body=written.replace(b'"by":"', b'"by":"not '))

    code, verdict = audit(cloud, "verify", "rides")

    assert (code, verdict["intact"]) == (1, False)
    assert {(found["number"], found["kind"]) for found in verdict["findings"]} == {
        (2, "altered"),
        (2, "forked"),
    }
