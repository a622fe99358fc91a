"""Trainings on several instances and on spot: their calls, and what their role may do."""

import json

import pytest
from aws_cdk.assertions import Template

from tests.infra.nag import findings
from tests.infra.pipeline_stacks import stacks, templates
from tests.infra.state_machines import definitions, flaws, tasks
from tests.infra.test_state_machines import definition_of
from tests.infra.test_training_stack import policies


def options(**training):
    return json.dumps({"training": training})


VARIANTS = {
    "spot": options(estimator="xgboost", instances=3, spot={"max_wait_minutes": 90}),
    "restarting": options(spot={}),
    "tuned": options(estimator="xgboost", instances=2, spot={}, tuning={"trials": 4}, max_usd=2.0),
    "gpu": options(estimator="torch", instance="ml.g4dn.xlarge", instances=2),
}


def states(variant):
    return tasks(definition_of("Training", VARIANTS[variant]))


@pytest.mark.parametrize("variant", VARIANTS)
def test_the_calls_the_transitions_and_the_expressions_are_right(variant):
    for definition in definitions(templates(VARIANTS[variant])[0]).values():
        assert flaws(definition) == []


def test_nothing_is_found_that_nobody_gave_a_reason_for():
    assert findings(stacks(VARIANTS["spot"])[1]) == []


def test_a_training_on_spot_instances_waits_and_keeps_checkpoints_and_the_evaluation_does_not():
    train, evaluate = states("spot")["TrainModel"], states("spot")["EvaluateModel"]
    arguments = train["Arguments"]

    assert arguments["ResourceConfig"]["InstanceCount"] == 3
    assert arguments["EnableManagedSpotTraining"] is True
    assert arguments["EnableInterContainerTrafficEncryption"] is True
    assert arguments["StoppingCondition"] == {"MaxRuntimeInSeconds": 3600, "MaxWaitTimeInSeconds": 5400}
    assert arguments["RetryStrategy"] == {"MaximumRetryAttempts": 2}
    assert arguments["CheckpointConfig"]["LocalPath"] == "/opt/ml/checkpoints"
    assert "/checkpoints/' & $guard.run" in json.dumps(arguments["CheckpointConfig"]["S3Uri"])
    assert train["TimeoutSeconds"] == 5400 + 1800
    assert evaluate["Arguments"]["ProcessingResources"]["ClusterConfig"]["InstanceCount"] == 1
    assert "EnableManagedSpotTraining" not in evaluate["Arguments"]


def test_what_keeps_no_progress_has_no_folder_for_it_and_no_right_to_one():
    arguments = states("restarting")["TrainModel"]["Arguments"]

    assert "CheckpointConfig" not in arguments
    assert arguments["StoppingCondition"]["MaxWaitTimeInSeconds"] == 7200
    assert "checkpoints/" not in json.dumps(templates(VARIANTS["restarting"])[0].to_json())


def test_only_the_training_job_may_use_checkpoints():
    may = {
        role
        for role, statements in policies(templates(VARIANTS["spot"])[0]).items()
        if "checkpoints/*" in json.dumps(statements)
    }

    assert [role.startswith("TrainingJobRole") for role in may] == [True]


def test_checkpoints_are_forgotten_a_week_after_the_longest_training():
    buckets = Template.from_stack(stacks(VARIANTS["spot"])[0]).find_resources("AWS::S3::Bucket").values()
    rules = [rule for bucket in buckets for rule in bucket["Properties"]["LifecycleConfiguration"]["Rules"]]

    assert [rule["ExpirationInDays"] for rule in rules if rule.get("Prefix") == "checkpoints/"] == [8]


def test_every_trial_of_a_search_is_such_a_training():
    definition = states("tuned")["TuneModel"]["Arguments"]["TrainingJobDefinition"]

    assert definition["ResourceConfig"]["InstanceCount"] == 2
    assert definition["EnableManagedSpotTraining"] is True
    # $2 pay four trials on two instances and the evaluation for 6956 s each, which is more than an hour.
    assert definition["StoppingCondition"] == {"MaxRuntimeInSeconds": 3600, "MaxWaitTimeInSeconds": 7200}
    assert set(definition) >= {"CheckpointConfig", "RetryStrategy"}


def test_a_local_disk_of_a_gpu_instance_takes_no_key():
    assert "VolumeKmsKeyId" not in states("gpu")["TrainModel"]["Arguments"]["ResourceConfig"]


def test_on_demand_nothing_of_it_is_asked_for():
    arguments = tasks(definition_of("Training"))["TrainModel"]["Arguments"]

    assert not {"EnableManagedSpotTraining", "CheckpointConfig", "RetryStrategy"} & set(arguments)
    assert arguments["StoppingCondition"] == {"MaxRuntimeInSeconds": 3600}
