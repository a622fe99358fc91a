import hashlib
import io

import pytest

from headrace.aws.signed_models import SignedModels
from headrace.aws.training_log import Champion
from headrace.ml.supply_chain.public_key import PublicKey
from headrace.ml.supply_chain.refusal import ModelReason, ModelRefusedError
from headrace.ml.supply_chain.signed_manifest import SignedManifest
from headrace.ml.supply_chain.variables import from_variables
from lambdas.verify_model.handler import Ports, verify_model
from tests.archives import MODEL, gadgets, packed
from tests.buckets import Bucket
from tests.signing import enveloped, manifest_of, signing_key
from tests.unit.lambdas.releases import ALL_AT_ONCE, MemoryReleases

URL = "s3://b/training/job/output/model.tar.gz"
PLAN = {**ALL_AT_ONCE, "model_data_url": URL}
KEY = signing_key()


class Ledger:
    def __init__(self, version=None):
        self._version = version

    def champion(self):
        version = self._version
        return version and Champion(version, "arn", "s3://b/m", f"v{version}", "t", "t", "h")


def bucket(members=MODEL, *, archive=None, key=KEY, **said):
    """Return a bucket with a model, and what was signed about it."""
    body = packed(members)
    signed = enveloped(manifest_of(io.BytesIO(body), **said), key)
    prefix = "training/job/output/"
    return Bucket(
        {
            f"{prefix}model.tar.gz": body if archive is None else archive,
            f"{prefix}signed_manifest.json": signed.to_bytes(),
        }
    )


def verify(objects, plan=PLAN, *, accept=False, in_service=3, newest=3, key=KEY):
    log = MemoryReleases()
    log.newest = newest
    ports = Ports(SignedModels(objects, key), key, Ledger(in_service), log)
    return verify_model({"plan": plan}, "bike", accept, ports)


def reason(*arguments, **known):
    with pytest.raises(ModelRefusedError) as refused:
        verify(*arguments, **known)
    return refused.value.reason


def test_a_signed_model_is_deployed_with_what_its_container_verifies_it_by():
    plan = verify(bucket())

    assert plan["signed"]
    assert plan["environment"]["HEADRACE_MODEL_VERSION"] == "v4"
    offline = PublicKey.from_text(plan["environment"]["HEADRACE_SIGNING_KEY"])
    signed = SignedManifest.from_bytes(from_variables(plan["environment"]).verified(offline))
    assert (signed.pipeline, signed.version) == ("bike", 4)


def test_a_model_without_a_signature_is_refused_and_the_text_says_what_to_do():
    objects = bucket()
    del objects["training/job/output/signed_manifest.json"]

    with pytest.raises(ModelRefusedError, match=r"unsigned: .*train again, or accept"):
        verify(objects)


def test_a_model_of_an_earlier_release_is_accepted_if_the_deployment_says_so_and_its_container_verifies_nothing():
    objects = bucket()
    del objects["training/job/output/signed_manifest.json"]

    plan = verify(objects, accept=True)

    assert plan == {**PLAN, "signed": False}


def test_accepting_unsigned_models_accepts_no_others():
    assert reason(bucket(archive=packed(MODEL)[:-1]), accept=True) == ModelReason.CHANGED
    assert reason(bucket(key=signing_key(2)), accept=True) == ModelReason.WRONG_KEY


@pytest.mark.parametrize(
    ("said", "expected"),
    [
        ({"pipeline": "churn"}, ModelReason.FOREIGN_PIPELINE),
        ({"version": 1}, ModelReason.OTHER_VERSION),
        ({"key": signing_key(2)}, ModelReason.WRONG_KEY),
    ],
)
def test_what_was_signed_for_something_else_is_refused(said, expected):
    assert reason(bucket(**said)) == expected


def test_an_archive_that_is_not_the_one_that_was_signed_is_not_unpacked(monkeypatch):
    monkeypatch.setattr("headrace.aws.signed_models.inspect_model", lambda _: pytest.fail("it was unpacked"))
    other = packed({**MODEL, "schema.json": b"{}"})

    for archive in (other, other[:100], b"", b"<html>", packed({**MODEL, "../evil": b"x"})):
        assert reason(bucket(archive=archive)) == ModelReason.CHANGED


def test_nine_pickles_are_refused_though_they_were_signed(tmp_path):
    for name, gadget in gadgets(tmp_path / "trace").items():
        for member in ("model.skops", "model.onnx", "schema.json", "model.pkl"):
            assert reason(bucket({**MODEL, member: gadget})) == ModelReason.PICKLE, (name, member)


@pytest.mark.parametrize(
    ("members", "expected"),
    [
        ({**MODEL, "../evil.json": b"{}"}, ModelReason.LEADS_ELSEWHERE),
        ({**MODEL, "setup.py": b"import os"}, ModelReason.FOREIGN_FORMAT),
        ({**MODEL, "model.skops": b"\x08onnx"}, ModelReason.FOREIGN_FORMAT),
    ],
)
def test_other_archives_that_no_training_writes_are_refused_though_they_were_signed(members, expected):
    hostile = packed(members)
    plain = manifest_of(io.BytesIO(packed(MODEL)))
    manifest = SignedManifest(**{**plain.__dict__, "archive_sha256": hashlib.sha256(hostile).hexdigest()})
    objects = bucket(archive=hostile)
    objects["training/job/output/signed_manifest.json"] = enveloped(manifest, KEY).to_bytes()

    assert reason(objects) == expected


@pytest.mark.parametrize("known", [{"in_service": 5}, {"newest": 5}, {"in_service": 2, "newest": 5}])
def test_a_version_below_one_that_was_deployed_is_refused_though_it_is_signed(known):
    with pytest.raises(ModelRefusedError, match=r"replayed: v4 is older than v5.*headrace rollback"):
        verify(bucket(), **known)


def test_somebody_who_decides_to_go_back_may_have_an_older_version():
    assert verify(bucket(), {**PLAN, "rejects": "arn:5"}, in_service=5, newest=5)["signed"]


def test_a_deployment_that_is_kept_is_verified_though_its_container_has_its_variables_already():
    kept = {name: value for name, value in PLAN.items() if name != "environment"} | {"rejects": "arn:5"}

    assert verify(bucket(), kept, in_service=5, newest=5)["signed"]
    with pytest.raises(ModelRefusedError, match="changed"):
        verify(bucket(archive=packed(MODEL)[:-1]), kept, in_service=5, newest=5)


def test_the_version_that_was_taken_back_may_be_deployed_again():
    assert verify(bucket(), in_service=3, newest=4)["signed"]


def test_without_the_key_nothing_is_deployed():
    key = signing_key()
    key._client.disabled = True

    with pytest.raises(ModelRefusedError, match=r"key_unusable: .*enable the key"):
        verify(bucket(), key=key)
