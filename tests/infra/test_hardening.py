"""What holds for every resource of every stack, and for whatever the state machines make: one test for each property."""

import boto3
from aws_cdk.assertions import Template
from cfnlint.schema import PROVIDER_SCHEMA_MANAGER

from security.checks.deployed import called
from tests.infra.state_machines import definitions, tasks

TAGS = {"headrace:pipeline", "headrace:owner", "headrace:data-class"}
NOT_TAGGED = {
    "CreateModelPackage",  # "In this case, you cannot supply a tag argument": those of the group hold
}


def of_type(synthesised, kind):
    """Return the properties of all resources of a type, by stack and name."""
    return {
        f"{stack}/{name}": resource.get("Properties", {})
        for stack, name, resource in synthesised.resources()
        if resource["Type"] == kind
    }


def test_everything_that_can_be_tagged_is(synthesised):
    untagged, tagged = [], set()
    for stack, name, resource in synthesised.resources():
        place = tag_property(resource["Type"])
        if place is None:
            continue
        given = resource.get("Properties", {}).get(place, [])
        found = set(given) if isinstance(given, dict) else {tag["Key"] for tag in given}
        tagged.add(resource["Type"])
        if not found >= TAGS:
            untagged.append(f"{stack}/{name} ({resource['Type']})")

    assert untagged == []
    assert {"AWS::S3::Bucket", "AWS::KMS::Key", "AWS::Lambda::Function", "AWS::IAM::Role"} <= tagged


def tag_property(kind):
    """Return the name of the property that holds a type's tags; None if CloudFormation knows none."""
    if kind.startswith("Custom::") or kind == "AWS::CloudFormation::CustomResource":
        return None
    schema = PROVIDER_SCHEMA_MANAGER.get_resource_schema("us-east-1", kind).schema
    tagging = schema.get("tagging", {})
    named = tagging.get("tagProperty", "/properties/Tags").removeprefix("/properties/")
    return named if tagging.get("taggable", True) and named in schema["properties"] else None


def test_everything_that_state_machines_make_is_tagged(synthesised):
    untagged, made = [], set()
    for kind in synthesised.kinds:
        for definition in definitions(Template.from_json(synthesised.template(kind))).values():
            for name, state in tasks(definition).items():
                operation = takes_tags(state["Resource"])
                if operation is None or operation in NOT_TAGGED:
                    continue
                made.add(operation)
                if not {tag["Key"] for tag in state["Arguments"].get("Tags", [])} >= TAGS:
                    untagged.append(f"{kind}: {name}")

    assert untagged == []
    assert made >= {
        "CreateTrainingJob",
        "CreateProcessingJob",
        "CreateModel",
        "CreateEndpointConfig",
        "CreateEndpoint",
    }


def takes_tags(resource):
    """Return the operation that a task calls if it makes something that can be tagged."""
    service, operation = called(resource)
    if not operation.startswith("Create"):
        return None
    shape = boto3.client(service, region_name="us-east-1").meta.service_model.operation_model(operation)
    return operation if "Tags" in shape.input_shape.members else None


def test_a_resource_without_tags_would_be_found():
    assert tag_property("AWS::SQS::Queue") == "Tags"
    assert tag_property("AWS::IAM::Policy") is None
    assert takes_tags("arn:aws:states:::sagemaker:createTrainingJob.sync") == "CreateTrainingJob"
