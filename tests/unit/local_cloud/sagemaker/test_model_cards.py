"""Model packages that carry a model card."""

import json
from types import SimpleNamespace

import pytest

from local_cloud.sagemaker.errors import ApiError
from local_cloud.sagemaker.records import Records
from local_cloud.sagemaker.registry import Registry
from local_cloud.sagemaker.shapes import check_request, fit_answer

CARD = json.dumps({"intended_uses": {"risk_rating": "Low"}})
KEY = "arn:aws:kms:us-east-1:123456789012:key/k"


def request(content=CARD):
    return {
        "ModelPackageGroupName": "bike",
        "ModelCard": {"ModelCardContent": content, "ModelCardStatus": "PendingReview"},
        "SecurityConfig": {"KmsKeyId": KEY},
    }


@pytest.fixture
def records():
    return Records("123456789012", "us-east-1")


@pytest.fixture
def registry(records):
    registry = Registry(records, SimpleNamespace(emit=lambda *event: None))
    registry.create_group({"ModelPackageGroupName": "bike"})
    return registry


def test_a_package_is_described_with_its_card_and_its_key(registry, records):
    check_request("CreateModelPackage", request())
    arn = registry.create_package(request())["ModelPackageArn"]

    described = fit_answer("DescribeModelPackage", records.get("ModelPackage", arn))

    assert described["ModelCard"] == {"ModelCardContent": CARD, "ModelCardStatus": "PendingReview"}
    assert described["SecurityConfig"] == {"KmsKeyId": KEY}


def test_a_card_that_does_not_fit_its_schema_makes_no_package(registry, records):
    with pytest.raises(ApiError, match="risk_rating"):
        registry.create_package(request('{"intended_uses": {"risk_rating": "low"}}'))

    assert records.tables["ModelPackage"] == {}


def test_a_card_can_be_exchanged_for_one_that_fits(registry, records):
    arn = registry.create_package(request())["ModelPackageArn"]
    other = json.dumps({"intended_uses": {"risk_rating": "High"}})

    registry.update_package({"ModelPackageArn": arn, "ModelCard": {"ModelCardContent": other}})
    with pytest.raises(ApiError, match="not valid JSON"):
        registry.update_package({"ModelPackageArn": arn, "ModelCard": {"ModelCardContent": "{"}})

    assert records.get("ModelPackage", arn)["ModelCard"]["ModelCardContent"] == other


def test_a_card_of_more_than_100_000_characters_is_refused():
    with pytest.raises(ApiError, match="length less than or equal to 100000"):
        check_request("CreateModelPackage", request("x" * 100_001))
