import base64
import hashlib
import io
import json
import random

import pytest

from headrace.ml.supply_chain.archive import scan
from headrace.ml.supply_chain.envelope import Envelope, signed_digest
from headrace.ml.supply_chain.model_archive import inspect_model
from headrace.ml.supply_chain.public_key import PublicKey
from headrace.ml.supply_chain.refusal import ModelReason, ModelRefusedError
from headrace.ml.supply_chain.signed_manifest import SignedManifest, member_digests
from headrace.ml.supply_chain.variables import from_variables, to_variables
from tests.archives import MODEL, packed
from tests.signing import Kms, enveloped, manifest_of, signing_key

ARCHIVE = packed(MODEL)
KEY = signing_key()
ENVELOPE = enveloped(manifest_of(io.BytesIO(ARCHIVE)), KEY)


def accepted(archive, envelope, key, *, pipeline="bike", version=4):
    """Judge a model by all that a deployment and a container judge it by."""
    manifest = SignedManifest.from_bytes(Envelope.from_bytes(envelope).verified(key))
    manifest.check(pipeline=pipeline, version=version)
    manifest.check_archive(hashlib.sha256(archive).hexdigest())
    found = inspect_model(io.BytesIO(archive))
    manifest.check_members(member_digests(found.members))
    return manifest


def reason(*arguments, **expected):
    with pytest.raises(ModelRefusedError) as refused:
        accepted(*arguments, **expected)
    return refused.value.reason


def test_what_was_signed_is_accepted_with_all_that_was_said_about_it():
    manifest = accepted(ARCHIVE, ENVELOPE.to_bytes(), KEY)

    assert manifest == manifest_of(io.BytesIO(ARCHIVE))
    assert manifest.members.keys() == MODEL.keys()


def test_the_public_key_alone_judges_as_kms_does():
    offline = PublicKey.from_text(KEY.public_text)

    assert accepted(ARCHIVE, ENVELOPE.to_bytes(), offline) == accepted(ARCHIVE, ENVELOPE.to_bytes(), KEY)


@pytest.mark.parametrize("key", [KEY, PublicKey.from_text(KEY.public_text)], ids=["kms", "offline"])
@pytest.mark.parametrize("what", ["model", "manifest", "signature", "envelope"])
def test_a_thousand_changes_of_a_single_byte_are_all_noticed(what, key):
    drawn, noticed = random.Random(f"seed of {what}"), 0

    for _ in range(250):
        archive, envelope = ARCHIVE, ENVELOPE
        if what == "model":
            archive = changed(ARCHIVE, drawn)
        elif what == "manifest":
            envelope = Envelope(changed(ENVELOPE.payload, drawn), ENVELOPE.key_id, ENVELOPE.signature)
        elif what == "signature":
            envelope = Envelope(ENVELOPE.payload, ENVELOPE.key_id, changed(ENVELOPE.signature, drawn))
        body = changed(envelope.to_bytes(), drawn) if what == "envelope" else envelope.to_bytes()
        noticed += bool(reason(archive, body, key))

    assert noticed == 250


def changed(body, drawn):
    place = drawn.randrange(len(body))
    return body[:place] + bytes([body[place] ^ drawn.randrange(1, 256)]) + body[place + 1 :]


def test_a_signature_of_another_key_is_refused():
    other = enveloped(manifest_of(io.BytesIO(ARCHIVE)), signing_key(2))

    assert reason(ARCHIVE, other.to_bytes(), KEY) == ModelReason.WRONG_KEY


def test_a_signature_of_another_key_that_says_it_is_ours_is_refused():
    other = enveloped(manifest_of(io.BytesIO(ARCHIVE)), signing_key(2))
    forged = Envelope(other.payload, KEY.key_id, other.signature)

    assert reason(ARCHIVE, forged.to_bytes(), KEY) == ModelReason.BAD_SIGNATURE


def test_a_model_of_another_pipeline_is_refused_though_the_key_is_the_same():
    foreign = enveloped(manifest_of(io.BytesIO(ARCHIVE), pipeline="churn"), KEY)

    assert reason(ARCHIVE, foreign.to_bytes(), KEY) == ModelReason.FOREIGN_PIPELINE


def test_an_older_model_under_the_number_of_a_newer_one_is_refused():
    assert reason(ARCHIVE, ENVELOPE.to_bytes(), KEY, version=5) == ModelReason.OTHER_VERSION


def test_another_archive_beside_a_good_manifest_is_refused_though_its_files_are_the_same():
    repacked = packed(dict(reversed(MODEL.items())))

    assert reason(repacked, ENVELOPE.to_bytes(), KEY) == ModelReason.CHANGED


@pytest.mark.parametrize(
    ("change", "expected"),
    [
        (lambda found: found.pop("schema.json"), ModelReason.MISSING_FILE),
        (lambda found: found.update({"schema.json": "00"}), ModelReason.CHANGED),
        (lambda found: found.update({"threshold.json": "00"}), ModelReason.UNLISTED_FILE),
    ],
)
def test_files_that_are_missing_changed_or_added_are_named(change, expected):
    found = dict(manifest_of(io.BytesIO(ARCHIVE)).members)
    change(found)

    with pytest.raises(ModelRefusedError) as refused:
        manifest_of(io.BytesIO(ARCHIVE)).check_members(found)
    assert refused.value.reason == expected


def test_a_change_deep_in_the_code_of_the_managed_image_is_noticed():
    first, second = (
        member_digests(
            scan(io.BytesIO(packed({"code/a/b.py": code})), lambda _, chunks: list(chunks)).members
        )
        for code in (b"1", b"2")
    )

    assert first.keys() == {"code/"}
    assert first != second


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"{}",
        b"[]",
        b"[" * 100_000,
        b'{"payload":"","payloadType":"x","signatures":[]}',
        json.dumps(json.loads(ENVELOPE.to_bytes())).encode(),
        ENVELOPE.to_bytes() + b"\n",
    ],
)
def test_what_is_written_otherwise_than_here_is_refused(body):
    assert reason(ARCHIVE, body, KEY) == ModelReason.NOT_CANONICAL


def test_a_statement_on_something_else_is_refused_though_the_key_has_signed_it():
    payload = b'{"_type":"https://in-toto.io/Statement/v1"}'
    envelope = Envelope(payload, KEY.key_id, KEY.sign(signed_digest(payload)))

    assert reason(ARCHIVE, envelope.to_bytes(), KEY) == ModelReason.NOT_CANONICAL


def test_a_revoked_key_vouches_for_nothing():
    key = signing_key()
    assert key.key_id
    key._client.disabled = True

    assert reason(ARCHIVE, ENVELOPE.to_bytes(), key) == ModelReason.KEY_UNUSABLE


def test_errors_of_kms_that_say_nothing_about_the_key_are_no_refusals():
    key, kms = signing_key(), Kms()
    key._client = kms
    kms.verify = kms.get_public_key = lambda **_: (_ for _ in ()).throw(throttled())

    with pytest.raises(type(throttled())):
        reason(ARCHIVE, ENVELOPE.to_bytes(), key)


def throttled():
    from botocore.exceptions import ClientError  # noqa: PLC0415

    return ClientError({"Error": {"Code": "ThrottlingException"}}, "Verify")


@pytest.mark.parametrize("text", ["!", base64.b64encode(b"no key").decode()])
def test_a_public_key_that_is_none_is_refused(text):
    with pytest.raises(ModelRefusedError, match="key_unusable"):
        PublicKey.from_text(text).has_signed(bytes(32), b"")


def test_a_container_is_given_the_manifest_in_pieces_that_sagemaker_takes():
    variables = to_variables(ENVELOPE, KEY.public_text)

    assert from_variables(variables) == ENVELOPE
    assert len(variables) > 2
    assert all(len(value) <= 1024 for value in variables.values())


def test_a_container_with_a_key_and_no_manifest_is_told_so():
    with pytest.raises(ModelRefusedError, match="unsigned"):
        from_variables({"HEADRACE_SIGNING_KEY": KEY.public_text})


def test_a_manifest_that_no_container_can_be_given_is_refused():
    manifest = manifest_of(io.BytesIO(packed({f"m{n}.json": b"{}" for n in range(400)})))

    with pytest.raises(ModelRefusedError, match="too_many"):
        to_variables(enveloped(manifest, KEY), KEY.public_text)


def test_every_reason_is_told_in_words():
    assert all(each.text for each in ModelReason)
