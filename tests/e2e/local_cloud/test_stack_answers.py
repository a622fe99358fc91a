"""Who asks for a stack that is changing is answered when it has changed."""

import json

import pytest

ONE_QUEUE = json.dumps({"Resources": {"Queue": {"Type": "AWS::SQS::Queue"}}})


@pytest.fixture
def stacks(client):
    return client("cloudformation")


@pytest.fixture
def status(stacks):
    """Ask once."""
    return lambda stack: stacks.describe_stacks(StackName=stack)["Stacks"][0]["StackStatus"]


def test_the_first_answer_is_the_last_one(stacks, status, name):
    stack = stacks.create_stack(StackName=name, TemplateBody=ONE_QUEUE)["StackId"]
    created = status(name)
    stacks.update_stack(
        StackName=name, TemplateBody=json.dumps({"Resources": {"Topic": {"Type": "AWS::SNS::Topic"}}})
    )
    updated = status(stack)
    stacks.delete_stack(StackName=name)

    assert (created, updated, status(stack)) == ("CREATE_COMPLETE", "UPDATE_COMPLETE", "DELETE_COMPLETE")


def test_a_stack_that_waits_for_a_person_is_told_at_once(stacks, status, name):
    stacks.create_change_set(
        StackName=name, ChangeSetName="first", ChangeSetType="CREATE", TemplateBody=ONE_QUEUE
    )

    assert status(name) == "REVIEW_IN_PROGRESS"
