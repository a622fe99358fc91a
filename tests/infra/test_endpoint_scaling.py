import json

import pytest

from tests.infra.nag import findings
from tests.infra.pipeline_stacks import stacks, templates
from tests.infra.state_machines import definitions
from tests.infra.test_state_machines import VARIANTS
from tests.infra.test_training_stack import actions, policies

SCALED = VARIANTS["realtime"]
SCOPE = {
    "application-autoscaling:service-namespace": "sagemaker",
    "application-autoscaling:scalable-dimension": "sagemaker:variant:DesiredInstanceCount",
}


@pytest.fixture(scope="module")
def template():
    return templates(SCALED)[1]


@pytest.fixture(scope="module")
def states(template):
    (definition,) = definitions(template).values()
    return definition["States"]


@pytest.fixture(scope="module")
def statements(template):
    (name,) = (role for role in policies(template) if role.startswith("ScalingFunctionRole"))
    return policies(template)[name]


def about(statements, action):
    (found,) = (statement for statement in statements if action in actions(statement))
    return found


def test_nothing_is_found_that_nobody_gave_a_reason_for():
    assert findings(stacks(SCALED)[2]) == []


def test_without_the_block_there_is_nothing_of_it():
    template = templates()[1]

    (definition,) = definitions(template).values()
    assert not template.find_resources("Custom::EndpointScaling")
    assert not any("Scal" in state for state in definition["States"])


def test_an_update_waits_until_no_variant_scales_and_no_instance_comes_or_goes(states):
    assert states["EndpointExists"]["Choices"][0]["Next"] == "StopScaling"
    assert states["StopScaling"]["Next"] == "IsSettled"
    assert states["IsSettled"]["Choices"][0]["Next"] == "UpdateEndpoint"
    assert (states["IsSettled"]["Default"], states["WaitForInstances"]["Next"]) == (
        "WaitForInstances",
        "StopScaling",
    )


def test_a_model_is_in_service_only_when_it_scales(states):
    assert (states["SmokeTest"]["Next"], states["ScaleEndpoint"]["Next"]) == ("ScaleEndpoint", "PublishModel")


def test_a_roll_back_takes_no_scalable_target_away_and_gives_the_old_model_its_scaling_back(states):
    (caught,) = states["PublishModel"]["Catch"]
    assert (caught["Next"], states["StopScalingAgain"]["Next"]) == ("StopScalingAgain", "RollBack")
    assert states["IsRolledBack"]["Choices"][0]["Next"] == "RestoreScaling"
    assert states["RestoreScaling"]["Next"] == "HasFailed"


def test_the_configuration_begins_with_as_many_instances_as_the_plan_says(states):
    (variant,) = states["CreateEndpointConfig"]["Arguments"]["ProductionVariants"]

    assert variant["InitialInstanceCount"] == "{% $plan.instances %}"


def test_only_instances_of_sagemakers_variants_may_be_made_to_scale(statements):
    register = about(statements, "application-autoscaling:RegisterScalableTarget")

    assert register["Condition"] == {"StringEquals": SCOPE}
    assert ":scalable-target/*" in json.dumps(register["Resource"])


def test_only_the_role_of_scaling_endpoints_may_be_made(statements):
    role = about(statements, "iam:CreateServiceLinkedRole")

    assert "AWSServiceRoleForApplicationAutoScaling_SageMakerEndpoint" in json.dumps(role["Resource"])
    assert role["Condition"] == {
        "StringEquals": {"iam:AWSServiceName": "sagemaker.application-autoscaling.amazonaws.com"}
    }


def test_only_this_endpoint_may_be_resized_and_only_its_alarms_written(statements):
    sizes = json.dumps(about(statements, "sagemaker:UpdateEndpointWeightsAndCapacities")["Resource"])
    alarms = json.dumps(about(statements, "cloudwatch:PutMetricAlarm")["Resource"])
    deleted = json.dumps(about(statements, "cloudwatch:DeleteAlarms")["Resource"])

    assert ":endpoint/headrace-bike" in sizes
    assert ":alarm:TargetTracking-endpoint/headrace-bike/variant/*" in alarms
    assert "-backlog-without-capacity" not in alarms
    assert ":alarm:headrace-bike-backlog-without-capacity" in deleted


def test_what_wakes_the_first_instance_may_be_written_where_endpoints_go_to_sleep():
    asleep = json.dumps(
        {"endpoint": {"kind": "asynchronous", "scaling": {"min": 0, "max": 2, "by": "backlog", "target": 4}}}
    )
    (name,) = (role for role in policies(templates(asleep)[1]) if role.startswith("ScalingFunctionRole"))

    alarms = json.dumps(about(policies(templates(asleep)[1])[name], "cloudwatch:PutMetricAlarm")["Resource"])

    assert ":alarm:headrace-bike-backlog-without-capacity" in alarms


def test_scaling_ends_before_the_endpoint_does(template):
    (scaling,) = template.find_resources("Custom::EndpointScaling").values()
    (clean_up,) = template.find_resources("Custom::CleanUp")

    assert clean_up in scaling["DependsOn"]


def test_a_change_of_the_block_is_a_change_of_the_resource(template):
    (scaling,) = template.find_resources("Custom::EndpointScaling").values()

    assert json.loads(scaling["Properties"]["Scaling"])["max"] == 8


def test_a_serverless_endpoint_is_kept_warm_as_far_as_the_file_says():
    options = json.dumps({"endpoint": {"max_concurrency": 10, "provisioned_concurrency": 3}})
    (definition,) = definitions(templates(options)[1]).values()

    (variant,) = definition["States"]["CreateEndpointConfig"]["Arguments"]["ProductionVariants"]
    assert variant["ServerlessConfig"] == {
        "MemorySizeInMB": 2048,
        "MaxConcurrency": 10,
        "ProvisionedConcurrency": 3,
    }
