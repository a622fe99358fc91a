"""Managed spot training: instances that are taken back, and programs that go on from their checkpoints."""

import time

import pytest

from local_cloud.sagemaker.errors import ApiError
from tests.unit.local_cloud.sagemaker.training_cloud import TrainingCloud, eventually, numbers

# Counts to `last`, and writes each number down; begins where its checkpoint says.
PROGRAM = """
state = BASE / GIVEN.get("folder", "checkpoints") / "count.txt"
first = int(state.read_text()) + 1 if state.exists() else 1
say(f"from {first}")
def end(*_):
    say("asked to end")
    sys.exit(0 if GIVEN.get("polite") else 5)
signal.signal(signal.SIGTERM, end)
for number in range(first, int(GIVEN["last"]) + 1):
    if state.parent.exists():
        state.with_suffix(".new").write_text(str(number))
        state.with_suffix(".new").replace(state)
    say(f"score={number};")
    time.sleep(float(GIVEN.get("step_s", 0.05)))
(BASE / "model/count.txt").write_text(str(number))
"""
SPOT = {
    "EnableManagedSpotTraining": True,
    "StoppingCondition": {"MaxRuntimeInSeconds": 60, "MaxWaitTimeInSeconds": 120},
}
CHECKPOINTS = {"CheckpointConfig": {"S3Uri": "s3://bucket/checkpoints/one"}}


def statuses(job):
    return [step["Status"] for step in job["SecondaryStatusTransitions"]]


def printed(cloud, word):
    return [line for _, line in cloud.around.logs if word in line]


@pytest.mark.parametrize("when", ["0.6", "checkpoint"])
def test_an_interrupted_job_goes_on_from_its_checkpoint(tmp_path, when):
    cloud = TrainingCloud(tmp_path, PROGRAM, spot_interruption=when)

    job = cloud.train("job", {"last": 30}, **SPOT, **CHECKPOINTS)

    assert job["TrainingJobStatus"] == "Completed"
    assert statuses(job) == [
        *("Starting", "Downloading", "Training", "Interrupted"),
        *("Starting", "Downloading", "Training", "Uploading", "Completed"),
    ]
    assert cloud.model("job") == {"count.txt": "30"}
    assert cloud.objects["checkpoints/one/count.txt"] == b"30"
    once, again = printed(cloud, "from")
    assert once == "from 1"
    assert int(again.split()[1]) > 1
    assert printed(cloud, "asked to end") == ["asked to end"]
    numbers_seen = printed(cloud, "score=")
    assert len(numbers_seen) == len(set(numbers_seen)) == 30  # nothing twice, nothing left out


def test_a_program_that_ends_in_good_order_when_asked_is_begun_again_all_the_same(tmp_path):
    cloud = TrainingCloud(tmp_path, PROGRAM, spot_interruption="0.5")

    job = cloud.train("job", {"last": 20, "polite": 1}, **SPOT, **CHECKPOINTS)

    assert statuses(job).count("Interrupted") == 1
    assert cloud.model("job") == {"count.txt": "20"}


def test_a_job_is_interrupted_as_often_as_the_setting_says(tmp_path):
    cloud = TrainingCloud(tmp_path, PROGRAM, spot_interruption="0.5", spot_interruptions=2)

    job = cloud.train("job", {"last": 30}, **SPOT, **CHECKPOINTS)

    assert statuses(job).count("Interrupted") == 2
    assert cloud.model("job") == {"count.txt": "30"}


def test_without_checkpoints_an_interrupted_job_begins_anew(tmp_path):
    cloud = TrainingCloud(tmp_path, PROGRAM, spot_interruption="0.4")

    job = cloud.train("job", {"last": 12}, **SPOT)

    assert job["TrainingJobStatus"] == "Completed"
    assert printed(cloud, "from") == ["from 1", "from 1"]


def test_on_demand_jobs_are_never_interrupted_and_billed_in_full(tmp_path):
    cloud = TrainingCloud(tmp_path, PROGRAM, spot_interruption="0.1")

    job = cloud.train("job", {"last": 12}, **CHECKPOINTS)

    assert "Interrupted" not in statuses(job)
    assert job["BillableTimeInSeconds"] == job["TrainingTimeInSeconds"]
    assert cloud.objects["checkpoints/one/count.txt"] == b"12"


def test_spot_training_is_billed_for_less_than_its_time(tmp_path):
    cloud = TrainingCloud(tmp_path, PROGRAM)

    job = cloud.train("job", {"last": 3, "step_s": 0.5}, **SPOT)

    assert job["BillableTimeInSeconds"] < job["TrainingTimeInSeconds"]


def test_checkpoints_are_stored_while_the_job_runs_and_restored_for_the_next_one(tmp_path):
    cloud = TrainingCloud(tmp_path, PROGRAM)
    cloud.start("long", {"last": 1000}, **CHECKPOINTS)

    eventually(lambda: int(cloud.objects["checkpoints/one/count.txt"]) > 3)
    cloud.call("StopTrainingJob", TrainingJobName="long")
    cloud.engine.jobs["TrainingJob"].wait("long")
    last = int(cloud.objects["checkpoints/one/count.txt"])
    cloud.train("next", {"last": last + 2}, **CHECKPOINTS)

    assert printed(cloud, "from")[-1] == f"from {last + 1}"


def test_the_local_path_of_checkpoints_is_below_the_base_folder(tmp_path):
    cloud = TrainingCloud(tmp_path, PROGRAM, spot_interruption="checkpoint")
    config = {"CheckpointConfig": {"S3Uri": "s3://bucket/c", "LocalPath": "/opt/ml/state/here"}}

    cloud.train("job", {"last": 30, "folder": "state/here"}, **SPOT, **config)

    assert cloud.objects["c/count.txt"] == b"30"
    assert len(printed(cloud, "from")) == 2


def test_a_job_that_waits_too_long_is_stopped(tmp_path):
    cloud = TrainingCloud(tmp_path, PROGRAM, spot_interruption="0.3", spot_interruptions=99)
    condition = {"StoppingCondition": {"MaxRuntimeInSeconds": 2, "MaxWaitTimeInSeconds": 2}}

    job = cloud.train("job", {"last": 1000}, **SPOT | condition)

    assert job["TrainingJobStatus"] == "Stopped"
    assert job["SecondaryStatus"] in ("MaxWaitTimeExceeded", "MaxRuntimeExceeded")
    assert "Interrupted" in statuses(job)


def test_a_job_can_be_stopped_while_it_waits_for_instances(tmp_path):
    cloud = TrainingCloud(tmp_path, PROGRAM, spot_interruption="0.1")
    cloud.around.clock.wait = lambda seconds: time.sleep(0.05)
    cloud.start("job", {"last": 1000}, **SPOT)

    eventually(lambda: cloud.engine.jobs["TrainingJob"].find("job")["SecondaryStatus"] == "Interrupted")
    cloud.call("StopTrainingJob", TrainingJobName="job")
    record = cloud.engine.jobs["TrainingJob"].wait("job")

    assert record["TrainingJobStatus"] == record["SecondaryStatus"] == "Stopped"


@pytest.mark.parametrize(
    ("spot", "wait", "words"),
    [
        (True, {}, "must be present and be greater than or equal to MaxRuntimeInSeconds"),
        (True, {"MaxWaitTimeInSeconds": 59}, "must be present and be greater than or equal"),
        (False, {"MaxWaitTimeInSeconds": 60}, "only supported when EnableManagedSpotTraining is set to true"),
    ],
)
def test_a_waiting_time_must_fit_the_kind_of_instances(tmp_path, spot, wait, words):
    cloud = TrainingCloud(tmp_path, PROGRAM)
    fields = {
        "EnableManagedSpotTraining": spot,
        "StoppingCondition": {"MaxRuntimeInSeconds": 60, **wait},
    }

    with pytest.raises(ApiError, match=words):
        cloud.start("job", **fields)
    with pytest.raises(ApiError, match=words):
        cloud.tune("t", numbers("x", 0, 1), definition=fields)


def test_the_trials_of_a_tuning_job_may_be_interrupted_and_have_checkpoints_of_their_own(tmp_path):
    cloud = TrainingCloud(tmp_path, PROGRAM, spot_interruption="checkpoint")
    definition = {**SPOT, **CHECKPOINTS, "StaticHyperParameters": {"last": "15"}}

    job = cloud.tune("t", numbers("x", 0, 1), jobs=2, parallel=2, definition=definition)

    assert job["TrainingJobStatusCounters"]["Completed"] == 2
    for trial in cloud.trials("t"):
        assert cloud.objects[f"checkpoints/one/{trial['TrainingJobName']}/count.txt"] == b"15"
        assert trial["FinalHyperParameterTuningJobObjectiveMetric"]["Value"] == 15


def test_an_error_of_the_service_is_tried_again_as_often_as_the_strategy_says(tmp_path, monkeypatch):
    cloud = TrainingCloud(tmp_path, PROGRAM)
    failures = [OSError("lost"), OSError("lost again")]

    def failing(*arguments):
        if failures:
            raise failures.pop()
        return original(*arguments)

    jobs = cloud.engine.jobs["TrainingJob"]
    original = jobs._container
    monkeypatch.setattr(jobs, "_container", failing)

    retried = cloud.train("job", {"last": 1}, RetryStrategy={"MaximumRetryAttempts": 2})
    failures.append(OSError("lost for good"))
    failed = cloud.train("other", {"last": 1})

    assert retried["TrainingJobStatus"] == "Completed"
    assert statuses(retried).count("Starting") == 3
    assert failed["TrainingJobStatus"] == "Failed"
    assert failed["FailureReason"].startswith("InternalServerError")


def test_a_job_that_runs_cannot_be_deleted_and_one_that_has_ended_leaves_its_name(tmp_path):
    cloud = TrainingCloud(tmp_path, PROGRAM)
    cloud.start("job", {"last": 1000})

    with pytest.raises(ApiError, match="is in status InProgress") as refused:
        cloud.call("DeleteTrainingJob", TrainingJobName="job")
    cloud.call("StopTrainingJob", TrainingJobName="job")
    cloud.engine.jobs["TrainingJob"].wait("job")
    cloud.call("DeleteTrainingJob", TrainingJobName="job")

    assert refused.value.code == "ResourceInUse"
    assert cloud.train("job", {"last": 1})["TrainingJobStatus"] == "Completed"
