"""The model registry, tags, lists and events."""

import json

import pytest
from botocore.exceptions import ClientError

from tests.e2e.cloud import ACCOUNT, REGION, eventually, new_name, policy_document
from tests.e2e.local_cloud.sagemaker.conftest import TOY_IMAGE

PREFIX = f"arn:aws:sagemaker:{REGION}:{ACCOUNT}"


@pytest.fixture
def group(sagemaker, name):
    sagemaker.create_model_package_group(ModelPackageGroupName=name)
    return name


@pytest.fixture
def register(sagemaker, group, model_data):
    """Register a version in the group, and return its ARN."""

    def register(**settings):
        container = {"Image": TOY_IMAGE, "ModelDataUrl": model_data("hello")}
        specification = {
            "Containers": [container],
            "SupportedContentTypes": ["text/csv"],
            "SupportedResponseMIMETypes": ["text/csv"],
        }
        answer = sagemaker.create_model_package(
            ModelPackageGroupName=group, InferenceSpecification=specification, **settings
        )
        return answer["ModelPackageArn"]

    return register


# --- packages and their approval


def test_versions_are_counted_within_their_group(register, group):
    assert [register(), register()] == [f"{PREFIX}:model-package/{group}/{number}" for number in (1, 2)]


def test_a_version_waits_for_approval(register, sagemaker):
    package = sagemaker.describe_model_package(ModelPackageName=register())

    assert package["ModelApprovalStatus"] == "PendingManualApproval"
    assert package["ModelPackageStatus"] == "Completed"
    assert package["ModelPackageVersion"] == 1
    assert package["InferenceSpecification"]["Containers"][0]["Image"] == TOY_IMAGE


def test_a_version_can_be_approved_with_a_reason(register, sagemaker):
    arn = register(CustomerMetadataProperties={"rmse": "1.5"})
    sagemaker.update_model_package(
        ModelPackageArn=arn,
        ModelApprovalStatus="Approved",
        ApprovalDescription="better",
        CustomerMetadataProperties={"by": "gate"},
    )

    package = sagemaker.describe_model_package(ModelPackageName=arn)
    assert (package["ModelApprovalStatus"], package["ApprovalDescription"]) == ("Approved", "better")
    assert package["CustomerMetadataProperties"] == {"rmse": "1.5", "by": "gate"}


def test_the_number_of_a_deleted_version_is_not_given_again(register, sagemaker):
    sagemaker.delete_model_package(ModelPackageName=register())

    assert register().endswith("/2")


def test_a_model_can_be_made_of_a_package(register, sagemaker, role, invoke, name):
    model = {"ModelName": name, "ExecutionRoleArn": role}
    sagemaker.create_model(
        **model, Containers=[{"ModelPackageName": register(ModelApprovalStatus="Approved")}]
    )
    variant = {
        "VariantName": "v",
        "ModelName": name,
        "InstanceType": "ml.m5.large",
        "InitialInstanceCount": 1,
    }
    sagemaker.create_endpoint_config(EndpointConfigName=name, ProductionVariants=[variant])
    sagemaker.create_endpoint(EndpointName=name, EndpointConfigName=name)
    sagemaker.get_waiter("endpoint_in_service").wait(EndpointName=name, WaiterConfig={"Delay": 1})

    assert invoke(name, b"x") == b"hello:x"
    sagemaker.delete_endpoint(EndpointName=name)


def test_a_group_that_is_not_empty_stays(register, group, sagemaker):
    register()

    with pytest.raises(sagemaker.exceptions.ConflictException, match="contains model packages"):
        sagemaker.delete_model_package_group(ModelPackageGroupName=group)


def test_an_empty_group_can_be_deleted(group, sagemaker):
    sagemaker.delete_model_package_group(ModelPackageGroupName=group)

    with pytest.raises(
        ClientError, match=f"ModelPackageGroup {PREFIX}:model-package-group/{group} does not exist"
    ):
        sagemaker.describe_model_package_group(ModelPackageGroupName=group)


def test_a_group_is_made_once(group, sagemaker):
    with pytest.raises(ClientError, match="Model Package Group already exists"):
        sagemaker.create_model_package_group(ModelPackageGroupName=group)


def test_the_latest_approved_version_is_found(register, group, sagemaker):
    versions = [register() for _ in range(3)]
    for arn in versions[:2]:
        sagemaker.update_model_package(ModelPackageArn=arn, ModelApprovalStatus="Approved")

    [latest] = sagemaker.list_model_packages(
        ModelPackageGroupName=group,
        ModelApprovalStatus="Approved",
        SortBy="CreationTime",
        SortOrder="Descending",
        MaxResults=1,
    )["ModelPackageSummaryList"]
    assert (latest["ModelPackageArn"], latest["ModelPackageVersion"]) == (versions[1], 2)


def test_a_caller_needs_permission_to_approve(cloud, register):
    arn = register()
    reader = cloud.as_role({"Action": ["sagemaker:Describe*", "sagemaker:List*"], "Resource": "*"})(
        "sagemaker"
    )

    assert reader.describe_model_package(ModelPackageName=arn)
    with pytest.raises(ClientError, match="not authorized to perform: sagemaker:UpdateModelPackage"):
        reader.update_model_package(ModelPackageArn=arn, ModelApprovalStatus="Approved")


# --- lists


@pytest.fixture(scope="module")
def listed(sagemaker, role, model_data):
    """The common part of the names of five models, in the order in which they were made."""
    stem = new_name("listed")
    container = {"Image": TOY_IMAGE, "ModelDataUrl": model_data("hello")}
    for letter in "cabed":
        sagemaker.create_model(
            ModelName=f"{stem}-{letter}", ExecutionRoleArn=role, PrimaryContainer=container
        )
    return stem


def _letters(models):
    return "".join(model["ModelName"][-1] for model in models)


def test_a_list_begins_with_the_newest(sagemaker, listed):
    assert _letters(sagemaker.list_models(NameContains=listed)["Models"]) == "debac"


def test_a_list_can_be_sorted(sagemaker, listed):
    models = sagemaker.list_models(NameContains=listed, SortBy="Name", SortOrder="Ascending")["Models"]

    assert _letters(models) == "abcde"


def test_a_list_has_pages(sagemaker, listed):
    request = {"NameContains": listed, "SortBy": "Name", "SortOrder": "Ascending", "MaxResults": 2}
    pages = list(sagemaker.get_paginator("list_models").paginate(**request))

    assert [_letters(page["Models"]) for page in pages] == ["ab", "cd", "e"]
    assert "NextToken" not in pages[-1]


def test_a_page_that_is_not_there_is_refused(sagemaker):
    with pytest.raises(ClientError, match="pagination token") as refusal:
        sagemaker.list_models(NextToken="somewhere")

    assert refusal.value.response["Error"]["Code"] == "ValidationException"


def test_a_list_can_be_cut_by_time(sagemaker, listed):
    newest = sagemaker.describe_model(ModelName=f"{listed}-d")["CreationTime"]

    earlier = sagemaker.list_models(NameContains=listed, CreationTimeBefore=newest)["Models"]
    later = sagemaker.list_models(NameContains=listed, CreationTimeAfter=newest)["Models"]

    assert "c" in _letters(earlier)
    assert "c" not in _letters(later)


@pytest.mark.parametrize(
    "operation",
    [
        "list_training_jobs",
        "list_processing_jobs",
        "list_models",
        "list_endpoint_configs",
        "list_endpoints",
        "list_model_package_groups",
        "list_model_packages",
    ],
)
def test_every_list_can_be_asked_for_nothing(sagemaker, operation):
    answer = getattr(sagemaker, operation)(CreationTimeAfter=4_000_000_000)

    [found] = [value for key, value in answer.items() if key not in ("NextToken", "ResponseMetadata")]
    assert found == []


def test_a_search_finds_jobs_by_their_tags(sagemaker, training_request, name):
    sagemaker.create_training_job(**training_request(name), Tags=[{"Key": "colour", "Value": name}])

    found = sagemaker.search(
        Resource="TrainingJob",
        SearchExpression={"Filters": [{"Name": "Tags.colour", "Operator": "Equals", "Value": name}]},
    )["Results"]
    assert [result["TrainingJob"]["TrainingJobName"] for result in found] == [name]


# --- tags


def test_tags_are_added_listed_and_deleted(sagemaker, name):
    arn = sagemaker.create_model_package_group(
        ModelPackageGroupName=name, Tags=[{"Key": "team", "Value": "bikes"}]
    )["ModelPackageGroupArn"]
    sagemaker.add_tags(
        ResourceArn=arn, Tags=[{"Key": "cost", "Value": "7"}, {"Key": "team", "Value": "cars"}]
    )

    tags = sagemaker.list_tags(ResourceArn=arn)["Tags"]
    assert {tag["Key"]: tag["Value"] for tag in tags} == {"team": "cars", "cost": "7"}
    sagemaker.delete_tags(ResourceArn=arn, TagKeys=["team"])
    assert sagemaker.list_tags(ResourceArn=arn)["Tags"] == [{"Key": "cost", "Value": "7"}]


# --- events


@pytest.fixture(scope="module")
def events(client):
    """Return the events of SageMaker that concern one resource, once they fit."""
    name, sqs, bus = new_name("events"), client("sqs"), client("events")
    arn = f"arn:aws:sqs:{REGION}:{ACCOUNT}:{name}"
    statement = {
        "Principal": {"Service": "events.amazonaws.com"},
        "Action": "sqs:SendMessage",
        "Resource": arn,
    }
    url = sqs.create_queue(QueueName=name, Attributes={"Policy": policy_document(statement)})["QueueUrl"]
    bus.put_rule(Name=name, EventPattern=json.dumps({"source": ["aws.sagemaker"]}))
    bus.put_targets(Rule=name, Targets=[{"Id": "1", "Arn": arn}])
    seen = []

    def events(resource, fits):
        def look():
            messages = sqs.receive_message(QueueUrl=url, MaxNumberOfMessages=10).get("Messages", [])
            for message in messages:
                seen.append(json.loads(message["Body"]))
                sqs.delete_message(QueueUrl=url, ReceiptHandle=message["ReceiptHandle"])
            return [event for event in seen if event["resources"] == [resource]]

        return eventually(look, fits)

    yield events
    bus.remove_targets(Rule=name, Ids=["1"])
    bus.delete_rule(Name=name)


def test_an_approval_is_an_event(events, register, sagemaker, group):
    arn = register()
    sagemaker.update_model_package(ModelPackageArn=arn, ModelApprovalStatus="Approved")

    found = events(arn, lambda found: len(found) == 2)
    assert [event["detail"]["ModelApprovalStatus"] for event in found] == [
        "PendingManualApproval",
        "Approved",
    ]
    detail = found[1]["detail"]
    assert found[1]["detail-type"] == "SageMaker Model Package State Change"
    assert detail["ModelPackageGroupName"] == group
    assert detail["ModelPackageVersion"] == 1
    assert detail["ModelPackageStatus"] == "Completed"


def test_a_training_job_tells_its_states(events, train, name):
    arn = train(name)["TrainingJobArn"]

    found = events(arn, lambda found: found and found[-1]["detail"]["TrainingJobStatus"] == "Completed")
    assert {event["detail-type"] for event in found} == {"SageMaker Training Job State Change"}
    assert [event["detail"]["SecondaryStatus"] for event in found] == [
        "Starting",
        "Downloading",
        "Training",
        "Uploading",
        "Completed",
    ]
    assert found[0]["detail"]["TrainingJobStatus"] == "InProgress"
    assert found[-1]["detail"]["ModelArtifacts"]["S3ModelArtifacts"].endswith("/model.tar.gz")


def test_an_endpoint_tells_its_states(events, serve, sagemaker, name):
    arn = serve(name)["EndpointArn"]
    sagemaker.delete_endpoint(EndpointName=name)

    found = events(arn, lambda found: len(found) == 3)
    assert {event["detail-type"] for event in found} == {"SageMaker Endpoint State Change"}
    states = [event["detail"]["EndpointStatus"] for event in found]
    assert states == ["CREATING", "IN_SERVICE", "DELETING"]
    assert found[1]["detail"]["EndpointName"] == name
    assert found[1]["detail"]["EndpointConfigName"] == name
