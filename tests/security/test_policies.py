"""Decisions by IAM's rules: cases of AWS's documentation, and the emulator's own evaluator on drawn policies."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from ministack.core.iam_evaluator import EvalContext, evaluate, parse_policy_document

from security.policies import Policies, Request, statements

ROLE = "arn:aws:iam::123456789012:role/r"
BUCKET, KEY = "arn:aws:s3:::b", "arn:aws:kms:us-east-1:123456789012:key/k"
ACTIONS = ["s3:GetObject", "s3:Get*", "s3:*", "s3:PutObject", "S3:getobject", "s3:?etObject"]
RESOURCES = [f"{BUCKET}/raw/*", f"{BUCKET}/raw/1.csv", f"{BUCKET}/*", "*", f"{BUCKET}/r?w/*"]
CONDITIONS = [
    {},
    {"StringEquals": {"s3:prefix": ["raw/", "curated/"]}},
    {"StringLike": {"s3:prefix": "raw/*"}},
    {"StringNotEquals": {"s3:prefix": "raw/"}},
    {"StringNotLike": {"s3:prefix": "r*"}},
    {"StringEqualsIfExists": {"s3:prefix": "raw/"}},
    {"ForAllValues:StringEquals": {"dynamodb:LeadingKeys": ["file", "training"]}},
    {"ForAnyValue:StringEquals": {"dynamodb:LeadingKeys": ["file"]}},
    {"Bool": {"kms:GrantIsForAWSResource": "true"}},
    {"Null": {"s3:prefix": "true"}},
    {"Null": {"s3:prefix": "false"}},
    {"NumericLessThan": {"s3:max-keys": "10"}},
    {"ArnLike": {"aws:SourceArn": "arn:aws:events:*:123456789012:rule/ours-*"}},
]
CONTEXTS = [
    {},
    {"s3:prefix": ("raw/",)},
    {"s3:prefix": ("raw/1",)},
    {"dynamodb:leadingkeys": ("file", "other")},
    {"dynamodb:leadingkeys": ("file",)},
    {"kms:grantisforawsresource": ("true",)},
    {"kms:grantisforawsresource": ("false",)},
    {"s3:max-keys": ("9",)},
    {"aws:sourcearn": ("arn:aws:events:us-east-1:123456789012:rule/ours-1",)},
]


def statement(effect="Allow", action="s3:GetObject", resource="*", **more):
    return {"Effect": effect, "Action": action, "Resource": resource, **more}


def policies(*own, resources=(), boundary=None):
    read = {arn: statements({"Statement": [found]}) for arn, found in resources}
    limits = {} if boundary is None else {ROLE: statements({"Statement": boundary})}
    return Policies({ROLE: statements({"Statement": list(own)})}, read, limits)


def asks(action, resource, principal=ROLE, **context):
    return Request(
        principal, action, resource, {key.replace("__", ":"): (value,) for key, value in context.items()}
    )


drawn = st.builds(
    lambda effect, actions, resources, condition: statement(effect, actions, resources, Condition=condition),
    st.sampled_from(["Allow", "Allow", "Deny"]),
    st.lists(st.sampled_from(ACTIONS), min_size=1, max_size=2),
    st.lists(st.sampled_from(RESOURCES), min_size=1, max_size=2),
    st.sampled_from(CONDITIONS),
)


@settings(max_examples=300, deadline=None)
@given(
    st.lists(drawn, min_size=1, max_size=4),
    st.sampled_from(["s3:GetObject", "s3:PutObject", "s3:ListBucket"]),
    st.sampled_from([f"{BUCKET}/raw/1.csv", f"{BUCKET}/curated/1", "arn:aws:s3:::other/raw/1.csv"]),
    st.sampled_from(CONTEXTS),
)
def test_the_emulators_evaluator_decides_alike(own, action, resource, context):
    theirs = EvalContext(
        principal_arn="arn:aws:sts::123456789012:assumed-role/r/s",
        principal_type="AssumedRole",
        principal_account="123456789012",
        action=action,
        resource_arn=resource,
        region="us-east-1",
        service_context={key: list(v) if len(v) > 1 else v[0] for key, v in context.items()},
    )
    expected = evaluate(theirs, [parse_policy_document({"Statement": own})]).decision == "Allow"

    assert policies(*own).allow(Request(ROLE, action, resource, context)) == expected


def test_nothing_is_allowed_that_no_statement_allows():
    assert not policies(statement()).allow(asks("s3:PutObject", f"{BUCKET}/1"))


def test_a_bucket_that_denies_wins_over_a_role_that_is_allowed():
    plain = {"Bool": {"aws:SecureTransport": "false"}}
    refuses = statement("Deny", "s3:*", f"{BUCKET}/*", Principal="*", Condition=plain)
    both = policies(statement(), resources=[(BUCKET, refuses)])

    assert both.allow(asks("s3:GetObject", f"{BUCKET}/1", aws__securetransport="true"))
    assert not both.allow(asks("s3:GetObject", f"{BUCKET}/1", aws__securetransport="false"))


def test_a_key_must_allow_its_own_account_too():
    account = {"AWS": "arn:aws:iam::123456789012:root"}
    own = statement(action="kms:Decrypt", resource=KEY)

    assert policies(own, resources=[(KEY, statement(action="kms:*", Principal=account))]).allow(
        asks("kms:Decrypt", KEY)
    )
    other = statement(action="kms:*", Principal={"Service": "events.amazonaws.com"})
    assert not policies(own, resources=[(KEY, other)]).allow(asks("kms:Decrypt", KEY))


def test_a_service_is_allowed_by_the_resource_alone():
    queue = "arn:aws:sqs:us-east-1:123456789012:q"
    to_events = statement(
        action="sqs:SendMessage", resource=queue, Principal={"Service": "events.amazonaws.com"}
    )
    both = policies(statement(), resources=[(queue, to_events)])

    assert both.allow(asks("sqs:SendMessage", queue, principal="events.amazonaws.com"))
    assert not both.allow(asks("sqs:SendMessage", queue, principal="s3.amazonaws.com"))


def test_a_boundary_limits_what_a_role_is_allowed():
    limited = policies(statement(action="s3:*"), boundary=[statement(action="s3:GetObject")])

    assert limited.allow(asks("s3:GetObject", f"{BUCKET}/1"))
    assert not limited.allow(asks("s3:PutObject", f"{BUCKET}/1"))


@pytest.mark.parametrize(
    "unknown",
    [
        {"NotAction": "s3:*"},
        {"NotResource": "*"},
        {"Condition": {"IpAddress": {"aws:SourceIp": "10.0.0.0/8"}}},
    ],
)
def test_what_is_not_known_here_is_refused_instead_of_left_out(unknown):
    with pytest.raises(ValueError, match="not known here"):
        statements({"Statement": [statement(**unknown)]})
