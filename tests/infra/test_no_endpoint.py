"""A pipeline of the kind `batch`: a model and no endpoint, in all of its stacks."""

import json
from functools import cache

import pytest
from aws_cdk.assertions import Template

from headrace.config.pipeline import Pipeline
from infra.pipeline_app import add_stacks
from tests.infra.nag import findings
from tests.infra.pipeline_stacks import template_app
from tests.infra.state_machines import definitions

FIELDS = {
    "name": "bike",
    "problem": "regression",
    "target": "cnt",
    "id": "instant",
    "endpoint": {"kind": "batch"},
    "alarms": {"no_predictions_after": "2 days"},
}


@cache
def app():
    app = template_app()
    add_stacks(app, Pipeline.model_validate(FIELDS))
    return app


@cache
def stack(kind):
    return app().node.find_child(f"bike-{kind}")


@cache
def template(kind):
    return Template.from_stack(stack(kind))


@cache
def deployment():
    (found,) = definitions(template("serving")).values()
    return found


def test_nobody_may_make_an_endpoint_or_ask_one():
    text = json.dumps(template("serving").to_json()) + json.dumps(template("batch").to_json())

    for action in ("CreateEndpoint", "UpdateEndpoint", "InvokeEndpoint", "CreateEndpointConfig"):
        assert f"sagemaker:{action}" not in text


def test_a_new_model_is_made_and_tried_by_a_transform_job_before_it_is_published():
    states, order, name = deployment()["States"], [], "CreateModel"
    while name:
        order.append(name)
        name = states[name].get("Next")

    assert order[:5] == ["CreateModel", "WriteSample", "TransformSample", "SmokeTest", "PublishModel"]
    assert "CreateEndpointConfig" not in states


def test_going_back_tries_the_earlier_model_again_and_makes_nothing():
    states = deployment()["States"]

    assert states["GoBack"]["Next"] == "WasItSigned"
    assert states["WasItSigned"]["Default"] == states["VerifyKept"]["Next"] == "WriteSample"


def test_each_try_is_a_job_of_its_own_though_a_deployment_is_gone_back_to():
    arguments = deployment()["States"]["TransformSample"]["Arguments"]

    assert "$states.context.Execution.StartTime" in arguments["TransformJobName"]
    assert "plan.name" not in arguments["TransformJobName"]


def test_the_model_is_cut_off_from_the_network():
    assert deployment()["States"]["CreateModel"]["Arguments"]["EnableNetworkIsolation"] is True


def test_there_are_no_alarms_and_no_logs_of_an_endpoint():
    alarms = template("monitoring").find_resources("AWS::CloudWatch::Alarm")

    assert not [name for name in alarms if "Endpoint" in name or "Latency" in name]
    assert "/aws/sagemaker/Endpoints" not in json.dumps(template("serving").to_json())
    assert not template("monitoring").find_resources("AWS::Logs::SubscriptionFilter")


def test_silence_is_told_in_the_words_of_files():
    (alarm,) = [
        alarm["Properties"]["AlarmDescription"]
        for name, alarm in template("monitoring").find_resources("AWS::CloudWatch::Alarm").items()
        if "NoPredictions" in name
    ]

    assert "no file has been answered for 2 days" in alarm


def test_the_dashboard_shows_files_in_the_place_of_requests():
    (dashboard,) = template("monitoring").find_resources("AWS::CloudWatch::Dashboard").values()
    text = json.dumps(dashboard)

    assert "BatchRowsPredicted" in text
    assert "ModelLatency" not in text
    assert "Calls of functions that Lambda refused" in text


@pytest.mark.parametrize("kind", ["serving", "monitoring"])
def test_nag_finds_nothing(kind):
    assert findings(stack(kind)) == []
