"""Tuning jobs whose training jobs are real processes."""

import re
import time

import pytest

from local_cloud.sagemaker.errors import ApiError
from tests.unit.local_cloud.sagemaker.training_cloud import (
    ROLE,
    TrainingCloud,
    categories,
    eventually,
    numbers,
)

PROGRAM = """
x = float(GIVEN.get("x", 0)) - {"a": 0, "b": 1}[GIVEN.get("kind", "a")]
if "fail" in GIVEN:
    sys.exit(1)
if GIVEN.get("mute"):
    sys.exit(0)
for epoch in range(int(GIVEN.get("epochs", 1))):
    say(f"score={1 - (x - 0.3) ** 2 - 0.1 / (epoch + 1):.6f};")
    time.sleep(float(GIVEN.get("epoch_s", 0)))
"""
LINE = numbers("x", 0, 1)


@pytest.fixture
def cloud(tmp_path):
    return TrainingCloud(tmp_path, PROGRAM)


def values(cloud, name):
    return [float(trial["TunedHyperParameters"]["x"]) for trial in cloud.trials(name)]


def final(trial):
    return trial["FinalHyperParameterTuningJobObjectiveMetric"]["Value"]


def reached(trial, epochs):
    """Whether a trial's objective is that of so many epochs: Hyperband may stop one that has just had them all."""
    x = float(trial["TunedHyperParameters"]["x"])
    return final(trial) == pytest.approx(1 - (x - 0.3) ** 2 - 0.1 / epochs, abs=2e-6)


@pytest.mark.parametrize(("strategy", "jobs"), [("Random", 12), ("Bayesian", 12), ("Hyperband", 12)])
def test_a_search_finds_a_planted_optimum(cloud, strategy, jobs):
    config = (
        {"StrategyConfig": {"HyperbandStrategyConfig": {"MinResource": 1, "MaxResource": 4}}}
        if strategy == "Hyperband"
        else {}
    )
    job = cloud.tune(
        "t",
        LINE,
        strategy=strategy,
        jobs=jobs,
        parallel=2,
        config=config,
        definition={"StaticHyperParameters": {"epochs": "4"}},
    )

    assert job["HyperParameterTuningJobStatus"] == "Completed"
    assert sum(job["TrainingJobStatusCounters"].values()) == jobs
    best = job["BestTrainingJob"]
    assert float(best["TunedHyperParameters"]["x"]) == pytest.approx(0.3, abs=0.12)
    assert final(best) == max(final(trial) for trial in cloud.trials("t") if reached(trial, epochs=4))


def test_a_grid_is_exhaustive_and_needs_no_number(cloud):
    job = cloud.tune(
        "grid", categories(x=["0", "0.3", "0.6"], kind=["a", "b"]), strategy="Grid", jobs=None, parallel=3
    )

    tried = {tuple(sorted(trial["TunedHyperParameters"].items())) for trial in cloud.trials("grid")}
    assert tried == {(("kind", kind), ("x", x)) for kind in "ab" for x in ("0", "0.3", "0.6")}
    assert job["BestTrainingJob"]["TunedHyperParameters"] == {"kind": "a", "x": "0.3"}
    assert job["TrainingJobStatusCounters"]["Completed"] == 6


def test_training_jobs_are_those_of_the_engine_with_the_names_that_aws_gives_them(cloud):
    job = cloud.tune(
        "hpo",
        LINE,
        jobs=2,
        definition={"StaticHyperParameters": {"epochs": "2"}},
        Tags=[{"Key": "team", "Value": "one"}],
    )

    first, second = cloud.trials("hpo")
    assert re.fullmatch(r"hpo-001-[0-9a-f]{8}", first["TrainingJobName"])
    assert re.fullmatch(r"hpo-002-[0-9a-f]{8}", second["TrainingJobName"])
    trained = cloud.engine.call("DescribeTrainingJob", {"TrainingJobName": first["TrainingJobName"]})
    assert trained["TuningJobArn"] == job["HyperParameterTuningJobArn"]
    assert trained["RoleArn"] == ROLE
    assert trained["HyperParameters"] == {
        "_tuning_objective_metric": "score",
        "epochs": "2",
        "x": first["TunedHyperParameters"]["x"],
    }
    assert trained["ModelArtifacts"]["S3ModelArtifacts"].endswith(
        f"{first['TrainingJobName']}/output/model.tar.gz"
    )
    tags = cloud.call("ListTags", ResourceArn=trained["TrainingJobArn"])["Tags"]
    assert tags == [{"Key": "team", "Value": "one"}]


@pytest.mark.parametrize("strategy", ["Random", "Bayesian"])
@pytest.mark.parametrize("parallel", [1, 3])
def test_the_same_seed_gives_the_same_search_however_long_trials_take(cloud, strategy, parallel):
    slow = {"StaticHyperParameters": {"epoch_s": "0.1"}}
    cloud.tune("fast", LINE, strategy=strategy, jobs=6, parallel=parallel)
    cloud.tune("slow", LINE, strategy=strategy, jobs=6, parallel=parallel, definition=slow)

    assert values(cloud, "fast") == values(cloud, "slow")


def test_trials_that_are_stopped_early_do_not_make_the_search_depend_on_time(cloud):
    config = {"TrainingJobEarlyStoppingType": "Auto"}
    for name, epoch_s in (("fast", "0"), ("slow", "0.1")):
        static = {"StaticHyperParameters": {"epochs": "6", "epoch_s": epoch_s}}
        cloud.tune(name, LINE, strategy="Bayesian", jobs=8, parallel=2, config=config, definition=static)

    assert values(cloud, "fast") == values(cloud, "slow")
    stopped = [trial for trial in cloud.trials("slow") if trial["TrainingJobStatus"] == "Stopped"]
    assert stopped


def test_as_many_trials_run_at_the_same_time_as_may(cloud):
    long = {"StaticHyperParameters": {"epochs": "50", "epoch_s": "0.1"}}
    request = cloud.tuning_request("t", LINE, jobs=6, parallel=3, definition=long)
    cloud.call("CreateHyperParameterTuningJob", **request)

    eventually(lambda: len({stream for stream, _ in cloud.around.logs}) == 3)
    time.sleep(0.3)

    assert cloud.described("t")["TrainingJobStatusCounters"]["InProgress"] == 3
    with pytest.raises(ApiError, match="is in status InProgress"):
        cloud.call("DeleteHyperParameterTuningJob", HyperParameterTuningJobName="t")
    cloud.call("StopHyperParameterTuningJob", HyperParameterTuningJobName="t")
    cloud.engine.jobs["HyperParameterTuningJob"].wait("t")
    job = cloud.described("t")
    assert job["HyperParameterTuningJobStatus"] == "Stopped"
    assert job["TrainingJobStatusCounters"]["Stopped"] == 3
    assert job["ObjectiveStatusCounters"] == {"Succeeded": 3, "Pending": 0, "Failed": 0}


BAD_AFTER_GOOD = categories(x=["0.3", "0.31", "0.9"])


@pytest.mark.parametrize(
    "stopping",
    [
        {"TrainingJobEarlyStoppingType": "Auto"},
        {"Strategy": "Hyperband", "StrategyConfig": {"HyperbandStrategyConfig": {"MaxResource": 400}}},
    ],
)
def test_a_bad_trial_is_stopped_while_it_runs(cloud, stopping):
    epochs = {"StaticHyperParameters": {"epochs": "30", "epoch_s": "0.02"}}
    if "Strategy" in stopping:
        stopping = {**stopping, "RandomSeed": 3}
        job = cloud.tune("t", LINE, strategy="Hyperband", jobs=6, config=stopping, definition=epochs)
    else:
        job = cloud.tune("t", BAD_AFTER_GOOD, strategy="Grid", jobs=3, config=stopping, definition=epochs)

    counts = job["TrainingJobStatusCounters"]
    assert counts["Stopped"] >= 1
    assert counts["Completed"] >= 1
    assert job["ObjectiveStatusCounters"]["Failed"] == 0
    stopped = [trial for trial in cloud.trials("t") if trial["TrainingJobStatus"] == "Stopped"]
    assert all(final(trial) < final(job["BestTrainingJob"]) for trial in stopped)
    for trial in stopped:
        printed = [line for stream, line in cloud.around.logs if stream.startswith(trial["TrainingJobName"])]
        assert len(printed) < 30


def test_hyperband_stops_a_trial_that_had_all_its_epochs_and_it_may_be_the_best(cloud):
    endless = {"StaticHyperParameters": {"epochs": "1000", "epoch_s": "0.02"}}
    config = {"StrategyConfig": {"HyperbandStrategyConfig": {"MinResource": 3, "MaxResource": 3}}}

    job = cloud.tune("t", LINE, strategy="Hyperband", jobs=2, config=config, definition=endless)

    assert job["TrainingJobStatusCounters"]["Stopped"] == 2
    assert final(job["BestTrainingJob"]) == max(final(trial) for trial in cloud.trials("t"))


def test_a_tuning_job_ends_when_its_target_is_reached(cloud):
    job = cloud.tune(
        "t",
        categories(x=["0.9", "0.3", "0.2", "0.1"]),
        strategy="Grid",
        jobs=4,
        config={"TuningJobCompletionCriteria": {"TargetObjectiveMetricValue": 0.9}},
    )

    assert job["HyperParameterTuningJobStatus"] == "Completed"
    assert len(cloud.trials("t")) == 2
    assert job["ConsumedResources"]["RuntimeInSeconds"] >= 0


def test_a_tuning_job_ends_after_its_time_and_keeps_what_it_has(cloud):
    request = cloud.tuning_request(
        "t", LINE, jobs=50, definition={"StaticHyperParameters": {"epochs": "2", "epoch_s": "0.1"}}
    )
    request["HyperParameterTuningJobConfig"]["ResourceLimits"]["MaxRuntimeInSeconds"] = 1
    cloud.engine.jobs["HyperParameterTuningJob"].create(request)  # AWS's least is two minutes
    cloud.engine.jobs["HyperParameterTuningJob"].wait("t")

    job = cloud.engine.call("DescribeHyperParameterTuningJob", {"HyperParameterTuningJobName": "t"})
    assert job["HyperParameterTuningJobStatus"] == "Completed"
    assert 0 < sum(job["TrainingJobStatusCounters"].values()) < 50
    assert job["TrainingJobStatusCounters"]["InProgress"] == 0


def test_a_tuning_job_none_of_whose_trials_succeeds_fails_after_five(cloud):
    job = cloud.tune("t", LINE, jobs=9, definition={"StaticHyperParameters": {"fail": "1"}})

    assert job["HyperParameterTuningJobStatus"] == "Failed"
    assert job["FailureReason"].startswith("No training job succeeded after 5 attempts.")
    assert job["TrainingJobStatusCounters"]["NonRetryableError"] == 5
    assert job["ObjectiveStatusCounters"]["Failed"] == 5
    assert "BestTrainingJob" not in job


def test_a_tuning_job_whose_trials_print_no_objective_fails(cloud):
    job = cloud.tune("t", LINE, jobs=2, definition={"StaticHyperParameters": {"mute": "1"}})

    assert job["HyperParameterTuningJobStatus"] == "Failed"
    assert job["FailureReason"].startswith("No objective metrics found after running 2 training jobs.")
    assert job["TrainingJobStatusCounters"]["Completed"] == 2


def warm(kind, *parents):
    return {
        "WarmStartConfig": {
            "WarmStartType": kind,
            "ParentHyperParameterTuningJobs": [{"HyperParameterTuningJobName": name} for name in parents],
        }
    }


def test_a_warm_start_on_identical_data_knows_the_best_of_all(cloud):
    parent = cloud.tune("parent", numbers("x", 0.29, 0.31), jobs=3)

    job = cloud.tune(
        "child",
        numbers("x", 0.2, 0.9),
        strategy="Bayesian",
        jobs=2,
        **warm("IdenticalDataAndAlgorithm", "parent"),
    )

    assert job["OverallBestTrainingJob"] == parent["BestTrainingJob"]
    assert job["OverallBestTrainingJob"]["TuningJobName"] == "parent"
    assert job["BestTrainingJob"]["TuningJobName"] == "child"


def test_a_warm_start_on_other_data_begins_with_the_parents_best(cloud):
    parent = cloud.tune("parent", LINE, jobs=4)

    job = cloud.tune("child", LINE, jobs=2, **warm("TransferLearning", "parent"))

    assert (
        cloud.trials("child")[0]["TunedHyperParameters"] == parent["BestTrainingJob"]["TunedHyperParameters"]
    )
    assert "OverallBestTrainingJob" not in job


def test_a_parent_must_have_ended_and_have_the_same_objective_and_hyperparameters(cloud):
    cloud.tune("parent", LINE, jobs=1)
    kind = warm("IdenticalDataAndAlgorithm", "parent")
    one_more = cloud.tuning_request("a", LINE, definition={"StaticHyperParameters": {"epochs": "1"}}, **kind)
    other_type = cloud.tuning_request("b", categories(x=["0.1"]), **kind)
    nobody = cloud.tuning_request("c", LINE, **warm("TransferLearning", "nobody"))
    grid = cloud.tuning_request("d", categories(x=["0.1"]), strategy="Grid", jobs=1, **kind)
    minimize = cloud.tuning_request(
        "e",
        LINE,
        config={"HyperParameterTuningJobObjective": {"Type": "Minimize", "MetricName": "score"}},
        **kind,
    )

    for request, words in [
        (one_more, "number of static and tunable"),
        (other_type, "type of x"),
        (nobody, "can't find"),
        (grid, "Grid"),
        (minimize, "objective metric must be the same"),
    ]:
        with pytest.raises(ApiError, match=words):
            cloud.call("CreateHyperParameterTuningJob", **request)


def test_training_jobs_are_listed_by_name_by_objective_and_by_status(cloud):
    cloud.tune("t", LINE, jobs=4)

    by_objective = cloud.trials("t", SortBy="FinalObjectiveMetricValue", SortOrder="Descending")
    assert [final(trial) for trial in by_objective] == sorted(map(final, cloud.trials("t")), reverse=True)
    assert cloud.trials("t", StatusEquals="Failed") == []


def test_tuning_jobs_are_listed_and_deleted_and_their_training_jobs_stay(cloud):
    cloud.tune("t", LINE, jobs=1)
    [trial] = cloud.trials("t")

    [summary] = cloud.call("ListHyperParameterTuningJobs")["HyperParameterTuningJobSummaries"]
    cloud.call("DeleteHyperParameterTuningJob", HyperParameterTuningJobName="t")

    assert summary["Strategy"] == "Random"
    assert summary["ResourceLimits"]["MaxNumberOfTrainingJobs"] == 1
    with pytest.raises(ApiError, match="can't find"):
        cloud.described("t")
    assert cloud.engine.call("DescribeTrainingJob", {"TrainingJobName": trial["TrainingJobName"]})


def test_events_tell_of_the_beginning_and_the_end(cloud):
    cloud.tune("t", LINE, jobs=1)

    kind = "SageMaker HyperParameter Tuning Job State Change"
    told = [detail["HyperParameterTuningJobStatus"] for name, detail in cloud.around.events if name == kind]
    assert (told[0], told[-1]) == ("InProgress", "Completed")


def test_a_tuning_job_that_a_killed_server_left_behind_has_failed(cloud, tmp_path):
    cloud.tune("t", LINE, jobs=1)
    state = cloud.engine.records.dump()
    state["tables"]["HyperParameterTuningJob"]["t"]["HyperParameterTuningJobStatus"] = "InProgress"
    second = TrainingCloud(tmp_path / "second", PROGRAM)

    second.engine.load(state)

    assert second.described("t")["HyperParameterTuningJobStatus"] == "Failed"
    assert second.described("t")["FailureReason"].startswith("InternalServerError")
