import boto3
import pytest
from botocore.stub import Stubber
from moto import mock_aws

from headrace.aws.endpoints import Endpoints
from headrace.aws.registry import Registry

ROLE = "arn:aws:iam::123456789012:role/model"
LIVE, OLD = "headrace-bike-v3-0a1b2c3d", "headrace-bike-v2-00000000"
FOREIGN = "headrace-bike-v2-v1-0a1b2c3d"  # of another pipeline, which is called bike-v2


@pytest.fixture
def sagemaker():
    with mock_aws():
        yield boto3.client("sagemaker", region_name="us-east-1")


def deploy(client, name, endpoint=None):
    container = {"Image": "image:1", "ModelDataUrl": "s3://b/m.tar.gz"}
    client.create_model(ModelName=name, ExecutionRoleArn=ROLE, PrimaryContainer=container)
    variant = {
        "VariantName": "v1",
        "ModelName": name,
        "InstanceType": "ml.m5.large",
        "InitialInstanceCount": 2,
    }
    client.create_endpoint_config(EndpointConfigName=name, ProductionVariants=[variant])
    if endpoint:
        client.create_endpoint(EndpointName=endpoint, EndpointConfigName=name)


def names(client):
    return sorted(model["ModelName"] for model in client.list_models()["Models"])


def test_a_missing_endpoint_is_none(sagemaker):
    assert Endpoints(sagemaker).find("headrace-bike") is None


def test_an_endpoint_is_described(sagemaker):
    deploy(sagemaker, LIVE, "headrace-bike")

    endpoint = Endpoints(sagemaker).find("headrace-bike")

    assert (endpoint.status, endpoint.config, endpoint.settled) == ("InService", LIVE, True)


def test_all_deployments_but_the_live_one_are_deleted_and_another_pipelines_are_left_alone(sagemaker):
    for name in (LIVE, OLD, FOREIGN):
        deploy(sagemaker, name)

    removed = Endpoints(sagemaker).delete_unused("headrace-bike", keep=frozenset({LIVE}))

    assert removed == [OLD]
    assert names(sagemaker) == sorted([LIVE, FOREIGN])
    configs = sagemaker.list_endpoint_configs()["EndpointConfigs"]
    assert sorted(config["EndpointConfigName"] for config in configs) == sorted([LIVE, FOREIGN])


def test_an_endpoint_is_deleted_step_by_step(sagemaker):
    deploy(sagemaker, LIVE, "headrace-bike")
    endpoints = Endpoints(sagemaker)

    assert [endpoints.delete_step("headrace-bike") for _ in range(2)] == [False, True]


def test_a_deployment_is_deleted_even_if_half_of_it_never_was(sagemaker):
    deploy(sagemaker, LIVE)
    sagemaker.delete_endpoint_config(EndpointConfigName=LIVE)

    Endpoints(sagemaker).delete_deployment(LIVE)

    assert names(sagemaker) == []


def test_a_package_is_described_with_what_is_needed_to_run_it(sagemaker):
    sagemaker.create_model_package_group(ModelPackageGroupName="headrace-bike")
    arn = sagemaker.create_model_package(
        ModelPackageGroupName="headrace-bike",
        ModelApprovalStatus="Approved",
        CustomerMetadataProperties={"content_hash": "h"},
        InferenceSpecification={
            "Containers": [{"Image": "image:1", "ModelDataUrl": "s3://b/m.tar.gz"}],
            "SupportedContentTypes": ["text/csv"],
            "SupportedResponseMIMETypes": ["text/csv"],
        },
    )["ModelPackageArn"]

    package = Registry(sagemaker).package(arn)

    assert (package.version, package.status, package.image) == (1, "Approved", "image:1")
    assert (package.model_data_url, package.metadata) == ("s3://b/m.tar.gz", {"content_hash": "h"})


def test_a_package_is_rejected_with_the_reason(sagemaker):
    with Stubber(sagemaker) as stub:
        expected = {
            "ModelPackageArn": "arn:aws:sagemaker:us-east-1:123456789012:model-package/headrace-bike/1",
            "ModelApprovalStatus": "Rejected",
            "ApprovalDescription": "x" * 1024,
        }
        stub.add_response("update_model_package", {"ModelPackageArn": expected["ModelPackageArn"]}, expected)

        Registry(sagemaker).reject(expected["ModelPackageArn"], "x" * 2000)

        stub.assert_no_pending_responses()


def test_a_variants_instances_are_counted_and_changed(sagemaker):
    deploy(sagemaker, LIVE, "headrace-bike")
    endpoints = Endpoints(sagemaker)

    endpoints.resize("headrace-bike", "v1", 5)

    assert endpoints.find("headrace-bike").instances == 5
