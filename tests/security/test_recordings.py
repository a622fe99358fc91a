"""Recordings of two runs of one pipeline are alike: what a run has made up is cut to one form, and nothing else is."""

import json

import pytest

from security.recordings import normalised
from security.templates import Templates

TEMPLATES = Templates(
    {
        "p": {
            "Resources": {
                "Role": {"Type": "AWS::IAM::Role", "Properties": {}},
                "Network": {"Type": "AWS::EC2::VPC", "Properties": {}},
            }
        }
    }
)
GROUPS = "arn:aws:ec2:us-east-1:123456789012:security-group"
TUNING = "arn:aws:sagemaker:us-east-1:123456789012:hyper-parameter-tuning-job"
ECR = "arn:aws:ecr:us-east-1:683313688378:repository/sagemaker-scikit-learn"


@pytest.mark.parametrize(
    ("asked", "kept"),
    [
        ("arn:aws:s3:::b/curated/261201-013931-7ba1c7bd0", "arn:aws:s3:::b/curated/260131-120000-00000000"),
        (
            "arn:aws:sagemaker:us-east-1:123456789012:model/m",
            "arn:aws:sagemaker:us-east-1:123456789012:model/m",
        ),
        (f"{TUNING}/rides-tpcgyy0", f"{TUNING}/rides-t000000"),
        (ECR, ECR),
        (f"{GROUPS}/sg-0123456789abcdef0", f"{GROUPS}/p.Network.DefaultSecurityGroup"),
    ],
)
def test_times_and_hashes_are_cut_and_accounts_are_not(asked, kept):
    call = {
        "role": "p-Role-0123456789",
        "action": "a:B",
        "resource": asked,
        "context": {},
        "decision": "Allow",
    }
    role = {"stack": "p", "logical": "Role", "physical": "p-Role-0123456789"}
    group = {"stack": "p", "logical": "Network.DefaultSecurityGroup", "physical": "sg-0123456789abcdef0"}

    [found] = normalised(map(json.dumps, (role, group, call)), TEMPLATES)

    assert (found["role"], found["resource"]) == ("p.Role", kept)
