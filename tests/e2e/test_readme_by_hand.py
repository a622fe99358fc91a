"""The whole loop with nothing but `cdk`, `aws s3 cp`, `aws sagemaker-runtime` and `aws cloudwatch`, as the README has it."""

import io
import json
import subprocess
import tarfile
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from tests.e2e.cloud import eventually, running
from tests.e2e.readme import REPO, blocks_under
from tests.e2e.signed import sign

HOURS = REPO / "demo/data/bike_sharing/hour.csv"
TIME_LIMIT_S = 400
# Where CDK's libraries are unpacked, once; else the home of this test would get 200 MB of its own.
UNPACKED = Path.home() / ".cache/aws/jsii/package-cache"


@pytest.fixture(scope="module")
def cloud(new_cloud):
    with running(new_cloud()) as cloud:
        yield cloud


@pytest.fixture(scope="module")
def shell(cloud, tmp_path_factory):
    """Run blocks of the README in a copy of the working tree, in one shell."""
    copy = tmp_path_factory.mktemp("checkout")
    for item in REPO.iterdir():
        if item.name not in ("tryout", "cdk.out", ".git"):
            (copy / item.name).symlink_to(item)

    def shell(*blocks):
        script = "set -euo pipefail\n" + "\n".join(blocks)
        environment = {
            "PATH": "/usr/local/bin:/usr/bin:/bin",
            "HOME": str(copy),
            "JSII_RUNTIME_PACKAGE_CACHE_ROOT": str(UNPACKED),
            "HEADRACE_PORT": str(cloud.settings.port),
            "HEADRACE_STATE": str(cloud.settings.state_dir),
        }
        done = subprocess.run(
            ["bash", "-c", script],
            cwd=copy,
            env=environment,
            capture_output=True,
            text=True,
            timeout=TIME_LIMIT_S,
            check=False,
        )
        assert done.returncode == 0, done.stdout[-3000:] + done.stderr[-3000:]
        return done.stdout

    shell.folder = copy
    return shell


@pytest.fixture(scope="module")
def story(shell):
    """Everything but the last block, which destroys; returns what was printed, and the folder of the files."""
    printed = shell(*blocks_under("By hand")[:-1])
    return printed, shell.folder / "tryout"


def predictions(path):
    return np.array([float(line) for line in Path(path).read_text().split()])


def truth_of(month):
    hours = pd.read_csv(HOURS)
    return hours[hours["dteday"].str.startswith(month)]["cnt"].to_numpy()


def rmse(predicted, true):
    return float(np.sqrt(np.mean((predicted - true) ** 2)))


def test_the_deployment_prints_the_lines_to_copy(story):
    _, folder = story
    outputs = {
        k: v for stack in json.loads((folder / "outputs.json").read_text()).values() for k, v in stack.items()
    }
    assert outputs["DropFilesHere"].startswith(f"aws s3 cp <file> s3://{outputs['DataBucketName']}/incoming/")
    assert outputs["InvokeLikeThis"].startswith(
        "aws sagemaker-runtime invoke-endpoint --endpoint-name headrace-bike "
    )


def test_the_model_knows_more_than_the_mean(story):
    _, folder = story
    predicted, true = predictions(folder / "predictions-2011-04.csv"), truth_of("2011-04")
    assert len(predicted) == len(true)
    assert rmse(predicted, true) < np.std(true)


def test_the_alarm_goes_off_for_a_drifted_feature(story):
    printed, _ = story
    assert "ALARM\tThreshold Crossed" in printed


def test_the_retrained_model_is_better_on_the_months_it_has_learned(story):
    _, folder = story
    old, new = predictions(folder / "predictions-2011-05.csv"), predictions(folder / "predictions.csv")
    assert rmse(new, truth_of("2011-05")) < rmse(old, truth_of("2011-05"))


def test_the_report_names_the_features(story, cloud):
    s3, artifacts = cloud.client("s3"), output(story, "ArtifactsBucketName")
    report = json.loads(s3.get_object(Bucket=artifacts, Key="drift/latest.json")["Body"].read())
    assert "temp" in report["drifted_features"]


def test_an_alarm_that_stays_on_retrains_once(story, cloud):
    machine = output(story, "TrainStateMachineArn")
    states = cloud.client("stepfunctions")
    runs = states.list_executions(stateMachineArn=machine)["executions"]
    outcomes = [
        json.loads(states.describe_execution(executionArn=run["executionArn"]).get("output") or "{}")
        for run in runs
    ]
    registered = [outcome["reason"] for outcome in outcomes if outcome.get("outcome") == "registered"]
    assert sorted(registered) == ["drift", "new_data"]


def test_the_model_knows_which_alarm_it_was_trained_because_of(story, cloud):
    sagemaker, group = cloud.client("sagemaker"), output(story, "ModelPackageGroupName")
    newest = sagemaker.list_model_packages(ModelPackageGroupName=group, SortOrder="Descending")
    arn = newest["ModelPackageSummaryList"][0]["ModelPackageArn"]
    metadata = sagemaker.describe_model_package(ModelPackageName=arn)["CustomerMetadataProperties"]

    assert metadata["reason"] == "drift"
    assert metadata["reason:alarm"] == output(story, "DriftAlarmName")
    assert "temp" in metadata["reason:about"].split()


def test_the_alarm_clears_when_the_new_model_is_asked_what_it_has_learned(story, cloud):
    headrace, watch = REPO / ".venv/bin/headrace", cloud.client("cloudwatch")
    learned = pd.read_csv(HOURS)
    learned = learned[learned["dteday"] < "2011-06"].drop(
        columns=["casual", "registered", "cnt"], errors="ignore"
    )
    months = [rows.to_csv(index=False) for _, rows in learned.groupby(learned["dteday"].str[:7])]

    def alarm():
        for month in months:
            cloud.client("sagemaker-runtime").invoke_endpoint(
                EndpointName="headrace-bike", ContentType="text/csv", Body=month
            )
        cloud.run(headrace, "check", "bike")
        (found,) = watch.describe_alarms(AlarmNames=[output(story, "DriftAlarmName")])["MetricAlarms"]
        return found["StateValue"]

    eventually(alarm, lambda state: state == "OK", within_s=60)

    def trainings():
        return json.loads(cloud.run(headrace, "trainings", "bike", "--json").stdout)

    seen = eventually(trainings, lambda seen: seen["alarms"] == [], within_s=30)
    first, retraining = reversed(seen["trainings"])
    assert (first["reason"], first["champion"], first["version"]) == ("new_data", None, 1)
    assert (retraining["reason"], retraining["champion"], retraining["version"]) == ("drift", 1, 2)
    assert retraining["cost_usd"] > 0
    assert "no_new_labels" in {refused["rule"] for refused in seen["refused"]}


def test_every_prediction_is_captured_with_its_model(story, cloud):
    s3, bucket = cloud.client("s3"), output(story, "ArtifactsBucketName")
    keys = [item["Key"] for item in s3.list_objects_v2(Bucket=bucket, Prefix="capture/")["Contents"]]
    assert any("/v1/" in key for key in keys)
    lines = [s3.get_object(Bucket=bucket, Key=key)["Body"].read() for key in keys]
    answered = b"\n".join(lines).count(b'"endpointOutput"')
    assert answered >= 1 + 2 + 1  # a day, two months, and at least one question to v2


def test_the_status_command_sees_it_all(story, cloud):
    seen = cloud.run(REPO / ".venv/bin/headrace", "status", "bike", "--json")

    status = json.loads(seen.stdout)
    assert (status["endpoint"]["status"], status["endpoint"]["serves"]) == ("InService", "v2")
    assert status["last_training"]["outcome"] == "registered"
    assert status["last_training"]["reason"] == "drift"
    assert status["awaiting_approval"] == []


def test_a_model_that_does_not_start_is_rolled_back_while_the_former_one_answers(story, cloud):
    sagemaker, group = cloud.client("sagemaker"), output(story, "ModelPackageGroupName")
    newest = sagemaker.list_model_packages(ModelPackageGroupName=group, SortOrder="Descending")
    good = sagemaker.describe_model_package(
        ModelPackageName=newest["ModelPackageSummaryList"][0]["ModelPackageArn"]
    )
    container = good["InferenceSpecification"]["Containers"][0]
    bucket, _, key = container["ModelDataUrl"].removeprefix("s3://").partition("/")
    broken = f"{key.rpartition('/')[0]}/broken/model.tar.gz"
    cloud.client("s3").put_object(Bucket=bucket, Key=broken, Body=archive({"manifest.json": b"{}"}))
    outputs = {"SigningKeyArn": output(story, "SigningKeyArn")}
    sign(cloud, outputs, "bike", f"s3://{bucket}/{broken}", good["ModelPackageVersion"] + 1)
    specification = {
        **good["InferenceSpecification"],
        "Containers": [{"Image": container["Image"], "ModelDataUrl": f"s3://{bucket}/{broken}"}],
    }

    arn = sagemaker.create_model_package(
        ModelPackageGroupName=group,
        InferenceSpecification=specification,
        ModelApprovalStatus="Approved",
        CustomerMetadataProperties=good["CustomerMetadataProperties"],
    )["ModelPackageArn"]

    def approval():
        return sagemaker.describe_model_package(ModelPackageName=arn)["ModelApprovalStatus"]

    eventually(approval, lambda status: status == "Rejected", within_s=90)
    eventually(
        lambda: sagemaker.describe_endpoint(EndpointName="headrace-bike"),
        lambda endpoint: endpoint["EndpointStatus"] == "InService",
        within_s=60,
    )
    endpoint = sagemaker.describe_endpoint(EndpointName="headrace-bike")
    assert [variant["VariantName"] for variant in endpoint["ProductionVariants"]] == ["v2"]
    rows = (story[1] / "rows.csv").read_bytes()
    answer = cloud.client("sagemaker-runtime").invoke_endpoint(
        EndpointName="headrace-bike", ContentType="text/csv", Body=rows
    )
    assert answer["InvokedProductionVariant"] == "v2"
    configs = {
        config["EndpointConfigName"] for config in sagemaker.list_endpoint_configs()["EndpointConfigs"]
    }
    assert {name.rpartition("-")[0] for name in configs} == {"headrace-bike-v1", "headrace-bike-v2"}
    assert {model["ModelName"] for model in sagemaker.list_models()["Models"]} == configs


def archive(files):
    """Return a ``model.tar.gz`` of these files."""
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w:gz") as tar:
        for name, body in files.items():
            member = tarfile.TarInfo(name)
            member.size = len(body)
            tar.addfile(member, io.BytesIO(body))
    return buffer.getvalue()


def test_destroy_leaves_nothing_that_bills(story, shell, cloud):
    environment, destroy = blocks_under("By hand")[0], blocks_under("By hand")[-1]
    shell(environment.replace("cdk bootstrap", "true"), destroy)
    sagemaker = cloud.client("sagemaker")
    assert sagemaker.list_endpoints()["Endpoints"] == []
    assert sagemaker.list_endpoint_configs()["EndpointConfigs"] == []
    assert sagemaker.list_models()["Models"] == []
    assert sagemaker.list_model_package_groups()["ModelPackageGroupSummaryList"] == []
    buckets = [bucket["Name"] for bucket in cloud.client("s3").list_buckets()["Buckets"]]
    assert [name for name in buckets if not name.startswith("cdk-")] == []
    assert cloud.client("dynamodb").list_tables()["TableNames"] == []
    assert cloud.client("lambda").list_functions()["Functions"] == []
    assert cloud.client("ecr").describe_repositories()["repositories"][1:] == []
    assert [g["Name"] for g in cloud.client("glue").get_databases()["DatabaseList"]] == []
    groups = cloud.client("logs").describe_log_groups()["logGroups"]
    assert {group["logGroupName"] for group in groups} <= {
        "/aws/sagemaker/TrainingJobs",  # one for the whole account, which SageMaker makes
        "/aws/sagemaker/ProcessingJobs",
    }


def output(story, name):
    _, folder = story
    stacks = json.loads((folder / "outputs.json").read_text())
    return next(outputs[name] for outputs in stacks.values() if name in outputs)
