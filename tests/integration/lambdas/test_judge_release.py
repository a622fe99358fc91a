import io
import json
import tarfile
from datetime import UTC, datetime, timedelta

import boto3
import numpy as np
import pytest

from headrace.aws.baseline_documents import BaselineDocuments
from headrace.aws.model_archive import ArchiveError
from headrace.aws.release_log import Decision, ReleaseLog, RunningRelease
from headrace.config.pipeline import Pipeline
from headrace.ml.profile import profile_frame
from lambdas.judge_release import handler as judge_release
from tests.integration.ledger import create_ledger
from tests.unit.lambdas.captures import record

NOW = datetime.now(UTC).replace(microsecond=0)
BEGAN = NOW - timedelta(minutes=10)
PIPELINE = Pipeline(
    name="bike",
    problem="regression",
    target="cnt",
    endpoint={"kind": "realtime", "instance": "ml.m5.large"},
    release={"strategy": "canary"},
)
PLAN = {
    "variant": "v4",
    "run": "run-4",
    "model_data_url": "s3://artifacts/training/run-4/model.tar.gz",
    "release": {
        "strategy": "canary",
        "champion": {"version": 3, "variant": "v3", "name": "headrace-bike-v3-0a1b2c3d"},
        "challenger": {"version": 4, "variant": "v4", "name": "headrace-bike-v4-4e5f6a7b"},
        "started_at": (BEGAN - timedelta(minutes=5)).isoformat(),
        "deadline": (NOW + timedelta(days=14)).isoformat(),
        "shares": [0.1, 1.0],
        "interval_s": 600,
    },
}
EVENT = {"plan": PLAN, "step": 0, "execution": "run-1"}


def archive(**members):
    body = io.BytesIO()
    with tarfile.open(fileobj=body, mode="w:gz") as tar:
        for name, content in members.items():
            info = tarfile.TarInfo(f"{name}.json")
            info.size = len(content)
            tar.addfile(info, io.BytesIO(content))
    return body.getvalue()


def baseline():
    answers = np.random.default_rng(0).normal(100, 20, 2000)
    return json.dumps(profile_frame({}, [], predictions=answers).as_dict()).encode()


@pytest.fixture
def account(account, monkeypatch):
    """An account with a release's bucket and ledger, and the function in it."""
    for name, value in {
        "ARTIFACTS_BUCKET": "artifacts",
        "LEDGER_TABLE": "ledger",
        "ENDPOINT_NAME": "headrace-bike",
    }.items():
        monkeypatch.setenv(name, value)
    monkeypatch.setattr(judge_release, "bundled_pipeline", lambda: PIPELINE)
    judge_release._deps.cache_clear()
    boto3.client("s3").create_bucket(Bucket="artifacts")
    create_ledger()
    put("training/run-4/model.tar.gz", archive(baseline=baseline(), statistics=b"{}"))
    put("evaluations/run-4/performance.json", b'{"format": 1}')
    yield
    judge_release._deps.cache_clear()


def put(key, body):
    boto3.client("s3").put_object(Bucket="artifacts", Key=key, Body=body)


def get(key):
    return boto3.client("s3").get_object(Bucket="artifacts", Key=key)["Body"].read()


def capture(variant, mean, requests):
    answers = np.random.default_rng(1).normal(mean, 20, requests)
    lines = [
        record(f"{variant}-{number}", ["1,2"], [f"{answer:.3f}"], time=f"{BEGAN:%Y-%m-%dT%H:%M:%SZ}")
        for number, answer in enumerate(answers)
    ]
    put(f"capture/headrace-bike/{variant}/{BEGAN:%Y/%m/%d/%H}/a.jsonl", "\n".join(lines).encode())


def running(**changes):
    table = boto3.resource("dynamodb").Table("ledger")
    release = RunningRelease("run-1", PLAN, 0, 0.1, BEGAN.isoformat(), **changes)
    ReleaseLog(table).begin(release)


def test_a_look_reads_what_was_captured_and_leaves_report_page_and_memory(account):
    running()
    capture("v3", 100, 900)
    capture("v4", 101, 200)

    answer = judge_release.handler(EVENT, None)

    assert (answer["decision"], answer["share"]) == ("hold", 1.0)
    assert answer["figures"]["challenger_rows"] == 200
    report = json.loads(get(answer["report_key"]))
    assert report["shift"]["verdict"] == "no shift"
    assert b"v4 goes on" in get(answer["page_key"])
    assert json.loads(get("releases/v4/state.json"))["execution"] == "run-1"


def test_a_shifted_challenger_is_withdrawn_and_the_metric_says_so(account, capsys):
    running()
    capture("v3", 100, 900)
    capture("v4", 190, 200)

    answer = judge_release.handler(EVENT, None)

    (metric,) = [
        json.loads(line) for line in capsys.readouterr().out.splitlines() if "PredictionShift" in line
    ]
    assert answer["decision"] == "withdraw"
    assert metric["PredictionShift"][0] > 1
    assert (metric["Pipeline"], metric["Variant"]) == ("bike", "v4")


def test_a_decision_in_the_ledger_and_an_alarm_withdraw(account):
    running(decision=Decision("rollback", "ann", "no"))
    assert judge_release.handler(EVENT, None)["why"] == "somebody has asked for it"

    running()
    cloudwatch = boto3.client("cloudwatch")
    cloudwatch.put_metric_alarm(
        AlarmName="headrace-bike-release-errors",
        Namespace="AWS/SageMaker",
        MetricName="Invocation5XXErrors",
        Statistic="Sum",
        Period=60,
        EvaluationPeriods=1,
        Threshold=1,
        ComparisonOperator="GreaterThanOrEqualToThreshold",
    )
    cloudwatch.set_alarm_state(
        AlarmName="headrace-bike-release-errors", StateValue="ALARM", StateReason="three errors"
    )

    answer = judge_release.handler(EVENT, None)

    assert (answer["decision"], "headrace-bike-release-errors" in answer["why"]) == ("withdraw", True)


def test_by_what_a_model_is_watched_is_published_once(account):
    documents = BaselineDocuments(boto3.client("s3"), "artifacts")

    documents.publish(PLAN)
    put("baselines/v4/performance.json", b'{"format": 2}')
    documents.publish(PLAN)

    assert get("baselines/v4/baseline.json") == baseline()
    assert get("baselines/v4/statistics.json") == b"{}"
    assert json.loads(get("baselines/v4/performance.json")) == {"format": 2}


def test_a_model_without_a_baseline_says_so_and_leaves_nothing_that_looks_whole(account):
    put("training/run-4/model.tar.gz", archive(statistics=b"{}"))

    with pytest.raises(ArchiveError, match=r"baseline\.json"):
        BaselineDocuments(boto3.client("s3"), "artifacts").publish(PLAN)

    listed = boto3.client("s3").list_objects_v2(Bucket="artifacts", Prefix="baselines/v4/baseline")
    assert listed["KeyCount"] == 0


@pytest.mark.parametrize("run", ["run-0", ""])
def test_a_model_of_which_no_quality_is_known_is_published_without(account, run):
    BaselineDocuments(boto3.client("s3"), "artifacts").publish({**PLAN, "run": run})

    listed = boto3.client("s3").list_objects_v2(Bucket="artifacts", Prefix="baselines/v4/")
    assert [item["Key"] for item in listed["Contents"]] == [
        "baselines/v4/baseline.json",
        "baselines/v4/statistics.json",
    ]
