"""Who may sign, and who may only verify."""

import pytest

from infra.signing_key import unsigned_models
from tests.infra.pipeline_stacks import templates
from tests.infra.test_training_stack import actions, policies


def test_one_role_may_sign_and_no_other():
    training, serving = templates()[:2]
    users = {
        (role.rstrip("0123456789ABCDEF"), action)
        for template in (training, serving)
        for role, statements in policies(template).items()
        for statement in statements
        for action in actions(statement)
        if action in ("kms:Sign", "kms:Verify", "kms:GetPublicKey", "kms:*", "*")
    }

    assert users == {
        ("SignModelRole", "kms:Sign"),
        ("SignModelRole", "kms:GetPublicKey"),
        ("GuardTrainingRole", "kms:GetPublicKey"),
        ("VerifyModelRole", "kms:Verify"),
        ("VerifyModelRole", "kms:GetPublicKey"),
    }


def test_the_key_signs_on_the_curve_that_containers_verify_by():
    templates()[0].has_resource_properties(
        "AWS::KMS::Key", {"KeySpec": "ECC_NIST_P256", "KeyUsage": "SIGN_VERIFY"}
    )


class Scope:
    def __init__(self, said):
        self.node, self._said = self, said

    def try_get_context(self, name):
        return {"unsigned_models": self._said}[name]


@pytest.mark.parametrize(("said", "done"), [(None, "refuse"), ("refuse", "refuse"), ("accept", "accept")])
def test_models_without_a_signature_are_refused_unless_the_context_accepts_them(said, done):
    assert unsigned_models(Scope(said)) == done


def test_a_context_that_says_something_else_is_refused():
    with pytest.raises(ValueError, match="'yes': accept or refuse"):
        unsigned_models(Scope("yes"))
