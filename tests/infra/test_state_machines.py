import json
from itertools import product

import pytest

from headrace.config.endpoint import Endpoint
from tests.infra.pipeline_stacks import templates
from tests.infra.state_machines import (
    complaints,
    dangling,
    definitions,
    expressions,
    flaws,
    parses,
    tasks,
    unreachable,
)

VARIANTS = {
    "serverless": "{}",
    "realtime": json.dumps(
        {"endpoint": {"kind": "realtime", "scaling": {"min": 2, "max": 8, "target": 600}}}
    ),
    **{
        strategy: json.dumps({"endpoint": {"kind": "realtime"}, "release": {"strategy": strategy}})
        for strategy in ("canary", "shadow")
    },
    "a person has the last word": json.dumps(
        {"endpoint": {"kind": "realtime"}, "release": {"strategy": "ab", "promote": "manual"}}
    ),
    "batch": json.dumps({"endpoint": {"kind": "batch"}}),
    "manual approval": json.dumps({"approval": "manual"}),
    "tuning": json.dumps({"training": {"tuning": {"warm_start": True}}}),
    "local disk": json.dumps({"training": {"instance": "ml.g5.xlarge", "estimator": "torch"}}),
}


MACHINES = ("Training", "Deployment")


def definition_of(name, options="{}"):
    found = {k: d for t in templates(options) for k, d in definitions(t).items()}
    return next(definition for key, definition in found.items() if key.startswith(name))


@pytest.fixture
def definition(request):
    """The definition of one machine of one variant, synthesised when a test asks: workers collect what others run."""
    variant, name = request.param
    return definition_of(name, VARIANTS[variant])


every_machine = pytest.mark.parametrize(
    "definition",
    [pytest.param(pair, id=": ".join(pair)) for pair in product(VARIANTS, MACHINES)],
    indirect=True,
)


@pytest.mark.parametrize("variant", VARIANTS)
def test_there_are_no_other_machines(variant):
    found = [name for template in templates(VARIANTS[variant]) for name in definitions(template)]

    assert [name[: -len("1DBE9C16")] for name in found] == [*MACHINES]


@every_machine
def test_every_call_fits_the_input_shape_of_its_operation(definition):
    found = {name: complaints(state) for name, state in tasks(definition).items()}

    assert {name: what for name, what in found.items() if what} == {}


@every_machine
def test_every_transition_leads_to_a_state_and_every_state_is_reached(definition):
    assert dangling(definition) == []
    assert unreachable(definition) == []


@every_machine
def test_every_expression_is_jsonata(definition):
    found = list(expressions(definition))

    assert found
    assert [expression for expression in found if not parses(expression)] == []


@every_machine
def test_every_task_has_a_timeout_a_retry_with_jitter_and_a_catch(definition):
    closing = {"CloseRegistered", "CloseKept", "CloseFailed", "RollBack"}
    for name, state in tasks(definition).items():
        assert state["TimeoutSeconds"] > 0, name
        assert all(retry["JitterStrategy"] == "FULL" for retry in state["Retry"]), name
        assert name in closing or state["Catch"][-1]["ErrorEquals"] == ["States.ALL"], name


@every_machine
def test_the_query_language_is_set_once(definition):
    assert definition["QueryLanguage"] == "JSONata"
    assert not any("QueryLanguage" in state for state in definition["States"].values())


@every_machine
def test_the_whole_execution_ends_in_time(definition):
    assert definition["TimeoutSeconds"] > max(state["TimeoutSeconds"] for state in tasks(definition).values())


def test_jobs_are_isolated_and_encrypted():
    states = tasks(definition_of("Training"))
    train, network = states["TrainModel"]["Arguments"], states["EvaluateModel"]["Arguments"]["NetworkConfig"]

    assert train["EnableNetworkIsolation"] is True
    assert train["EnableInterContainerTrafficEncryption"] is True
    assert network == {"EnableNetworkIsolation": True, "EnableInterContainerTrafficEncryption": True}
    for cluster in (
        train["ResourceConfig"],
        states["EvaluateModel"]["Arguments"]["ProcessingResources"]["ClusterConfig"],
    ):
        assert cluster["VolumeKmsKeyId"]
    assert train["OutputDataConfig"]["KmsKeyId"]
    assert states["EvaluateModel"]["Arguments"]["ProcessingOutputConfig"]["KmsKeyId"]


def test_a_job_on_an_instance_with_a_disk_of_its_own_names_no_key_for_it():
    states = tasks(definition_of("Training", VARIANTS["local disk"]))

    assert "VolumeKmsKeyId" not in states["TrainModel"]["Arguments"]["ResourceConfig"]


def test_two_attempts_never_share_a_job_name():
    for name, argument in (("TrainModel", "TrainingJobName"), ("EvaluateModel", "ProcessingJobName")):
        assert "State.RetryCount" in tasks(definition_of("Training"))[name]["Arguments"][argument]


def test_a_model_waits_for_a_person_where_the_pipeline_says_so():
    assert "ApproveModel" in tasks(definition_of("Training"))
    assert "ApproveModel" not in tasks(definition_of("Training", VARIANTS["manual approval"]))
    registered = tasks(definition_of("Training"))["RegisterModel"]["Arguments"]
    assert registered["ModelApprovalStatus"] == "PendingManualApproval"


def test_a_serverless_endpoint_asks_for_nothing_that_sagemaker_refuses_it():
    states = tasks(definition_of("Deployment"))
    config = states["CreateEndpointConfig"]["Arguments"]

    assert "EnableNetworkIsolation" not in states["CreateModel"]["Arguments"]
    assert "DataCaptureConfig" not in config
    assert config["ProductionVariants"][0]["ServerlessConfig"] == {
        "MemorySizeInMB": 2048,
        "MaxConcurrency": 5,
    }


def test_a_real_time_endpoint_is_isolated_captured_encrypted_and_survives_the_loss_of_an_instance():
    states = tasks(definition_of("Deployment", VARIANTS["realtime"]))
    config = states["CreateEndpointConfig"]["Arguments"]

    assert states["CreateModel"]["Arguments"]["EnableNetworkIsolation"] is True
    assert config["KmsKeyId"]
    assert config["DataCaptureConfig"]["KmsKeyId"]
    assert config["DataCaptureConfig"]["InitialSamplingPercentage"] == 100
    assert config["ProductionVariants"][0]["InitialInstanceCount"] == "{% $plan.instances %}"
    assert Endpoint(kind="realtime").instances >= 2


@pytest.mark.parametrize(
    ("change", "complaint"),
    [
        ({"TrainingJobNam": "x"}, "CreateTrainingJob.TrainingJobNam does not exist"),
        (
            {"EnableNetworkIsolation": "yes"},
            "CreateTrainingJob.EnableNetworkIsolation is 'yes', not a boolean",
        ),
        ({"StoppingCondition": {"MaxRuntimeInSeconds": 0}}, "MaxRuntimeInSeconds is outside of 1..None"),
    ],
)
def test_a_call_that_sagemaker_would_refuse_is_noticed(change, complaint):
    state = tasks(definition_of("Training"))["TrainModel"]
    wrong = {**state, "Arguments": {**state["Arguments"], **change}}

    assert any(complaint in found for found in complaints(wrong))


def test_a_missing_argument_is_noticed():
    state = tasks(definition_of("Training"))["TrainModel"]
    arguments = {name: value for name, value in state["Arguments"].items() if name != "RoleArn"}

    assert "CreateTrainingJob.RoleArn is missing" in complaints({**state, "Arguments": arguments})


def test_an_unknown_operation_is_noticed():
    assert complaints({"Resource": "arn:aws:states:::sagemaker:createTrainingJobb.sync"}) == [
        "sagemaker has no operation CreateTrainingJobb"
    ]


def test_each_flaw_of_a_definition_is_told():
    wrong = {
        "StartAt": "Call",
        "States": {
            "Call": {"Type": "Task", "Resource": "arn:aws:states:::lambda:invoked", "Next": "Nowhere"},
            "Alone": {"Type": "Pass", "Output": "{% $( %}", "End": True},
        },
    }

    told = "; ".join(flaws(wrong))

    for flaw in ("Call: ", "Nowhere is no state", "Alone is not reached", "no JSONata:  $( "):
        assert flaw in told
