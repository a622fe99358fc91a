"""Web ACLs before stages of the local cloud."""

import json

import pytest
from ministack.core.responses import request_scope
from ministack.services import waf

from local_cloud.repairs import web_acls
from local_cloud.settings import ACCOUNT, REGION

STAGE = f"arn:aws:apigateway:{REGION}::/restapis/a1b2c3/stages/live"


@pytest.fixture
def acl():
    """A web ACL that lets everything through."""
    with request_scope(ACCOUNT, REGION):
        asked = {"Name": "shop", "Scope": "REGIONAL", "DefaultAction": {"Allow": {}}, "VisibilityConfig": {}}
        made = json.loads(waf._create_web_acl(asked)[2])["Summary"]
        yield made["ARN"]
        waf._delete_web_acl({"Id": made["Id"], "Scope": "REGIONAL", "LockToken": made["LockToken"]})


def before(stage):
    """Return the ARN of the web ACL before a stage; None if there is none."""
    return json.loads(waf._get_web_acl_for_resource({"ResourceArn": stage})[2]).get("WebACL", {}).get("ARN")


def test_a_template_puts_a_web_acl_before_a_stage_and_takes_it_away(acl):
    physical, _ = web_acls._create("Firewall", {"ResourceArn": STAGE, "WebACLArn": acl}, "stack")

    assert before(STAGE) == acl
    web_acls._delete(physical, {"ResourceArn": STAGE, "WebACLArn": acl})
    assert before(STAGE) is None


def test_a_web_acl_moves_with_the_stage_that_a_template_names(acl):
    old, new = ({"ResourceArn": f"{STAGE}{number}", "WebACLArn": acl} for number in (1, 2))
    physical, _ = web_acls._create("Firewall", old, "stack")

    web_acls._update(physical, old, new, "stack")

    assert (before(old["ResourceArn"]), before(new["ResourceArn"])) == (None, acl)


def test_a_web_acl_that_is_not_there_and_what_is_no_stage_are_refused(acl):
    with pytest.raises(ValueError, match="create failed"):
        web_acls._create("Firewall", {"ResourceArn": STAGE, "WebACLArn": f"{acl[:-1]}x"}, "stack")
    with pytest.raises(ValueError, match="is no stage"):
        web_acls._create("Firewall", {"ResourceArn": "arn:aws:s3:::bucket", "WebACLArn": acl}, "stack")
