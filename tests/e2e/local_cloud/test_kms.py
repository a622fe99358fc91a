"""Keys that sign: the local cloud answers as KMS does, and its signatures are those that anybody can verify."""

import hashlib

import pytest
from botocore.exceptions import ClientError

from headrace.aws.signing_key import SigningKey
from headrace.ml.supply_chain.refusal import ModelRefusedError

DIGEST = hashlib.sha256(b"a manifest").digest()


@pytest.fixture(scope="module")
def kms(cloud):
    return cloud.client("kms")


@pytest.fixture(scope="module")
def arn(kms):
    return kms.create_key(KeySpec="ECC_NIST_P256", KeyUsage="SIGN_VERIFY")["KeyMetadata"]["Arn"]


def test_a_signature_is_verified_by_kms_and_by_the_public_key_alone(kms, arn):
    key = SigningKey(kms, arn)

    signature = key.sign(DIGEST)

    assert key.has_signed(DIGEST, signature)
    assert key.public_key.has_signed(DIGEST, signature)
    other = hashlib.sha256(b"another manifest").digest()
    assert not key.has_signed(other, signature)
    assert not key.public_key.has_signed(other, signature)
    assert not key.has_signed(DIGEST, b"no signature")


def test_a_message_and_its_digest_have_signatures_that_vouch_for_each_other(kms, arn):
    how = {"KeyId": arn, "SigningAlgorithm": "ECDSA_SHA_256"}

    signature = kms.sign(Message=b"a manifest", MessageType="RAW", **how)["Signature"]

    assert SigningKey(kms, arn).public_key.has_signed(DIGEST, signature)
    assert kms.verify(Message=DIGEST, MessageType="DIGEST", Signature=signature, **how)["SignatureValid"]


@pytest.mark.parametrize(
    ("message", "kind"), [(bytes(4097), "RAW"), (bytes(31), "DIGEST"), (bytes(33), "DIGEST")]
)
def test_messages_that_kms_does_not_take_are_refused(kms, arn, message, kind):
    with pytest.raises(ClientError, match="ValidationException"):
        kms.sign(KeyId=arn, Message=message, MessageType=kind, SigningAlgorithm="ECDSA_SHA_256")


def test_a_key_that_is_disabled_vouches_for_nothing_until_it_is_enabled(kms, arn):
    key = SigningKey(kms, arn)
    signature = key.sign(DIGEST)

    kms.disable_key(KeyId=arn)
    with pytest.raises(ModelRefusedError, match="key_unusable"):
        key.has_signed(DIGEST, signature)
    kms.enable_key(KeyId=arn)

    assert key.has_signed(DIGEST, signature)
