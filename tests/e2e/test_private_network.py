"""The loop in a private network and under a permissions boundary: a file is dropped, a model trains, is deployed and answers."""

from pathlib import Path

import pytest

from tests.e2e.cloud import eventually
from tests.e2e.deployment import deployed
from tests.integration.sagemaker_jobs.opt_ml import rows

BOUNDARY = Path(__file__).parents[2] / "docs" / "permissions-boundary.yaml"
ENDPOINT = "headrace-tours"
PIPELINE = {
    "name": "tours",
    "problem": "regression",
    "target": "rides",
    "ignore": ["busy", "level"],
    "training": {"estimator": "linear"},
    "endpoint": {"kind": "realtime"},
    "network": "private",
    "compliance": "strict",
    "owner": "fleet",
    "on_destroy": "retain",
    "retention": {"object_lock_days": 1},
}


@pytest.fixture(scope="module")
def outputs(cloud, tmp_path_factory):
    """The outputs of the stacks that the loop needs; monitoring is left out."""
    cloudformation = cloud.client("cloudformation")
    cloudformation.create_stack(
        StackName="headrace-boundary",
        TemplateBody=BOUNDARY.read_text(),
        Capabilities=["CAPABILITY_NAMED_IAM"],
    )
    cloudformation.get_waiter("stack_create_complete").wait(
        StackName="headrace-boundary", WaiterConfig={"Delay": 1, "MaxAttempts": 30}
    )
    return deployed(
        cloud,
        tmp_path_factory.mktemp("app"),
        PIPELINE,
        "data",
        "training",
        "serving",
        permissions_boundary="headrace-boundary",
    )


@pytest.fixture(scope="module")
def answer(cloud, outputs):
    """Drop a file, and return what the endpoint answers when the model that has learnt from it is deployed."""
    body = rows(300).to_csv(index=False).encode()
    cloud.client("s3").put_object(Bucket=outputs["DataBucketName"], Key="incoming/rides.csv", Body=body)
    sagemaker = cloud.client("sagemaker")

    def in_service():
        found = sagemaker.list_endpoints(NameContains=ENDPOINT, StatusEquals="InService")["Endpoints"]
        return bool(found)

    eventually(in_service, within_s=240)
    asked = rows(5, 1).drop(columns=["rides", "busy", "level"]).to_csv(index=False)
    answer = cloud.client("sagemaker-runtime").invoke_endpoint(
        EndpointName=ENDPOINT, ContentType="text/csv", Body=asked.encode()
    )
    return [float(line) for line in answer["Body"].read().decode().split()]


def test_the_loop_passes(answer):
    assert len(answer) == 5


def test_jobs_and_models_are_in_the_subnets_and_have_the_tags(cloud, answer):
    sagemaker = cloud.client("sagemaker")
    training = sagemaker.list_training_jobs(NameContains="headrace-tours")["TrainingJobSummaries"][0]
    job = sagemaker.describe_training_job(TrainingJobName=training["TrainingJobName"])
    model = sagemaker.describe_model(
        ModelName=sagemaker.list_models(NameContains=ENDPOINT)["Models"][0]["ModelName"]
    )

    assert len(job["VpcConfig"]["Subnets"]) == 2
    assert job["VpcConfig"] == model["VpcConfig"]
    assert (job["EnableNetworkIsolation"], model["EnableNetworkIsolation"]) == (True, True)
    for arn in (job["TrainingJobArn"], model["ModelArn"]):
        tags = {tag["Key"]: tag["Value"] for tag in sagemaker.list_tags(ResourceArn=arn)["Tags"]}
        assert tags["headrace:owner"] == "fleet"


def test_functions_are_in_the_subnets_but_for_the_one_that_prepares_them(cloud, answer):
    functions = cloud.client("lambda").get_paginator("list_functions").paginate()
    mine = [
        function
        for page in functions
        for function in page["Functions"]
        if function["FunctionName"].startswith("tours-")
    ]
    outside = [function["Handler"] for function in mine if not function.get("VpcConfig", {}).get("SubnetIds")]

    assert len(mine) > 10
    assert outside == ["lambdas.prepare_network.handler.handler"]


def test_the_default_security_group_is_closed(cloud, outputs):
    ec2 = cloud.client("ec2")
    (vpc,) = ec2.describe_vpcs(Filters=[{"Name": "tag:headrace:pipeline", "Values": ["tours"]}])["Vpcs"]
    mine = [{"Name": "vpc-id", "Values": [vpc["VpcId"]]}, {"Name": "group-name", "Values": ["default"]}]
    (group,) = ec2.describe_security_groups(Filters=mine)["SecurityGroups"]

    assert (group["IpPermissions"], group["IpPermissionsEgress"]) == ([], [])


def test_every_role_has_the_boundary(cloud, outputs):
    iam = cloud.client("iam")
    roles = [role for page in iam.get_paginator("list_roles").paginate() for role in page["Roles"]]
    mine = [
        iam.get_role(RoleName=role["RoleName"])["Role"]
        for role in roles
        if role["RoleName"].startswith("tours-")
    ]

    assert len(mine) > 10
    for role in mine:
        assert role["PermissionsBoundary"]["PermissionsBoundaryArn"].endswith(":policy/headrace-boundary")
