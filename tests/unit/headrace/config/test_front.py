import pytest
from pydantic import ValidationError

from headrace.config.front import Front
from headrace.config.pipeline import Pipeline


def test_a_front_is_off_unless_it_is_asked_for():
    assert Pipeline(name="bike", problem="regression", target="cnt").endpoint.front is None


@pytest.mark.parametrize("kind", ["asynchronous", "batch"])
def test_a_front_needs_an_endpoint_that_answers_at_once(kind):
    endpoint = {"kind": kind, "front": {}}

    with pytest.raises(
        ValidationError, match=f"endpoint.front: needs an endpoint that answers at once.*{kind}"
    ):
        Pipeline(name="bike", problem="regression", target="cnt", endpoint=endpoint)


@pytest.mark.parametrize(
    "principal", ["arn:aws:iam::123456789012:role/team/shop", "arn:aws:iam::123456789012:root"]
)
def test_roles_users_and_accounts_can_be_named(principal):
    assert Front(principals=(principal,)).principals == (principal,)


@pytest.mark.parametrize("principal", ["*", "123456789012", "arn:aws:iam::123456789012:role/*"])
def test_nobody_in_particular_cannot_be_named(principal):
    with pytest.raises(ValidationError):
        Front(principals=(principal,))


ACL = "arn:aws:wafv2:eu-central-1:123456789012:regional/webacl/shop/1234abcd-12ab-34cd-56ef-1234567890ab"


def test_a_web_acl_of_a_region_can_be_put_before_it():
    assert Front(web_acl=ACL).web_acl == ACL


@pytest.mark.parametrize(
    "acl", [ACL.replace("regional", "global"), ACL.replace("webacl", "rulegroup"), "shop"]
)
def test_what_is_no_regional_web_acl_is_refused(acl):
    with pytest.raises(ValidationError):
        Front(web_acl=acl)
