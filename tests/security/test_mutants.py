"""A permission that nothing needs, a condition that no probe meets, and a resource that is too wide are found."""

from security.mutants import mutants
from security.policies import Policies, statements
from security.probes import probes
from security.recordings import request

ROLE, OTHER = "arn:aws:iam::123456789012:role/r", "arn:aws:iam::123456789012:role/other"
TABLE = "arn:aws:dynamodb:us-east-1:123456789012:table/ledger"
BUCKET = "arn:aws:s3:::artifacts"


def allow(action, resource, condition=None):
    return {"Effect": "Allow", "Action": action, "Resource": resource, "Condition": condition or {}}


def judged(needed, *own):
    policies = Policies({ROLE: statements({"Statement": list(own)})}, {})
    tried = probes(needed)
    survivors = [(m.kind, m.what) for m in mutants(policies, needed, tried) if m.killed_by is None]
    return survivors, [probe for probe in tried if policies.allow(probe)]


def test_a_permission_that_no_call_needs_survives_its_deletion():
    survivors, _ = judged(
        [request(ROLE, "s3:GetObject", f"{BUCKET}/raw/1")],
        allow(["s3:GetObject", "s3:PutObject"], f"{BUCKET}/raw/*"),
    )

    assert ("permission", f"s3:PutObject on {BUCKET}/raw/*") in survivors
    assert ("permission", f"s3:GetObject on {BUCKET}/raw/*") not in survivors


def test_one_of_two_permissions_for_the_same_is_enough():
    needed = [request(ROLE, "s3:GetObject", f"{BUCKET}/raw/1")]
    survivors, _ = judged(
        needed, allow("s3:GetObject", f"{BUCKET}/raw/*"), allow("s3:Get*", f"{BUCKET}/raw/1")
    )

    assert [kind for kind, _ in survivors].count("permission") == 2


def test_a_condition_that_a_probe_meets_is_proved():
    only = {"ForAllValues:StringEquals": {"dynamodb:LeadingKeys": ["file"]}}
    needed = [request(ROLE, "dynamodb:PutItem", TABLE, {"dynamodb:LeadingKeys": ["file"]})]
    survivors, leaks = judged(needed, allow("dynamodb:PutItem", TABLE, only))

    assert (survivors, leaks) == ([], [])


def test_a_wide_resource_leaks():
    needed = [request(ROLE, "s3:GetObject", f"{BUCKET}/raw/1")]
    _, leaks = judged(needed, allow("s3:GetObject", "*"))

    assert f"{BUCKET}/elsewhere/raw/1" in [leak.resource for leak in leaks]


def test_every_role_is_tried_with_what_others_need():
    needed = [request(ROLE, "s3:GetObject", f"{BUCKET}/raw/1"), request(OTHER, "dynamodb:PutItem", TABLE)]

    tried = {(probe.principal, probe.action, probe.resource) for probe in probes(needed)}

    assert (OTHER, "s3:GetObject", f"{BUCKET}/raw/1") in tried
    assert (ROLE, "dynamodb:PutItem", TABLE) in tried


def test_a_target_of_scaling_without_a_name_of_its_own_is_tried_in_another_region():
    targets = "arn:aws:application-autoscaling:us-east-1:123456789012:scalable-target"
    action = "application-autoscaling:RegisterScalableTarget"
    survivors, leaks = judged([request(ROLE, action, f"{targets}/random")], allow(action, f"{targets}/*"))

    assert (survivors, leaks) == ([], [])
