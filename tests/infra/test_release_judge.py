import json
from functools import cache

import pytest
from aws_cdk.assertions import Template

from headrace.config.pipeline import Pipeline
from infra.data_stack import DataStack
from infra.pipeline_stack import PipelineStack
from infra.release_judge import ReleaseJudge
from tests.infra.nag import findings
from tests.infra.pipeline_stacks import template_app
from tests.infra.policies import policies_of


@cache
def stack(**release):
    app = template_app()
    fields = {"name": "bike", "problem": "regression", "target": "cnt", "endpoint": {"kind": "realtime"}}
    pipeline = Pipeline.model_validate({**fields, "release": release, "feedback": {}, "id": "instant"})
    data = DataStack(app, "bike-data", pipeline=pipeline)
    stack = PipelineStack(app, "bike-serving", pipeline=pipeline, description="judge")
    ReleaseJudge(stack, "JudgeRelease", pipeline=pipeline, data=data, endpoint="headrace-bike")
    return stack


def statements_of(**release):
    policies = policies_of(Template.from_stack(stack(**release))).values()
    return [
        statement for policy in policies for statement in policy["Properties"]["PolicyDocument"]["Statement"]
    ]


@pytest.fixture(scope="module")
def statements():
    return statements_of(strategy="canary")


def places(statements, action):
    found = [each["Resource"] for each in statements if each["Action"] == action]
    return json.dumps(found)


def test_it_writes_its_own_reports_and_what_models_are_watched_by(statements):
    written = places(statements, "s3:PutObject")

    assert "releases/*" in written
    assert "baselines/*" in written
    assert not any(prefix in written for prefix in ("predictions", "labelled", "capture", "training"))


def test_it_reads_the_captured_requests_of_its_own_endpoint(statements):
    assert "capture/headrace-bike/*" in places(statements, "s3:GetObject")


@pytest.mark.parametrize(
    ("strategy", "metric", "compared"),
    [
        ("canary", "proxy", set()),
        ("linear", "proxy", set()),
        ("ab", "proxy", {"predictions/*", "drift/latest.json"}),
        ("ab", "labels", {"labelled/*"}),
        ("shadow", "proxy", {"predictions/*", "drift/latest.json"}),
        ("shadow", "labels", {"labelled/*", "predictions/*"}),
    ],
)
def test_it_reads_what_its_comparison_takes(strategy, metric, compared):
    read = places(statements_of(strategy=strategy, metric=metric), "s3:GetObject")

    assert {name for name in ("predictions/*", "labelled/*", "drift/latest.json") if name in read} == compared


def test_of_the_ledger_it_reads_releases_alone(statements):
    (found,) = [each for each in statements if "dynamodb" in json.dumps(each["Action"])]

    assert found["Action"] == "dynamodb:GetItem"
    assert found["Condition"]["ForAllValues:StringEquals"] == {"dynamodb:LeadingKeys": ["release"]}


def test_nothing_is_found_by_nag():
    assert findings(stack()) == []
