import json
from functools import cache

import pytest
from aws_cdk.assertions import Match, Template

from infra.predict_batch_stack import PredictBatchStack
from tests.infra.nag import findings
from tests.infra.pipeline_stacks import stacks
from tests.infra.policies import policies_of
from tests.infra.state_machines import definitions, flaws

AS_THEY_COME = json.dumps({"endpoint": {"kind": "realtime", "batch": {}}})
SCHEDULED = json.dumps(
    {
        "endpoint": {
            "kind": "serverless",
            "batch": {"schedule": "rate(1 day)", "instance": "ml.g5.xlarge", "instances": 3},
        }
    }
)


@cache
def stack(options=AS_THEY_COME):
    data, _, serving = stacks(options)
    pipeline = serving.pipeline
    batch = pipeline.endpoint.batches
    return PredictBatchStack(
        data.node.root, "bike-batch", pipeline=pipeline, batch=batch, data=data, serving=serving
    )


@cache
def template(options=AS_THEY_COME):
    return Template.from_stack(stack(options))


@cache
def definition(options=AS_THEY_COME):
    (found,) = definitions(template(options)).values()
    return found


def statements(role, options=AS_THEY_COME):
    """Return what a function's role may do: (actions, resources as text)."""
    return [
        (statement["Action"], json.dumps(statement["Resource"]))
        for name, policy in policies_of(template(options)).items()
        if name.startswith(role)
        for statement in policy["Properties"]["PolicyDocument"]["Statement"]
    ]


def test_files_below_batch_are_announced_to_the_queue():
    template().has_resource_properties(
        "AWS::Events::Rule",
        {
            "EventPattern": {
                "source": ["aws.s3"],
                "detail-type": ["Object Created"],
                "detail": {"bucket": Match.any_value(), "object": {"key": [{"prefix": "batch/"}]}},
            }
        },
    )
    template().resource_count_is("AWS::Scheduler::Schedule", 0)


def test_with_a_schedule_nothing_is_announced_and_the_function_may_look_for_itself():
    scheduled = template(SCHEDULED)

    scheduled.has_resource_properties("AWS::Scheduler::Schedule", {"ScheduleExpression": "rate(1 day)"})
    scheduled.resource_count_is("AWS::Events::Rule", 0)
    scheduled.has_resource_properties(
        "AWS::IAM::Policy",
        {
            "PolicyDocument": Match.object_like(
                {
                    "Statement": Match.array_with(
                        [
                            Match.object_like(
                                {
                                    "Action": "s3:ListBucketVersions",
                                    "Condition": {"StringLike": {"s3:prefix": "batch/*"}},
                                }
                            )
                        ]
                    )
                }
            )
        },
    )


def test_a_message_that_fails_three_times_goes_to_the_dead_letters():
    template().has_resource_properties(
        "AWS::SQS::Queue",
        {
            "VisibilityTimeout": 360,
            "RedrivePolicy": {"maxReceiveCount": 3, "deadLetterTargetArn": Match.any_value()},
        },
    )


@pytest.mark.parametrize("options", [AS_THEY_COME, SCHEDULED])
def test_the_state_machine_is_one(options):
    assert flaws(definition(options)) == []


def test_every_working_state_leads_its_errors_to_the_dead_letters():
    states = definition()["States"]
    working = {name for name, state in states.items() if state["Type"] == "Task"} - {"FailBatch"}

    assert {name for name in working if states[name]["Catch"][-1]["Next"] == "FailBatch"} == working


def test_the_job_asks_by_the_features_and_joins_answers_to_records():
    arguments = definition()["States"]["TransformBatch"]["Arguments"]

    assert definition()["States"]["TransformBatch"]["Resource"].endswith("sagemaker:createTransformJob.sync")
    assert arguments["DataProcessing"] == {"InputFilter": "$.features", "JoinSource": "Input"}
    assert arguments["TransformInput"]["SplitType"] == arguments["TransformOutput"]["AssembleWith"] == "Line"
    assert arguments["TransformInput"]["ContentType"] == arguments["TransformOutput"]["Accept"]
    assert (
        arguments["TransformJobName"] == "{% $plan.name & '-' & $string($states.context.State.RetryCount) %}"
    )
    assert {"Key": "headrace:pipeline", "Value": "bike"} in arguments["Tags"]


def test_the_pipelines_key_encrypts_what_is_stored_and_the_disk_unless_the_disk_does_it_itself():
    plain, local = (
        definition(options)["States"]["TransformBatch"]["Arguments"] for options in (AS_THEY_COME, SCHEDULED)
    )

    assert "KmsKeyId" in plain["TransformOutput"]
    assert "VolumeKmsKeyId" in plain["TransformResources"]
    assert local["TransformResources"] == {"InstanceType": "ml.g5.xlarge", "InstanceCount": 3}


def test_nothing_that_a_container_logs_is_captured():
    """The model's own environment may tell it to log what it is asked: the job's has the last word."""
    assert definition()["States"]["TransformBatch"]["Arguments"]["Environment"] == {"HEADRACE_CAPTURE": "no"}


def test_the_model_reads_and_writes_the_jobs_folder_and_logs_where_jobs_do():
    serving = json.dumps(policies_of(Template.from_stack(stacks(AS_THEY_COME)[2])))

    assert "transform/*" in serving
    assert ":log-group:/aws/sagemaker/TransformJobs:*" in serving


def test_what_is_dropped_can_be_read_and_not_changed():
    written = [
        resource
        for role in ("PrepareBatch", "FinishBatch", "PlanBatch", "StartBatch")
        for action, resource in statements(role)
        if action in ("s3:PutObject", "s3:DeleteObject")
    ]

    assert written
    assert not any("batch/*" in resource.replace("transform/", "") for resource in written)
    assert {
        prefix
        for prefix in ("transform/*", "predictions/*", "capture/headrace-bike/*")
        if any(prefix in each for each in written)
    } == {
        "transform/*",
        "predictions/*",
        "capture/headrace-bike/*",
    }


def test_who_starts_looks_at_versions_and_is_told_of_those_that_are_gone():
    subject = {"personal": {"instant": "hash"}, "subject": "instant"}
    named = json.dumps({"privacy": subject, "endpoint": {"kind": "realtime", "batch": {}}})

    on_files = {action for action, resource in statements("StartBatch", named) if "Data666C94C7" in resource}

    assert on_files == {"s3:GetObjectVersion", "s3:ListBucket"}


def test_what_jobs_exchange_is_forgotten_after_a_week():
    data = Template.from_stack(stacks(AS_THEY_COME)[0])

    rules = [
        rule
        for bucket in data.find_resources("AWS::S3::Bucket").values()
        for rule in bucket["Properties"].get("LifecycleConfiguration", {}).get("Rules", [])
    ]
    assert [rule["ExpirationInDays"] for rule in rules if rule.get("Prefix") == "transform/"] == [7]


def test_nag_finds_nothing():
    assert findings(stack(AS_THEY_COME)) == []
