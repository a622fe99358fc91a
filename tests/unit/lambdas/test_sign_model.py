import io
from datetime import UTC, datetime

import pytest

from headrace.aws.signed_models import SignedModels
from headrace.ml.supply_chain.archive import scan
from lambdas.sign_model.handler import Ports, SigningError, sign_model
from tests.archives import MODEL, packed
from tests.buckets import Bucket
from tests.signing import signing_key

NOW = datetime(2026, 1, 31, 12, tzinfo=UTC)
URL = "s3://b/training/job/output/model.tar.gz"
EVENT = {
    "run": "run-1",
    "model_data_url": URL,
    "model_package_arn": "arn:aws:sagemaker:us-east-1:123456789012:model-package/headrace-bike/7",
}
ARCHIVE = scan(io.BytesIO(packed(MODEL)), lambda _, chunks: list(chunks))
ORIGIN = {
    "gate": {"promote": True},
    "data": {"content_hash": "ab" * 32, "manifest": {"sha256": "cd" * 32}},
    "image": {"digest": "sha256:" + "ef" * 32},
    "code": {"commit": "0a" * 20, "content_sha256": "0b" * 32, "lock_sha256": "0c" * 32},
    "model": {"object": {"uri": URL, "size": ARCHIVE.size}},
}


class Documents(dict):
    def load(self, key):
        return self.get(key)


def sign(*, evaluation=None, origin=ORIGIN):
    evaluation = {"archive": ARCHIVE.as_dict()} if evaluation is None else evaluation
    documents = Documents(
        {"evaluations/run-1/evaluation.json": evaluation, "evaluations/run-1/provenance.json": origin}
    )
    models = SignedModels(Bucket(), signing_key())
    answer = sign_model(EVENT, "bike", "0d" * 32, Ports(documents, models), NOW)
    return answer, models


def test_the_archive_that_was_judged_is_signed_as_the_version_that_it_was_registered_as():
    answer, models = sign()

    assert answer == {"signed_manifest": "s3://b/training/job/output/signed_manifest.json", "version": 7}
    manifest = models.verified(URL, pipeline="bike", version=7).manifest
    assert manifest.archive_sha256 == ARCHIVE.sha256
    assert manifest.members == ARCHIVE.members
    assert (manifest.run, manifest.signed_at) == ("run-1", "2026-01-31T12:00:00+00:00")


def test_what_the_model_comes_from_is_signed_with_it():
    manifest = sign()[1].verified(URL, pipeline="bike", version=7).manifest

    assert (manifest.data_sha256, manifest.data_manifest_sha256) == ("ab" * 32, "cd" * 32)
    assert (manifest.code_commit, manifest.code_sha256) == ("0a" * 20, "0b" * 32)
    assert (manifest.lock_sha256, manifest.sbom_sha256) == ("0c" * 32, "0d" * 32)
    assert manifest.image_digest == "sha256:" + "ef" * 32


def test_what_nobody_can_tell_is_signed_as_empty():
    unknown = {**ORIGIN, "image": {"digest": None}, "code": {}, "data": {**ORIGIN["data"], "manifest": None}}

    manifest = sign(origin=unknown)[1].verified(URL, pipeline="bike", version=7).manifest

    assert (manifest.image_digest, manifest.code_commit, manifest.data_manifest_sha256) == ("", "", "")


@pytest.mark.parametrize(
    ("known", "why"),
    [
        ({"evaluation": {}}, "does not say what it has read"),
        ({"evaluation": {"archive": None}}, "does not say what it has read"),
        ({"origin": {**ORIGIN, "gate": {"promote": False}}}, "was not promoted"),
        ({"origin": {}}, "was not promoted"),
        ({"origin": {**ORIGIN, "model": {"object": None}}}, "not the archive that was judged"),
        (
            {"origin": {**ORIGIN, "model": {"object": {"uri": URL, "size": 1}}}},
            "not the archive that was judged",
        ),
        (
            {"origin": {**ORIGIN, "model": {"object": {"uri": "s3://b/other", "size": ARCHIVE.size}}}},
            "not the archive that was judged",
        ),
    ],
)
def test_what_was_not_judged_is_not_signed(known, why):
    with pytest.raises(SigningError, match=why):
        sign(**known)
